'use strict';
// Reads request bodies, discards them, and answers with the number of bytes. With --wide it
// announces receive windows of 16 MiB instead of Node's 64 KiB.
const { createServer, listen } = require('./serving.js');

const WINDOW = 2 ** 24;
const wide = process.argv.includes('--wide');

const server = createServer(wide ? { settings: { initialWindowSize: WINDOW } } : {});
if (wide) server.on('session', (session) => { session.setLocalWindowSize(WINDOW); });
server.on('stream', (stream, headers) => {
  let received = 0;
  stream.on('error', () => {}); // without this, a client that disconnects ends the process
  stream.on('data', (chunk) => { received += chunk.length; });
  stream.on('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200, 'content-type': 'text/plain' });
    stream.end(String(received));
  });
});
listen(server);
