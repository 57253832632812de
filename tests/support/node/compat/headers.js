'use strict';
// Scenarios of the headers of responses: see tests/compat/test_headers.py.
const { attempt } = require('./attempt.js');

module.exports = {
  '/one-by-one'(request, response, note) {
    response.setHeader('x-one', '1');
    response.setHeader(' X-Two ', 2);
    response.setHeader('X-Many', ['a', 'b']);
    response.setHeader('set-cookie', ['c=1', 'd=2']);
    note(response.getHeader('X-ONE'), response.getHeader('x-two'), response.getHeader('x-none'));
    note(response.hasHeader('X-One'), response.hasHeader('x-none'));
    note(response.getHeaderNames(), response.getHeaders());
    response.setHeader('X-ONE', 'again');
    response.removeHeader('X-Two');
    response.removeHeader('x-none');
    note(response.getHeaderNames());
    response.getHeaders()['x-one'] = 'a copy';
    response.end();
  },
  '/precedence'(request, response) {
    response.statusCode = 404;
    response.setHeader('x-a', 'set');
    response.setHeader('x-b', 'set');
    response.writeHead(201, { 'X-A': 'head', 'x-c': 'head' }).end('body');
  },
  '/precedence-pairs'(request, response) {
    response.setHeader('x-a', 'set');
    response.setHeader('x-b', 'set');
    response.writeHead(200, [['X-A', '1'], ['x-a', '2'], ['x-c', '3']]);
    response.end();
  },
  '/without-headers'(request, response) {
    response.setHeader('x-a', 'set');
    response.writeHead(299).end();
  },
  '/append'(request, response, note) {
    response.appendHeader('x-a', '1');
    note(response.getHeader('x-a'));
    response.appendHeader('X-A', '2');
    note([...response.getHeader('x-a')]);
    response.appendHeader('x-a', ['3', '4']);
    response.setHeader('x-b', ['1', '2']);
    response.appendHeader('x-b', '3');
    note(response.getHeaders());
    response.end();
  },
  '/after-they-were-sent'(request, response, note) {
    response.statusCode = 203;
    response.setHeader('x-a', 'set');
    note(response.headersSent, response.statusCode);
    response.write('a');
    note(response.headersSent, response.statusCode);
    for (const call of [
      () => response.setHeader('x-b', '1'), () => response.appendHeader('x-b', '1'),
      () => response.removeHeader('x-a'), () => response.writeHead(200),
      () => response.flushHeaders(), () => response.getHeader('x-a'),
      () => response.hasHeader('x-a'), () => response.getHeaderNames().includes('x-a'),
      () => response.writeContinue(), () => response.writeEarlyHints({ link: '</a>; rel=preload' }),
    ]) note(attempt(call));
    response.end('b');
  },
  '/date'(request, response) { response.end(); },
  '/no-date'(request, response, note) {
    note(response.sendDate);
    response.sendDate = false;
    note(response.sendDate);
    response.end();
  },
  '/date-removed'(request, response, note) {
    response.removeHeader('Date');
    note(response.sendDate);
    response.end();
  },
  '/date-of-its-own'(request, response) {
    response.setHeader('date', 'Thu, 01 Jan 1970 00:00:00 GMT');
    response.end();
  },
  '/date-in-write-head'(request, response) {
    response.sendDate = false;
    response.writeHead(200, { date: 'Thu, 01 Jan 1970 00:00:00 GMT' });
    response.end();
  },
  '/names'(request, response, note) {
    for (const name of ['', 'a b', 5, null, ':status', ':path', ':method', ':scheme', ':authority']) {
      note(attempt(() => response.setHeader(name, 'x')), attempt(() => response.appendHeader(name, 'x')),
        attempt(() => response.setTrailer(name, 'x')));
    }
    for (const name of [5, null]) {
      note(attempt(() => response.getHeader(name)), attempt(() => response.hasHeader(name)),
        attempt(() => response.removeHeader(name)));
    }
    note(attempt(() => response.setHeader('x', null)), attempt(() => response.appendHeader('x', null)),
      attempt(() => response.setTrailer('x', null)));
    note(attempt(() => response.writeHead(200, { x: null })));
    note(attempt(() => response.writeHead(200, { ':status': 201 })));
    note(response.headersSent);
    response.end();
  },
  '/connection'(request, response, note) {
    note(attempt(() => response.setHeader('Connection', 'close')), response.hasHeader('connection'));
    response.setHeader('transfer-encoding', 'chunked');
    note(attempt(() => response.writeHead(200)), response.headersSent);
    response.removeHeader('transfer-encoding');
    response.end();
  },
  '/connection-in-write-head'(request, response) {
    response.writeHead(200, { connection: 'keep-alive', 'x-a': '1' });
    response.end();
  },
  '/status'(request, response, note) {
    note(response.statusCode);
    for (const code of [99, 600, 0, -1, 100, 101, 103, 199, 'abc', null, '404', 200, 599]) {
      note(attempt(() => { response.statusCode = code; }), response.statusCode);
    }
    response.end();
    note(response.statusCode);
  },
  '/status-of-write-head'(request, response, note) {
    note(response.writeHead(410) === response, response.statusCode);
    response.end();
  },
  '/status-message'(request, response, note) {
    note(response.statusMessage);
    response.statusMessage = 'Fine';
    note(response.statusMessage);
    response.writeHead(200, 'Fine', { 'x-a': '1' });
    response.end();
  },
  '/message-alone'(request, response) {
    response.writeHead(202, 'Fine');
    response.end();
  },
  '/flushed'(request, response, note) {
    response.statusCode = 202;
    response.setHeader('x-a', '1');
    note(attempt(() => response.flushHeaders()), response.headersSent);
    note(attempt(() => response.flushHeaders()));
    response.end('late');
  },
};
