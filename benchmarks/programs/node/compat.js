'use strict';
// Hello World on Node's Compatibility API.
const { createServer, listen } = require('./serving.js');

listen(createServer({}, (request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.end('Hello World');
}));
