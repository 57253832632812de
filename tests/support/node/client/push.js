'use strict';
// client/push.js PORT [CA]: prints the client's events for pushed streams, and, over TLS, for
// ALTSVC and ORIGIN.
const fs = require('node:fs');
const http2 = require('node:http2');

const [port, ca] = process.argv.slice(2);
const session = ca
  ? http2.connect(`https://localhost:${port}`, { ca: fs.readFileSync(ca) })
  : http2.connect(`http://127.0.0.1:${port}`);
const seen = { pushed: {}, errors: [], altsvc: [], origin: [] };
let open = 1;

function closed() {
  if (--open) return;
  seen.originSet = session.originSet;
  session.close(() => console.log(JSON.stringify(seen)));
}

session.on('altsvc', (...args) => seen.altsvc.push(args));
session.on('origin', (origins) => seen.origin.push(origins));
session.on('stream', (stream, headers, flags) => {
  open++;
  const path = headers[':path'];
  const push = seen.pushed[path] = {
    id: stream.id, request: headers, flags, body: '', events: [], trailers: null,
  };
  if (path === '/unwanted') stream.close(http2.constants.NGHTTP2_CANCEL);
  for (const name of ['push', 'headers', 'response', 'trailers']) {
    stream.on(name, (got) => push.events.push([name, got]));
  }
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => { push.body += chunk; });
  stream.on('error', (error) => seen.errors.push(error.code));
  stream.on('close', () => { push.code = stream.rstCode; closed(); });
});
const stream = session.request({ ':path': '/' });
stream.setEncoding('utf8');
seen.body = '';
stream.on('data', (chunk) => { seen.body += chunk; });
stream.on('close', closed);
