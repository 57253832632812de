'use strict';
// A response of 50 small pieces, each written when there is room for it.
const { once } = require('node:events');
const { createServer, listen } = require('./serving.js');

const PIECE = Buffer.alloc(100, 'x');

const server = createServer();
server.on('stream', async (stream, headers) => {
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  for (let i = 0; i < 50; i += 1) {
    if (!stream.write(PIECE)) await once(stream, 'drain');
  }
  stream.end();
});
listen(server);
