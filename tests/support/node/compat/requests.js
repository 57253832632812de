'use strict';
// Scenarios of requests: see tests/compat/test_requests.py.
const { attempt } = require('./attempt.js');

function known(request) {
  const { ':authority': authority, ...headers } = request.headers;
  return headers;
}

module.exports = {
  '/known?a=b'(request, response, note) {
    note(request.httpVersion, request.httpVersionMajor, request.httpVersionMinor);
    note(request.method, request.url, request.scheme);
    note(known(request), request.headers[':authority'] === request.authority);
    note(request.rawHeaders.filter((text) => !text.startsWith('127.0.0.1')));
    note(request.complete, request.aborted, request.destroyed, request.readable);
    note(request.headers['x-none'] === undefined, request.headers.cookie);
    response.end();
  },
  '/host'(request, response, note) {
    note(request.authority, request.headers[':authority'] === undefined);
    response.end();
  },
  '/set'(request, response, note) {
    for (const method of [5, null, '', '  ', 'PUT']) {
      note(attempt(() => { request.method = method; }), request.method);
    }
    request.url = '/other';
    note(request.url, request.headers[':path'], request.headers[':method']);
    response.end();
  },
  '/data'(request, response, note) {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => {
      note(body, request.complete, request.readableEnded, request.readable);
      response.end(body);
    });
    note(request.complete, request.readableEnded, request.readable);
  },
  '/no-body'(request, response, note) {
    request.on('data', () => note('data'));
    request.on('end', () => { note('end', request.complete); response.end(); });
  },
  async '/iterated'(request, response, note) {
    let body = '';
    for await (const chunk of request) body += chunk;
    note(body, request.complete);
    response.end();
  },
  '/paused'(request, response, note) {
    request.on('data', (chunk) => { note('data', String(chunk)); });
    request.on('end', () => response.end());
    request.pause();
    setTimeout(() => { note('resumed'); request.resume(); }, 30);
  },
  '/unread'(request, response, note) {
    response.end('not read');
    response.on('finish', () => note('finish'));
    request.on('close', () => note('close', request.complete));
  },
  '/dumped'(request, response, note) {
    request.resume();
    request.on('end', () => { note('end'); response.end('dumped'); });
  },
};
