'use strict';
// Hello World on Node's Core API.
const { createServer, listen } = require('./node_serving.js');

const server = createServer();
server.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.end('Hello World');
});
listen(server);
