'use strict';
// A server that records the received PRIORITY frames; /seen returns them. Prints {"port": …}.
const http2 = require('node:http2');

const server = http2.createServer();
const seen = [];
const note = (...args) => seen.push(args);
server.on('session', (session) => session.on('priority', note));
server.on('stream', (stream, headers) => {
  stream.on('priority', note);
  stream.resume();
  const answer = () => {
    stream.respond();
    stream.end(JSON.stringify(seen));
  };
  if (headers[':method'] === 'POST') stream.on('end', answer);
  else setImmediate(answer);
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
