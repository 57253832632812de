'use strict';
// client/settings.js PORT: custom settings in both directions, and changes while streams are open.
const http2 = require('node:http2');

const session = http2.connect(`http://127.0.0.1:${process.argv[2]}`, {
  settings: { initialWindowSize: 1000, customSettings: { 1300: 1, 1302: 3 } },
  remoteCustomSettings: [1244],
});
const seen = { remote: [], local: [] };
session.on('remoteSettings', (settings) => seen.remote.push({ ...settings }));
session.on('localSettings', (settings) => seen.local.push({ ...settings }));
const stream = session.request({ ':path': '/' });
let size = 0;
stream.on('data', (chunk) => { size += chunk.length; });
stream.once('data', () => {
  stream.pause();
  // the open stream's window grows with the setting (RFC 9113 section 6.9.2)
  session.settings({ initialWindowSize: 100000, customSettings: { 1300: 2 } }, () => {
    stream.resume();
  });
});
stream.on('close', () => {
  seen.size = size;
  session.close(() => console.log(JSON.stringify(seen)));
});
