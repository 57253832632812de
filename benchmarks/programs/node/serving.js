'use strict';
// Shared code of the Node servers: with a certificate and a key as arguments they use TLS; --http1
// is HTTP/1.1, with Node's module http in the clear and its http2 module over TLS.
const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');

const [cert, key] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const http1 = process.argv.includes('--http1');

exports.createServer = (options, handler) => {
  if (!cert) return http1 ? http.createServer(handler) : http2.createServer(options, handler);
  const identity = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
  return http2.createSecureServer({ ...identity, allowHTTP1: http1, ...options }, handler);
};

exports.listen = (server) => {
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
};
