'use strict';
// tls/refusal.js KEY CERTIFICATE: prints the error of Node's TLS client when Node's own HTTP/2
// server supports none of its protocols.
const fs = require('node:fs');
const http2 = require('node:http2');
const tls = require('node:tls');

const [key, cert] = process.argv.slice(2).map((name) => fs.readFileSync(name));
const server = http2.createSecureServer({ key, cert });
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const socket = tls.connect({
    port, host: '127.0.0.1', servername: 'localhost', ca: cert, ALPNProtocols: ['foo'],
  });
  socket.on('error', (error) => console.log(JSON.stringify({ code: error.code })));
  socket.on('close', () => server.close());
});
