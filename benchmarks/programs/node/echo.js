'use strict';
// Sends request bodies back as they arrive.
const { createServer, listen } = require('./serving.js');

const server = createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
  stream.pipe(stream);
});
listen(server);
