'use strict';
// tls/no_alpn.js PORT CERTIFICATE TEXT: a TLS client without ALPN sends TEXT; prints everything
// that it receives until the server ends the connection.
const fs = require('node:fs');
const tls = require('node:tls');

const [port, cert, text] = process.argv.slice(2);
const socket = tls.connect({ port: Number(port), host: '127.0.0.1', servername: 'localhost', ca: fs.readFileSync(cert) });
socket.setEncoding('utf8');
let got = '';
socket.on('secureConnect', () => socket.write(text));
socket.on('data', (chunk) => { got += chunk; });
socket.on('close', () => console.log(JSON.stringify({ got, alpn: socket.alpnProtocol })));
