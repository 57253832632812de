'use strict';
// client/headers.js PORT: sends headers of every kind, and prints the received ones.
const http2 = require('node:http2');

const session = http2.connect(`http://127.0.0.1:${process.argv[2]}`);
const seen = { events: [], body: '' };
const stream = session.request({
  ':method': 'POST',
  ':path': '/headers?a=b',
  'cookie': ['a=1', 'b=2'],
  'x-many': ['one', 'two'],
  'x-secret': 'hidden',
  'x-latin': 'caf\u00e9',
  'expect': '100-continue',
  [http2.sensitiveHeaders]: ['x-secret'],
}, { waitForTrailers: true });
stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42', 'x-many': ['3', '4'] }));
stream.on('continue', () => {
  seen.events.push(['continue']);
  stream.end('body');
});
stream.on('headers', (headers, flags) => seen.events.push(['headers', headers, flags]));
stream.on('response', (headers, flags) => {
  seen.events.push(['response', headers, flags]);
  seen.sensitive = headers[http2.sensitiveHeaders];
});
stream.on('trailers', (headers, flags) => seen.events.push(['trailers', headers, flags]));
stream.setEncoding('utf8');
stream.on('data', (chunk) => { seen.body += chunk; });
stream.on('close', () => {
  seen.code = stream.rstCode;
  session.close(() => console.log(JSON.stringify(seen)));
});
