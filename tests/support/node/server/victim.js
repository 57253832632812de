'use strict';
// The process under attack, like tests/security/victim.py: the same ports, paths and lines.
const http2 = require('http2');
const fs = require('fs');

const MIB = 1024 * 1024;
const PIECE = 64 * 1024;
const APPETITE = 24 * MIB;

const given = JSON.parse(process.argv[2]);
const options = {};
for (const [name, value] of Object.entries(given.options || {})) {
  options[name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())] = value;
}

function drained(stream) {
  let left = MIB / PIECE;
  const go = () => {
    while (left > 0) {
      left--;
      if (!stream.write(Buffer.alloc(PIECE, 'x'))) {
        stream.once('drain', go);
        return;
      }
    }
    stream.end();
  };
  go();
}

function reading(readable, writable) {
  let size = 0;
  readable.on('data', (chunk) => { size += chunk.length; });
  readable.on('end', () => writable.end(String(size)));
}

function stalling(readable) {
  let size = 0;
  readable.on('data', (chunk) => {
    size += chunk.length;
    if (size >= APPETITE) readable.pause();
  });
}

function onStream(stream, headers) {
  stream.on('error', () => {});
  switch (headers[':path']) {
    case '/': stream.respond({ 'content-type': 'text/plain' }); stream.end('hello'); break;
    case '/large': stream.respond(); stream.end(Buffer.alloc(MIB, 'x')); break;
    case '/drain': stream.respond(); drained(stream); break;
    case '/read': stream.respond(); reading(stream, stream); break;
    case '/stall': stalling(stream); break;
  }
}

function onRequest(request, response) {
  request.on('error', () => {});
  response.on('error', () => {});
  switch (request.url) {
    case '/': response.setHeader('content-type', 'text/plain'); response.end('hello'); break;
    case '/large': response.end(Buffer.alloc(MIB, 'x')); break;
    case '/drain': drained(response); break;
    case '/read': reading(request, response); break;
    case '/stall': stalling(request); break;
  }
}

function prepared(server) {
  if (given.api === 'compat') server.on('request', onRequest);
  else server.on('stream', onStream);
  server.on('sessionError', () => {});
  return server;
}

function attackedClient({ connect, requests = 1, read = true }) {
  const session = http2.connect(connect, { rejectUnauthorized: false });
  session.on('error', () => {});
  for (let n = 0; n < requests; n++) {
    const stream = session.request();
    stream.on('error', () => {});
    if (read) stream.resume();
  }
}

async function main() {
  const mine = given.role === 'client' ? {} : options;
  const servers = { port: prepared(http2.createServer(mine)) };
  if (given.certificate) {
    const [cert, key] = given.certificate.map((path) => fs.readFileSync(path));
    servers.secure_port = prepared(http2.createSecureServer({ cert, key, ...mine }));
  }
  const ports = {};
  for (const [name, server] of Object.entries(servers)) {
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    ports[name] = server.address().port;
  }
  console.log(JSON.stringify(ports));
  const lines = require('readline').createInterface({ input: process.stdin });
  lines.on('line', (line) => attackedClient(JSON.parse(line)));
  lines.on('close', () => process.exit());
}

main();
