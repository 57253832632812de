'use strict';
// Node's client with bodies of 1 MiB: it gets them or, with --upload, sends them.
const http2 = require('node:http2');
const { performance } = require('node:perf_hooks');

const upload = process.argv.includes('--upload');
const words = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const [url, concurrency, warmUp, seconds] = words;
const path = new URL(url).pathname;
const BODY = Buffer.alloc(2 ** 20, 'x');
const EXPECTED = upload ? Buffer.from('Hello World') : BODY;
const session = http2.connect(url);

function measure(duration) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const deadline = start + duration * 1000;
    let requests = 0;
    let failed = 0;
    let active = Number(concurrency);

    function next() {
      if (performance.now() >= deadline) {
        active -= 1;
        if (active === 0) resolve({ requests, failed, seconds: (performance.now() - start) / 1000 });
        return;
      }
      const stream = session.request({ ':method': upload ? 'POST' : 'GET', ':path': path });
      let status = 0;
      const chunks = [];
      stream.on('response', (headers) => { status = headers[':status']; });
      stream.on('data', (chunk) => { chunks.push(chunk); });
      stream.on('end', () => {
        if (status === 200 && Buffer.concat(chunks).equals(EXPECTED)) requests += 1;
        else failed += 1;
        next();
      });
      stream.on('error', reject);
      if (upload) stream.end(BODY);
    }

    for (let i = 0; i < Number(concurrency); i += 1) next();
  });
}

measure(Number(warmUp))
  .then(() => measure(Number(seconds)))
  .then((result) => {
    console.log(JSON.stringify(result));
    session.close();
  });
