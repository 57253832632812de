'use strict';
// client/session.js PORT PATH: makes a request for which the server acts on its session, and prints
// all events of the client's session until it is closed.
const http2 = require('node:http2');

const [port, path] = process.argv.slice(2);
const session = http2.connect(`http://127.0.0.1:${port}`);
const seen = { events: [], stream: [] };
session.on('goaway', (code, last, data) => {
  seen.events.push(['goaway', code, last, data ? data.toString() : '']);
});
session.on('error', (error) => seen.events.push(['error', error.code]));
session.on('close', () => {
  seen.events.push(['close']);
  console.log(JSON.stringify(seen));
});
const stream = session.request({ ':path': path });
for (const name of ['response', 'aborted', 'end', 'error', 'close']) {
  stream.on(name, (first) => {
    seen.stream.push(name === 'error' ? [name, first.code] : [name]);
  });
}
stream.resume();
