'use strict';
// client/life_cycle.js: streams and sessions end in every way, with Node at both ends; prints, for
// each way, the events of all four, with their states. tests/interop/node/test_life_cycle.py does
// the same.
const http2 = require('node:http2');

const STREAM = ['response', 'aborted', 'end', 'finish', 'error', 'close'];
const SESSION = ['goaway', 'error', 'close'];

function watch(log, emitter, names) {
  for (const name of names) {
    emitter.on(name, (first) => {
      const entry = [name, emitter.closed, emitter.destroyed];
      if (name === 'error') entry.push(first.code);
      else if (name === 'goaway') entry.push(first);
      else if (names === STREAM) entry.push(emitter.aborted, name === 'close' ? emitter.rstCode : null);
      log.push(entry);
    });
  }
  return emitter;
}

const ways = {
  'complete': { answer: (s) => { s.resume(); s.respond(); s.end('x'); }, ask: (r) => r.end('body') },
  'headers only': { answer: (s) => { s.resume(); s.respond({}, { endStream: true }); }, ask: (r) => r.end() },
  'server closes 0': { answer: (s) => s.close(0), ask: (r) => r.end() },
  'server demands calm': { answer: (s) => s.close(11), ask: (r) => r.end() },
  'server cancels': { answer: (s) => s.close(8), ask: (r) => r.end() },
  'server fails inside': { answer: (s) => { s.respond(); s.write('x'); setTimeout(() => s.close(2), 30); }, ask: (r) => r.end() },
  'server destroys stream': { answer: (s) => { s.respond(); s.write('x'); setTimeout(() => s.destroy(), 30); }, ask: (r) => r.end() },
  'client cancels waiting': { answer: (s) => { s.resume(); }, ask: (r) => setTimeout(() => r.close(8), 50) },
  'client cancels inside': { answer: (s) => { s.resume(); s.respond(); s.write('x'); }, ask: (r) => r.once('data', () => r.close(8)) },
  'client resets': { answer: (s) => { s.resume(); s.respond(); s.write('x'); }, ask: (r) => r.once('data', () => r.close(2)) },
  'client destroys stream': { answer: (s) => { s.resume(); s.respond(); s.write('x'); }, ask: (r) => r.once('data', () => r.destroy()) },
  'client closes session': { answer: (s) => { s.resume(); s.respond(); s.write('x'); setTimeout(() => s.end('y'), 50); }, ask: (r, c) => { r.end(); r.once('data', () => c.close()); } },
  'server closes session': { answer: (s) => { s.resume(); s.respond(); s.write('x'); s.session.close(); setTimeout(() => s.end('y'), 50); }, ask: (r) => r.end() },
  'client destroys session': { answer: (s) => { s.resume(); s.respond(); s.write('x'); }, ask: (r, c) => r.once('data', () => c.destroy()) },
  'client destroys session with a code': { answer: (s) => { s.resume(); s.respond(); s.write('x'); }, ask: (r, c) => r.once('data', () => c.destroy(11)) },
  'server destroys session': { answer: (s) => { s.resume(); s.respond(); s.write('x'); setTimeout(() => s.session.destroy(), 30); }, ask: () => {} },
  'server destroys session with a code': { answer: (s) => { s.resume(); s.respond(); s.write('x'); setTimeout(() => s.session.destroy(11), 30); }, ask: () => {} },
  'server says goaway': { answer: (s) => { s.resume(); s.respond(); s.write('x'); s.session.goaway(0); setTimeout(() => s.end('y'), 50); }, ask: (r) => r.end() },
  'server says goaway with a code': { answer: (s) => { s.resume(); s.respond(); s.write('x'); setTimeout(() => s.session.goaway(11), 30); }, ask: () => {} },
  'client vanishes': { answer: (s) => { s.resume(); s.respond(); s.write('x'); }, ask: (r, c, cut) => r.once('data', () => cut()) },
};

function run(name) {
  const { answer, ask } = ways[name];
  const log = { 'client stream': [], 'client session': [], 'server stream': [], 'server session': [] };
  return new Promise((resolve) => {
    const open = new Set();
    const server = http2.createServer();
    const ended = new Promise((done) => server.on('session',
      (session) => watch(log['server session'], session, SESSION).on('close', done)));
    server.on('stream', (stream) => {
      watch(log['server stream'], stream, STREAM);
      open.add('server stream');
      stream.on('close', () => open.delete('server stream'));
      answer(stream);
    });
    server.listen(0, '127.0.0.1', () => {
      const socket = require('node:net').connect(server.address().port, '127.0.0.1');
      const session = watch(log['client session'],
        http2.connect('http://127.0.0.1', { createConnection: () => socket }), SESSION);
      const request = watch(log['client stream'], session.request({ ':method': 'POST' }), STREAM);
      request.resume();
      ask(request, session, () => socket.destroy());
      request.on('close', () => {
        log.pending = request.pending;
        // From Node 24 on, the server's close() would end its session itself if it were called now.
        const over = () => server.close(() => setTimeout(() => resolve(log), 20));
        setTimeout(() => { session.close(); ended.then(over); }, 50);
      });
    });
  });
}

(async () => {
  const report = {};
  for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(ways)) report[name] = await run(name);
  console.log(JSON.stringify(report));
  process.exit();
})();
