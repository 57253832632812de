'use strict';
// Scenarios of pushed responses: see tests/compat/test_push.py.
const { attempt } = require('./attempt.js');

module.exports = {
  '/pushed'(request, response, note) {
    response.createPushResponse({ ':path': '/style.css', 'x-why': 'link' }, (error, pushed) => {
      note(error, pushed.req == null, pushed.statusCode, pushed.headersSent);
      note(pushed.stream.id % 2, pushed.stream === response.stream);
      pushed.statusCode = 203;
      pushed.setHeader('content-type', 'text/css');
      pushed.setTrailer('x-sum', '1');
      pushed.on('finish', () => { note('finish'); response.end('asked for'); });
      pushed.write('body ');
      pushed.end('{}');
    });
  },
  '/head'(request, response, note) {
    response.createPushResponse({ ':path': '/head', ':method': 'HEAD' }, (error, pushed) => {
      pushed.writeHead(200, { 'content-length': 5 }).end();
      response.end();
    });
  },
  '/several'(request, response) {
    let left = 3;
    for (const path of ['/1', '/2', '/3']) {
      response.createPushResponse({ ':path': path }, (error, pushed) => {
        pushed.end(path);
        if (--left === 0) response.end();
      });
    }
  },
  '/disabled'(request, response, note) {
    note(attempt(() => response.createPushResponse({ ':path': '/x' }, () => {})));
    response.end();
  },
  '/nested'(request, response, note) {
    response.createPushResponse({ ':path': '/1' }, (error, pushed) => {
      note(attempt(() => pushed.createPushResponse({ ':path': '/2' }, () => {})));
      pushed.end('1');
      response.end();
    });
  },
  '/closed'(request, response, note) {
    response.end();
    response.stream.on('close', () => {
      response.createPushResponse({ ':path': '/x' }, (error) => note(error.code));
    });
  },
};
