'use strict';
// Node's client: one session, a fixed number of streams at a time.
const http2 = require('node:http2');
const { performance } = require('node:perf_hooks');

const [url, concurrency, warmUp, seconds] = process.argv.slice(2);
const path = new URL(url).pathname;
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
      const stream = session.request({ ':path': path });
      let status = 0;
      const chunks = [];
      stream.on('response', (headers) => { status = headers[':status']; });
      stream.on('data', (chunk) => { chunks.push(chunk); });
      stream.on('end', () => {
        const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
        if (status === 200 && body.toString() === 'Hello World') requests += 1;
        else failed += 1;
        next();
      });
      stream.on('error', reject);
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
