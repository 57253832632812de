'use strict';
// compat/server.js {topic, listen}: a server of the Compatibility API whose paths are the scenarios
// of ./<topic>.js. Each records with note(...), and GET /report?path returns these records once its
// stream is closed. tests/compat/scenarios.py is the same for Python.
const http2 = require('node:http2');

const { topic, listen = [] } = JSON.parse(process.argv[2] || '{}');
const scenarios = require(`./${topic}.js`);
const server = http2.createServer();
const logs = {};
const closed = {};

function entry(request, response, event) {
  const path = request.url || '/connect';
  if (path.startsWith('/report?')) {
    const wanted = path.slice('/report?'.length);
    closed[wanted].then(() => response.end(JSON.stringify(logs[wanted])));
    return;
  }
  const log = logs[path] = [];
  closed[path] = new Promise((resolve) => {
    request.stream.on('close', () => setTimeout(resolve, 20));
  });
  if (event !== 'request') log.push([event]);
  scenarios[path](request, response, (...said) => log.push(said));
}

process.on('warning', () => {});
server.on('request', (request, response) => entry(request, response, 'request'));
for (const event of listen) {
  const name = event.replace(/_./g, (found) => found[1].toUpperCase());
  server.on(name, (request, response) => entry(request, response, event));
}
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
