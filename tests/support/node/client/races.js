'use strict';
// client/races.js PORT ROUNDS: uploads that are answered early, reset by the server, or cancelled.
const http2 = require('node:http2');

const session = http2.connect(`http://127.0.0.1:${process.argv[2]}`);
const rounds = Number(process.argv[3]);
const report = { closed: 0, goaway: null, error: null, last: null };
session.on('goaway', (code) => { report.goaway = code; });
session.on('error', (error) => { report.error = error.message; });

let left = rounds;
for (let i = 0; i < rounds; i++) {
  const path = ['/early', '/reset', '/whole'][i % 3];
  const stream = session.request({ ':method': 'POST', ':path': path });
  stream.on('error', () => {});
  stream.on('data', () => {});
  stream.write(Buffer.alloc(1000));
  stream.write(Buffer.alloc(40000));
  if (i % 3 === 2) setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), i % 7);
  else stream.end(Buffer.alloc(20000));
  stream.on('close', () => {
    report.closed++;
    if (--left) return;
    const after = session.request({ ':path': '/' });
    after.on('response', (headers) => { report.last = headers[':status']; });
    after.resume();
    after.on('close', () => session.close(() => console.log(JSON.stringify(report))));
  });
}
