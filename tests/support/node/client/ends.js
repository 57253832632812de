'use strict';
// client/ends.js PORT ACTION [CODE]: in the middle of a response this client ends its stream or its
// session, in one of Node's ways, and prints its own events.
const http2 = require('node:http2');

const [port, action, code] = process.argv.slice(2);
const session = http2.connect(`http://127.0.0.1:${port}`);
const stream = session.request({ ':method': 'POST', ':path': `/${action}` });
const seen = { session: [], stream: [] };

const act = {
  'close': () => { session.close(); stream.end('last'); },
  'destroy': () => session.destroy(),
  'destroy-code': () => session.destroy(Number(code)),
  'goaway': () => { session.goaway(Number(code), 0, Buffer.from('so long')); stream.end('last'); },
  'reset': () => stream.close(Number(code)),
  'destroy-stream': () => stream.destroy(),
  'fail-stream': () => stream.destroy(new Error('of ours')),
  'timeout': () => stream.setTimeout(60, () => stream.close(http2.constants.NGHTTP2_CANCEL)),
  'session-timeout': () => session.setTimeout(60, () => session.destroy()),
};

stream.on('error', (error) => seen.stream.push(error.code || error.message));
stream.on('close', () => {
  seen.rstCode = stream.rstCode;
  // The answer comes after the server has read RST_STREAM, which close() alone may drop: Node 20.18
  // ends an idle session before it has written everything.
  if (!session.destroyed) session.ping(() => session.close());
});
session.on('error', (error) => seen.session.push(error.code));
session.on('close', () => console.log(JSON.stringify(seen)));
stream.setEncoding('utf8');
seen.body = '';
stream.on('data', (chunk) => {
  if (!seen.body) act[action]();
  seen.body += chunk;
});
