'use strict';
// Scenarios of trailers, in both directions: see tests/compat/test_trailers.py.
const { attempt } = require('./attempt.js');

function read(request, note, end) {
  note({ ...request.trailers }, [...request.rawTrailers]);
  request.resume();
  request.on('end', () => {
    note({ ...request.trailers }, request.rawTrailers);
    end();
  });
}

module.exports = {
  '/sent'(request, response) {
    response.setHeader('trailer', 'x-sum, x-list');
    response.setTrailer(' X-Sum ', 42);
    response.addTrailers({ 'X-List': ['a', 'b'], 'x-other': 'c' });
    response.end('body');
  },
  '/after-the-head'(request, response) {
    response.writeHead(200);
    response.write('body');
    response.setTrailer('x-late', 'yes');
    response.end();
  },
  '/without-a-body'(request, response) {
    response.setTrailer('x-sum', '0');
    response.end();
  },
  '/overwritten'(request, response) {
    response.setTrailer('x-sum', '1');
    response.setTrailer('X-SUM', '2');
    response.end('body');
  },
  '/no-trailers'(request, response) { response.end('body'); },
  '/connection'(request, response, note) {
    response.setTrailer('x-a', 'b');
    response.end('body');
  },
  '/large-body'(request, response) {
    response.setTrailer('x-sum', '1');
    response.end('x'.repeat(200000));
  },
  '/received'(request, response, note) { read(request, note, () => response.end()); },
  '/received-none'(request, response, note) { read(request, note, () => response.end()); },
  '/received-alone'(request, response, note) { read(request, note, () => response.end()); },
};
