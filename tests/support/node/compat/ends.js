'use strict';
// Scenarios of the ends of requests and responses: see tests/compat/test_ends.py.
const { attempt } = require('./attempt.js');

function watch(request, response, note) {
  for (const event of ['aborted', 'end', 'close']) request.on(event, () => note('request', event));
  for (const event of ['finish', 'close']) response.on(event, () => note('response', event));
}

module.exports = {
  '/whole'(request, response, note) {
    watch(request, response, note);
    request.resume();
    response.end('whole');
  },
  '/cancelled'(request, response, note) {
    watch(request, response, note);
    request.on('close', () => note(request.aborted, request.complete, response.finished));
    response.write('some');
  },
  '/failed'(request, response, note) {
    watch(request, response, note);
    response.on('error', () => {});
    response.write('some');
  },
  '/cancelled-upload'(request, response, note) {
    watch(request, response, note);
    request.resume();
    response.write('some');
  },
  '/destroyed'(request, response, note) {
    watch(request, response, note);
    response.destroy();
    note(request.stream.destroyed);
  },
  '/destroyed-with-error'(request, response, note) {
    watch(request, response, note);
    response.destroy(new Error('of ours'));
    response.destroy(new Error('once more'));
  },
  '/destroyed-later'(request, response, note) {
    watch(request, response, note);
    response.write('some');
    setTimeout(() => response.destroy(new Error('of ours')), 30);
  },
  '/after-the-close'(request, response, note) {
    response.end('x');
    response.stream.on('close', () => {
      note(attempt(() => response.end('y')), attempt(() => response.writeHead(200)));
      response.setTimeout(1000);
      note(response.headersSent, response.writableEnded, response.finished);
      note(attempt(() => response.setHeader('x', '1')), attempt(() => response.removeHeader('x')));
      note(attempt(() => response.flushHeaders()));
    });
  },
  '/cancelled-after-the-end'(request, response, note) {
    watch(request, response, note);
    request.on('close', () => note(request.aborted, response.finished, request.complete));
    response.end('x'.repeat(300000));
  },
  '/early'(request, response, note) {
    watch(request, response, note);
    response.end('early');
  },
  '/early-while-reading'(request, response, note) {
    request.once('data', (chunk) => { note('data', String(chunk)); response.end('early'); });
    request.on('close', () => note('close', request.aborted));
  },
  '/ended-twice-and-destroyed'(request, response, note) {
    watch(request, response, note);
    response.end('x');
    request.on('close', () => { response.destroy(); request.destroy(); note(response.finished); });
  },
  '/end-after-the-reset'(request, response, note) {
    response.on('error', () => {});
    response.write('some');
    request.on('close', () => {
      note(attempt(() => response.end()), attempt(() => response.end('more')));
    });
  },
};
