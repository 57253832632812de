'use strict';
// client/priority.js PORT: requests with priorities, some of which are changed before any is
// answered. Prints the server's state (/state), and the order of the received bytes.
const http2 = require('node:http2');

const session = http2.connect(`http://127.0.0.1:${process.argv[2]}`, {
  settings: { initialWindowSize: 2 ** 24 },
});
const order = [];

function get(path, options) {
  const stream = session.request({ ':path': path }, options);
  stream.on('data', (chunk) => { if (chunk.length) order.push(path); });
  return stream;
}

function ended(stream) {
  return new Promise((resolve) => stream.on('end', resolve));
}

async function text(stream) {
  let body = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => { body += chunk; });
  await ended(stream);
  return body;
}

session.on('connect', async () => {
  session.setLocalWindowSize(2 ** 24);
  const light = get('/light', { weight: 1 });
  const heavy = get('/heavy', { weight: 256 });
  const child = get('/child', { parent: heavy.id, weight: 20 });
  const other = get('/other', { parent: heavy.id, weight: 30 });
  const late = get('/late');
  const first = JSON.parse(await text(session.request({ ':path': '/state' })));
  other.priority({ parent: light.id, weight: 40 });
  late.priority({ parent: heavy.id, weight: 50, exclusive: true });
  // only this side knows of the change
  child.priority({ weight: 7, silent: true });
  const second = JSON.parse(await text(session.request({ ':path': '/state' })));
  const all = [light, heavy, child, other, late].map(ended);
  session.request({ ':path': '/go' }).resume();
  await Promise.all(all);
  session.close();
  console.log(JSON.stringify({ first, second, order }));
});
