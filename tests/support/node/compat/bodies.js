'use strict';
// Scenarios of the bodies of responses: see tests/compat/test_responses.py.
const { attempt } = require('./attempt.js');

function state(response) {
  return [response.headersSent, response.writableEnded, response.finished, response.writableFinished];
}

function bodiless(status, way) {
  return (request, response, note) => {
    response.statusCode = status;
    if (way === 'end') note(attempt(() => response.end('body')));
    else {
      response.writeHead(status, { 'content-length': 4 });
      if (way === 'write') note(attempt(() => response.write('body')));
      note(attempt(() => response.end()));
    }
    note(...state(response));
  };
}

module.exports = {
  '/text'(request, response) { response.end('text: \u00e9\u20ac'); },
  '/nothing'(request, response, note) {
    note(...state(response));
    note(attempt(() => response.end()));
    note(...state(response).slice(0, 3));
  },
  '/empty'(request, response, note) {
    note(attempt(() => response.write('')));
    note(attempt(() => response.end('')));
  },
  '/parts'(request, response, note) {
    note(attempt(() => response.write('one ')));
    note(...state(response));
    note(attempt(() => response.write(Buffer.from('two '))));
    response.end(new Uint8Array(Buffer.from('three')));
    note(...state(response).slice(0, 3));
  },
  '/encodings'(request, response) {
    response.write('a', 'utf16le');
    response.end('b', 'utf16le');
  },
  '/twice'(request, response, note) {
    note(attempt(() => response.end('once')), attempt(() => response.end('twice')),
      attempt(() => response.end()));
  },
  '/end-later'(request, response, note) {
    response.write('now ');
    response.on('finish', () => note('finish', response.writableFinished));
    setTimeout(() => response.end('later'), 10);
  },
  '/finish'(request, response, note) {
    response.on('finish', () => note('finish', ...state(response)));
    response.end('x'.repeat(200000));
  },
  '/listener-of-end'(request, response, note) {
    request.on('end', () => { note('end', request.complete); response.end('read'); });
    request.resume();
  },
  '/req'(request, response, note) {
    note(response.req === request, response.stream === request.stream);
    response.end();
  },
  '/content-length'(request, response) {
    response.setHeader('content-length', 4);
    response.end('four');
  },
  '/head'(request, response, note) {
    response.setHeader('content-length', 4);
    note(attempt(() => response.end('body')));
    note(...state(response).slice(0, 3));
  },
  '/head-in-parts'(request, response, note) {
    response.writeHead(200, { 'content-length': 4 });
    note(attempt(() => response.end()));
    note(...state(response).slice(0, 3));
  },
  '/head-written'(request, response, note) {
    response.write('body');
    response.end();
  },
  ...Object.fromEntries([204, 205, 304].flatMap((status) => ['end', 'head', 'write'].map(
    (way) => [`/${status}-${way}`, bodiless(status, way)]))),
};
