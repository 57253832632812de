'use strict';
// Hello World with trailers, as a gRPC server sends them.
const { createServer, listen } = require('./serving.js');

const server = createServer();
server.on('stream', (stream, headers) => {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end('Hello World');
});
listen(server);
