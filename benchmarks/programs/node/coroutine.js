'use strict';
// Hello World on Node's Compatibility API, by an async function.
const { createServer, listen } = require('./serving.js');

listen(createServer({}, async (request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.end('Hello World');
}));
