'use strict';
// Scenarios before a response: see tests/compat/test_continue.py.
const { attempt } = require('./attempt.js');

function read(request, end) {
  let body = '';
  request.on('data', (chunk) => { body += chunk; });
  request.on('end', () => end(body));
}

function echo(request, response) {
  read(request, (body) => response.end(body));
}

module.exports = {
  '/automatic': echo,
  '/no-body': echo,
  '/answered-at-once'(request, response) { response.end('no need'); },
  '/unasked'(request, response, note) {
    note(attempt(() => response.writeContinue()), attempt(() => response.writeContinue()));
    note(response.headersSent);
    response.end();
  },
  '/late'(request, response, note) {
    response.end();
    note(attempt(() => response.writeContinue()));
    request.stream.on('close', () => {
      note(attempt(() => response.writeContinue()));
      note(attempt(() => response.writeEarlyHints({ link: '</a>; rel=preload' })));
    });
  },
  '/hints'(request, response, note) {
    note(attempt(() => response.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' })));
    note(attempt(() => response.writeEarlyHints({
      link: ['</a.css>; rel=preload; as=style', '</b.js>; rel=preload; as=script'], 'x-trace': 'id',
    })));
    note(response.headersSent);
    response.end('page');
  },
  '/link-values'(request, response, note) {
    for (const link of ['</a>; rel=preload', '<https://example.org/?a=b;c>; rel="preload"; crossorigin',
      '</a>; rel=preload; as="style", </b>; rel=preload', '</a>;rel=preload']) {
      note(attempt(() => response.writeEarlyHints({ link })));
    }
    response.end();
  },
  '/bad-hints'(request, response, note) {
    for (const hints of [undefined, null, 5, 'text', {}, { link: [] }, { link: null }, { link: 5 },
      { link: '' }, { link: 'no link' }, { link: ['</a>; rel=preload', 'no link'] },
      { link: '/a.css; rel=preload' }]) {
      note(attempt(() => response.writeEarlyHints(hints)));
    }
    response.end();
  },
  '/checked'(request, response, note) {
    note(request.headers.expect, response.headersSent);
    note(attempt(() => response.writeContinue()));
    echo(request, response);
  },
  '/refused'(request, response) {
    response.writeHead(413);
    response.end('too much');
  },
  '/expected'(request, response, note) {
    note(request.headers.expect);
    response.end('as expected');
  },
  '/connect'(request, response, note) {
    note(request.method, request.url === undefined, request.authority);
    response.writeHead(200);
    read(request, (body) => response.end(`tunnel: ${body}`));
  },
};
