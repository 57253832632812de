'use strict';
// What the Node servers share: with a certificate and a key as arguments they speak TLS.
const fs = require('node:fs');
const http2 = require('node:http2');

const [cert, key] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));

exports.createServer = (options, handler) => {
  if (!cert) return http2.createServer(options, handler);
  const identity = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
  return http2.createSecureServer({ ...identity, ...options }, handler);
};

exports.listen = (server) => {
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
};
