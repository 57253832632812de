'use strict';
// A request of 20 fields, of which two are read, and a response of 15.
const { createServer, listen } = require('./serving.js');

const FIELDS = {
  'content-type': 'application/json',
  'cache-control': 'private, max-age=60',
  'content-language': 'en',
  etag: '"686897696a7c876b7e"',
  'last-modified': 'Mon, 05 Oct 2026 10:00:00 GMT',
  vary: 'accept-encoding, cookie',
  link: '</style.css>; rel=preload; as=style',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'content-security-policy': "default-src 'self'; img-src https: data:",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'permissions-policy': 'geolocation=(), camera=()',
  server: 'example',
};

listen(createServer({}, (request, response) => {
  if (!request.headers.authorization.startsWith('Bearer ')) {
    response.writeHead(401);
    response.end();
    return;
  }
  response.writeHead(200, { ...FIELDS, 'x-request-id': request.headers['x-request-id'] || '' });
  response.end('Hello World');
}));
