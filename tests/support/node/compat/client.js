'use strict';
// compat/client.js PORT REQUESTS: makes each of REQUESTS (JSON), on a separate session; prints the
// results, and what the server has recorded (`said`, unless `mute`), by path.
//
// A request: path, method, headers, body (chunks: text, or [text, times]; `wait` sends them only
// after 'continue'), trailers, open (its body never ends), close (with a code, at the first data),
// settings.
const http2 = require('node:http2');

const origin = `http://127.0.0.1:${process.argv[2]}`;

function gather(stream, seen) {
  return new Promise((resolve) => {
    seen.body = '';
    seen.events = [];
    stream.setEncoding('utf8');
    const answer = (headers) => {
      seen.events.push('response');
      seen.status = headers[':status'];
      seen.headers = { ...headers };
      delete seen.headers[':status'];
    };
    stream.on('response', answer);
    stream.on('push', answer);
    stream.on('headers', (headers) => {
      const { ':status': status, ...rest } = headers;
      (seen.info ||= []).push([status, rest]);
    });
    stream.on('continue', () => seen.events.push('continue'));
    stream.on('data', (chunk) => { seen.body += chunk; });
    stream.on('trailers', (trailers) => { seen.trailers = { ...trailers }; });
    stream.on('end', () => seen.events.push('end'));
    stream.on('error', (error) => { seen.error = error.code; });
    stream.on('close', () => {
      seen.code = stream.rstCode;
      resolve(seen);
    });
  });
}

async function exchange(wanted) {
  const { path, method = 'GET', headers = {}, body, trailers, wait, open, close, mute } = wanted;
  const session = http2.connect(origin, { settings: wanted.settings });
  const seen = {};
  const pushes = [];
  session.on('error', (error) => { seen.session = error.code; });
  session.on('stream', (stream, promised) => {
    pushes.push(gather(stream, { path: promised[':path'], method: promised[':method'] }));
  });
  const full = { ':path': path, ':method': method, ...headers };
  if (method === 'CONNECT') delete full[':path'];
  const bodied = body !== undefined || trailers !== undefined || open || method === 'CONNECT';
  const stream = session.request(full, { endStream: !bodied, waitForTrailers: trailers !== undefined });
  if (trailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  function send() {
    for (const chunk of body || []) {
      stream.write(typeof chunk === 'string' ? chunk : chunk[0].repeat(chunk[1]));
    }
    if (!open) stream.end();
  }
  if (bodied && !wait) send();
  if (wait) {
    let sent = false;
    stream.on('continue', () => { sent = true; send(); });
    stream.on('response', () => { if (!sent) stream.end(); });
  }
  if (close !== undefined) {
    const code = close;
    stream.once('data', () => stream.close(code));
  }
  await gather(stream, seen);
  if (pushes.length) seen.pushes = await Promise.all(pushes);
  session.close();
  if (!mute) {
    const other = http2.connect(origin);
    const report = other.request({ ':path': `/report?${path}` });
    seen.said = JSON.parse((await gather(report, {})).body);
    other.close();
  }
  return seen;
}

(async () => {
  const report = {};
  for (const wanted of JSON.parse(process.argv[3])) report[wanted.path] = await exchange(wanted);
  console.log(JSON.stringify(report));
})();
