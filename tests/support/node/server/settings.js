'use strict';
// A server with custom settings. /seen returns the client's settings, /set?… announces new ones and
// answers with the acknowledged ones.
const http2 = require('node:http2');

const server = http2.createServer({
  settings: { customSettings: { 1244: 456, 555: 7 } },
  remoteCustomSettings: [1300, 1301],
});
server.on('stream', (stream, headers) => {
  const url = new URL(headers[':path'], 'http://localhost');
  const session = stream.session;
  const answer = () => {
    stream.respond({});
    stream.end(JSON.stringify({ remote: session.remoteSettings, local: session.localSettings }));
  };
  if (url.pathname === '/seen') return answer();
  session.settings({
    initialWindowSize: Number(url.searchParams.get('window')),
    customSettings: { 1244: Number(url.searchParams.get('custom')) },
  }, answer);
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
