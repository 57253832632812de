'use strict';
// client/leaves.js PORT HOW: a client of a server that closes; prints the events of its session and
// streams. HOW: idle, active (a request is answered late), stalled (reads nothing of a large body).
const http2 = require('node:http2');

const [port, how] = process.argv.slice(2);
const session = http2.connect(`http://127.0.0.1:${port}`);
const seen = { events: [], stream: [] };
session.on('goaway', (code, last) => seen.events.push(['goaway', code, last]));
session.on('error', (error) => seen.events.push(['error', error.code]));
session.on('close', () => {
  seen.events.push(['close']);
  console.log(JSON.stringify(seen));
});
if (how === 'idle') {
  session.on('connect', () => session.ping(() => {}));
} else {
  const stream = session.request({ ':path': `/${how}` });
  for (const name of ['response', 'aborted', 'end', 'error', 'close']) {
    stream.on(name, (first) => seen.stream.push(name === 'error' ? [name, first.code] : [name]));
  }
  if (how === 'active') stream.resume();
}
