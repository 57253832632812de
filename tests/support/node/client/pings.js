'use strict';
// client/pings.js PORT: PING and SETTINGS in both directions; prints the client's events.
const http2 = require('node:http2');

const session = http2.connect(`http://127.0.0.1:${process.argv[2]}`, {
  settings: { initialWindowSize: 100000, maxFrameSize: 20000, enablePush: false },
});
const seen = { pings: [], remote: [], local: [] };
session.on('ping', (payload) => seen.pings.push(payload.toString()));
session.on('remoteSettings', (settings) => seen.remote.push(settings));
session.on('localSettings', (settings) => seen.local.push(settings));
session.on('connect', () => {
  session.ping(Buffer.from('fromnode'), (error, duration, payload) => {
    seen.answer = [error, typeof duration, payload.toString()];
    session.settings({ maxConcurrentStreams: 7 }, () => {
      const stream = session.request({ ':path': '/' });
      stream.resume();
      stream.on('close', () => {
        session.close(() => console.log(JSON.stringify(seen)));
      });
    });
  });
});
