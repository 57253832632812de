'use strict';
// client/bodies.js PORT SIZE…: upload bodies of these sizes, and hash the answers.
const crypto = require('node:crypto');
const http2 = require('node:http2');

const session = http2.connect(`http://127.0.0.1:${process.argv[2]}`);
const unit = Buffer.alloc(65521);
for (let i = 0; i < unit.length; i++) unit[i] = (i * 7 + (i >> 8)) & 255;

function exchange(size) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': `/${size}` });
    const sent = crypto.createHash('sha256');
    const got = crypto.createHash('sha256');
    let length = 0;
    let left = size;
    let status;
    (function more() {
      while (left > unit.length) {
        left -= unit.length;
        sent.update(unit);
        if (!stream.write(unit)) return stream.once('drain', more);
      }
      const last = unit.subarray(0, left);
      sent.update(last);
      stream.end(last);
    })();
    stream.on('response', (headers) => { status = headers[':status']; });
    stream.on('data', (chunk) => { got.update(chunk); length += chunk.length; });
    stream.on('error', reject);
    stream.on('close', () => {
      resolve({ size, status, length, sent: sent.digest('hex'), got: got.digest('hex') });
    });
  });
}

(async () => {
  const report = [];
  for (const size of process.argv.slice(3)) report.push(await exchange(Number(size)));
  session.close(() => console.log(JSON.stringify(report)));
})();
