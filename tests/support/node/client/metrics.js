'use strict';
// Posts bodies of some sizes, one after the other, and prints Node's measurements.
const http2 = require('node:http2');
const { PerformanceObserver } = require('node:perf_hooks');

const [port, ...sizes] = process.argv.slice(2).map(Number);
const entries = [];
const observer = new PerformanceObserver((items) => {
  for (const entry of items.getEntries()) {
    entries.push({ name: entry.name, duration: entry.duration, ...entry.detail });
  }
  if (entries.some((entry) => entry.name === 'Http2Session')) {
    observer.disconnect();
    console.log(JSON.stringify(entries));
  }
});
observer.observe({ entryTypes: ['http2'] });

const client = http2.connect(`http://127.0.0.1:${port}`);
(function next() {
  const size = sizes.shift();
  if (size === undefined) {
    client.ping(() => client.close());
    return;
  }
  const request = client.request({ ':method': 'POST' });
  request.resume();
  request.on('end', next);
  request.end(Buffer.alloc(size));
})();
