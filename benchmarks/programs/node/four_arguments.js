'use strict';
// Hello World on Node's Core API, with a listener that takes all arguments.
const { createServer, listen } = require('./serving.js');

const server = createServer();
server.on('stream', (stream, headers, flags, rawHeaders) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.end('Hello World');
});
listen(server);
