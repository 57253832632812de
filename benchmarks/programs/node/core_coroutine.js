'use strict';
// Hello World on Node's Core API, by an async function.
const { createServer, listen } = require('./serving.js');

const server = createServer();
server.on('stream', async (stream, headers) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.end('Hello World');
});
listen(server);
