'use strict';
// Reads request bodies piece by piece, discards them, and answers with the number of bytes.
const { createServer, listen } = require('./serving.js');

const server = createServer();
server.on('stream', async (stream, headers) => {
  stream.on('error', () => {});
  let received = 0;
  try {
    for await (const chunk of stream) received += chunk.length;
  } catch {
    return; // the client has disconnected
  }
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.end(String(received));
});
listen(server);
