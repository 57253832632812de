'use strict';
// server/timeout.js {}: a server that answers /stream with a stream that times out, and other
// requests only when the session has timed out. Prints {"port": …}.
const http2 = require('node:http2');

const server = http2.createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  if (headers[':path'] === '/stream') {
    stream.respond({ 'x-begun': 'yes' });
    stream.setTimeout(60, () => stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM));
  } else {
    stream.session.setTimeout(60, () => stream.session.destroy());
  }
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
