'use strict';
// tls/client.js PORT CERTIFICATE VERSION: makes one request over TLS, and prints the session's
// properties.
const fs = require('node:fs');
const http2 = require('node:http2');

const [port, cert, version] = process.argv.slice(2);
const session = http2.connect(`https://localhost:${port}`, {
  ca: fs.readFileSync(cert), minVersion: version, maxVersion: version,
  lookup: (name, options, done) => (options.all
    ? done(null, [{ address: '127.0.0.1', family: 4 }])
    : done(null, '127.0.0.1', 4)),
});
const seen = {};
const stream = session.request({ ':path': '/' });
stream.on('response', (headers) => {
  seen.status = headers[':status'];
  seen.alpn = session.alpnProtocol;
  seen.encrypted = session.encrypted;
  seen.origin = [...session.originSet].find((origin) => origin.includes(port));
  seen.protocol = session.socket.getProtocol();
});
stream.setEncoding('utf8');
seen.body = '';
stream.on('data', (chunk) => { seen.body += chunk; });
stream.on('close', () => session.close(() => console.log(JSON.stringify(seen))));
