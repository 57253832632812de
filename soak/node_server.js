'use strict';
// A Node server for the soak's client: those paths of the soak that Node supports.
// Arguments: the file with the block, and for TLS certificate and key. Prints its port.
const crypto = require('node:crypto');
const fs = require('node:fs');
const http2 = require('node:http2');

const [file, cert, key] = process.argv.slice(2);
const block = fs.readFileSync(file);
// Node still counts data queued on streams that the client has reset: with the default of 10 MB it
// refuses every stream after a dozen cancelled downloads.
const options = { maxSessionMemory: 100000 };
const server = cert
  ? http2.createSecureServer({
    ...options, cert: fs.readFileSync(cert), key: fs.readFileSync(key),
  })
  : http2.createServer(options);

const digest = (data) => crypto.createHash('sha256').update(data).digest('hex');

function whole(stream, then) {
  const parts = [];
  stream.on('data', (chunk) => parts.push(chunk));
  stream.on('end', () => then(Buffer.concat(parts)));
}

server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const [path, rest] = headers[':path'].split('?');
  const query = new URLSearchParams(rest);
  const [at, size] = [Number(query.get('at')), Number(query.get('size'))];
  const piece = block.subarray(at, at + size);
  switch (path) {
    case '/bytes': case '/whole':
      stream.respond();
      stream.end(piece);
      break;
    case '/json':
      whole(stream, (body) => {
        stream.respond();
        stream.end(JSON.stringify({ size: body.length, sha256: digest(body) }));
      });
      break;
    case '/echo':
      stream.respond();
      stream.pipe(stream);
      break;
    case '/push':
      for (const token of query.get('tokens').split('-')) {
        const pushed = { ':path': `/pushed?token=${token}&at=${at}&size=${size}` };
        stream.pushStream(pushed, (error, promised) => {
          if (error) return;
          promised.on('error', () => {});
          promised.respond();
          promised.end(piece);
        });
      }
      stream.respond();
      stream.end('pushed');
      break;
    case '/trailers':
      whole(stream, (body) => {
        stream.respond({}, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sha256': digest(body) }));
        stream.end(body);
      });
      break;
    default:
      stream.respond({ ':status': 404 }, { endStream: true });
  }
});
server.on('sessionError', () => {});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
