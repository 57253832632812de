'use strict';
// A server that pushes, and announces origins; prints {"port": …}. GET /seen returns how the pushed
// streams have ended. Options: cert, key, origins.
const fs = require('node:fs');
const http2 = require('node:http2');

const options = JSON.parse(process.argv[2] || '{}');
const server = options.cert
  ? http2.createSecureServer({
    cert: fs.readFileSync(options.cert), key: fs.readFileSync(options.key),
    origins: options.origins,
  })
  : http2.createServer();
const ends = [];
const waiting = [];

function push(stream, headers, respond) {
  stream.pushStream(headers, (error, pushed, sent) => {
    if (error) throw error;
    const end = { path: sent[':path'], error: null };
    pushed.on('error', (failure) => { end.error = failure.code; });
    pushed.on('close', () => {
      end.code = pushed.rstCode;
      ends.push(end);
      for (const check of waiting.splice(0)) check();
    });
    respond(pushed);
  });
}

server.on('stream', (stream, headers) => {
  const url = new URL(headers[':path'], 'http://localhost');
  const count = Number(url.searchParams.get('count') || 1);
  const size = Number(url.searchParams.get('size') || 0);
  stream.on('error', () => {});
  if (url.pathname === '/seen') {
    const answer = () => {
      if (ends.length < count) return waiting.push(answer);
      stream.respond();
      stream.end(JSON.stringify(ends));
    };
    return answer();
  }
  if (url.pathname === '/push') {
    if (!stream.pushAllowed) {
      stream.respond();
      return stream.end('not allowed');
    }
    for (let i = 0; i < count; i++) {
      push(stream, { ':path': `/pushed/${i}`, 'x-push': 'yes' }, (pushed) => {
        pushed.respond({ 'x-number': String(i) });
        pushed.end(size ? Buffer.alloc(size, 'p') : `body ${i}`);
      });
    }
  } else if (url.pathname === '/head') {
    push(stream, { ':path': '/pushed/head', ':method': 'HEAD' }, (pushed) => {
      pushed.respond({ 'content-length': '7' });
    });
  } else if (url.pathname === '/promise') {
    for (let i = 0; i < count; i++) push(stream, { ':path': `/silent/${i}` }, () => {});
  } else if (url.pathname === '/bad') {
    const more = JSON.parse(url.searchParams.get('headers'));
    push(stream, { ':path': '/pushed/bad', ...more }, (pushed) => pushed.respond());
  } else if (url.pathname === '/trailers') {
    push(stream, { ':path': '/pushed/trailers' }, (pushed) => {
      pushed.on('wantTrailers', () => pushed.sendTrailers({ 'x-sum': '1' }));
      pushed.additionalHeaders({ ':status': 103, 'link': '</a>' });
      pushed.respond({}, { waitForTrailers: true });
      pushed.end('body');
    });
  } else if (url.pathname === '/reset') {
    push(stream, { ':path': '/pushed/reset' }, (pushed) => {
      pushed.respond();
      pushed.write('part', () => pushed.destroy(new Error('as planned')));
    });
  } else if (url.pathname === '/altsvc') {
    stream.session.altsvc('h2=":8000"', 'https://EXAMPLE.org:443/path');
    stream.session.altsvc('clear', stream.id);
  } else if (url.pathname === '/origin') {
    stream.session.origin('https://example.com', 'https://example.org:8443/x');
  } else if (url.pathname === '/misdirected') {
    stream.respond({ ':status': 421 });
    return stream.end();
  }
  stream.respond();
  stream.end('asked for');
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
