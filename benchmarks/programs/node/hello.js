'use strict';
// Hello World on Node's Core API; with --observe, a PerformanceObserver gets every entry.
const { PerformanceObserver } = require('node:perf_hooks');
const { createServer, listen } = require('./serving.js');

if (process.argv.includes('--observe')) {
  new PerformanceObserver((items) => items.getEntries()).observe({ entryTypes: ['http2'] });
}
const server = createServer();
server.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.end('Hello World');
});
listen(server);
