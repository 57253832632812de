'use strict';
// tls/alpn.js PORT CERTIFICATE PROTOCOL…: a TLS client that offers these protocols; prints the
// result.
const fs = require('node:fs');
const tls = require('node:tls');

const [port, cert, ...ALPNProtocols] = process.argv.slice(2);
const socket = tls.connect({
  port: Number(port), host: '127.0.0.1', servername: 'localhost', ca: fs.readFileSync(cert), ALPNProtocols,
});
const seen = {};
socket.on('secureConnect', () => { seen.alpn = socket.alpnProtocol; socket.end(); });
socket.on('error', (error) => { seen.code = error.code; });
socket.on('close', () => console.log(JSON.stringify(seen)));
