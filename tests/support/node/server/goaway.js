'use strict';
// Sends GOAWAY to a session after a number of requests, and counts the requests for each path.
const http2 = require('node:http2');

const { every } = JSON.parse(process.argv[2]);
const counts = new Map();
let sessions = 0;

const server = http2.createServer();
server.on('session', (session) => {
  sessions++;
  session.served = 0;
});
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  if (path === '/report') {
    const times = {};
    for (const count of counts.values()) times[count] = (times[count] || 0) + 1;
    stream.respond({});
    stream.end(JSON.stringify({ times, sessions, ids: counts.size }));
    return;
  }
  const { session } = stream;
  stream.on('error', () => {});
  counts.set(path, (counts.get(path) || 0) + 1);
  if (++session.served === every) {
    // In two steps (RFC 9113 section 6.8). A single GOAWAY of Node names the last stream at the
    // time of the call; requests that arrive before it is sent are processed all the same, and
    // their clients may repeat them. And with an end: sometimes Node never reads from the
    // connection again after GOAWAY.
    session.goaway(0, 2 ** 31 - 1);
    session.ping(() => { if (!session.destroyed) session.goaway(0); });
    setTimeout(() => session.destroy(), 300);
  }
  setTimeout(() => {
    if (stream.destroyed) return;
    stream.respond({});
    stream.end(path);
  }, Math.random() * 3);
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
