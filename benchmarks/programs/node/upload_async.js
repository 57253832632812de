'use strict';
// Reads request bodies piece by piece, discards them, and answers with how many bytes came.
const { createServer, listen } = require('./serving.js');

const server = createServer();
server.on('stream', async (stream, headers) => {
  stream.on('error', () => {});
  let received = 0;
  try {
    for await (const chunk of stream) received += chunk.length;
  } catch {
    return; // the client has gone
  }
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.end(String(received));
});
listen(server);
