'use strict';
// Hello World over HTTP/1.1: Node's http module in the clear, its http2 module over TLS.
const http = require('node:http');
const { createServer, listen } = require('./node_serving.js');

const hello = (request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.end('Hello World');
};

const secure = process.argv.length > 2;
listen(secure ? createServer({ allowHTTP1: true }, hello) : http.createServer(hello));
