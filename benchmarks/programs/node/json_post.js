'use strict';
// Reads an order of about 900 bytes, and answers with its total.
const { createServer, listen } = require('./serving.js');

listen(createServer({}, async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const asked = JSON.parse(Buffer.concat(chunks));
  const total = asked.lines.reduce((sum, line) => sum + line.price * line.quantity, 0);
  const body = JSON.stringify({ id: asked.id, lines: asked.lines.length, total });
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-request-id', asked.id);
  response.setHeader('vary', 'accept-encoding');
  response.end(body);
}));
