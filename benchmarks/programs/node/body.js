'use strict';
// Responses of 1 MiB from one Buffer.
const { createServer, listen } = require('./serving.js');

const BODY = Buffer.alloc(2 ** 20, 'x');
const server = createServer();
server.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
  stream.end(BODY);
});
listen(server);
