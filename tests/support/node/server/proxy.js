'use strict';
// A CONNECT proxy and, on the same port, the extended CONNECT: protocol "echo".
const http2 = require('node:http2');
const net = require('node:net');

const server = http2.createServer({ settings: { enableConnectProtocol: true } });
server.on('stream', (stream, headers) => {
  if (headers[':protocol'] === 'echo') {
    stream.respond({ 'x-path': headers[':path'] });
    stream.pipe(stream);
    return;
  }
  if (headers[':method'] !== 'CONNECT') {
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    return;
  }
  const url = new URL(`tcp://${headers[':authority']}`);
  const socket = net.connect(url.port, url.hostname, () => {
    stream.respond();
    socket.pipe(stream);
    stream.pipe(socket);
  });
  socket.on('error', () => stream.close(http2.constants.NGHTTP2_CONNECT_ERROR));
  stream.on('error', () => socket.destroy());
  stream.on('close', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port }));
});
