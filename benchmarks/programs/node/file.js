'use strict';
// Answers with a file: --file=PATH.
const { createServer, listen } = require('./serving.js');

const path = process.argv.find((argument) => argument.startsWith('--file=')).slice(7);

const server = createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.respondWithFile(path, { 'content-type': 'application/octet-stream' });
});
listen(server);
