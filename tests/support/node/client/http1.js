'use strict';
// A client of HTTP/1.1: Node's modules http and https. Prints the responses as JSON.
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');

const { port, mode, ca } = JSON.parse(process.argv[2]);
const client = ca ? https : http;
const agent = new client.Agent({ keepAlive: true, maxSockets: 1 });
const common = { port, host: '127.0.0.1', agent, ...(ca && { ca: fs.readFileSync(ca) }) };

const ask = (options, send = (request) => request.end()) => new Promise((resolve, reject) => {
  const request = client.request({ ...common, ...options });
  request.on('error', reject);
  request.on('response', (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (text) => { body += text; });
    response.on('end', () => resolve({ request, response, body }));
    response.on('error', reject);
  });
  send(request);
});

const brief = ({ response, body }) => [response.statusCode, response.headers['x-version'], body];

async function main() {
  const seen = { get: brief(await ask({ path: '/a' })) };
  const again = await ask({ path: '/b' });
  seen.again = [...brief(again), again.request.reusedSocket];
  seen.head = brief(await ask({ method: 'HEAD', path: '/c' }));
  seen.upload = brief(await ask({ method: 'PUT', path: '/upload' }, (request) => {
    for (let i = 0; i < 3; i++) request.write(Buffer.alloc(100000));
    request.end();
  }));
  let continued = false;
  const expecting = { expect: '100-continue', 'content-length': 5 };
  const after = await ask({ method: 'POST', path: '/continued', headers: expecting }, (request) => {
    request.on('continue', () => { continued = true; request.end('hello'); });
    request.flushHeaders();
  });
  seen.continued = [...brief(after), continued];
  let hints;
  const page = await ask({ path: '/hints' }, (request) => {
    request.on('information', ({ headers }) => { hints = headers.link; });
    request.end();
  });
  seen.hints = [...brief(page), hints];
  const headers = { trailer: 'x-sum' };
  const summed = await ask({ method: 'POST', path: '/trailers', headers }, (request) => {
    request.write('ab');
    request.write('c');
    request.addTrailers({ 'x-sum': '6' });
    request.end();
  });
  seen.trailers = [...brief(summed), summed.response.trailers];
  return seen;
}

async function leave() {
  const upgrade = await new Promise((resolve, reject) => {
    const headers = { connection: 'upgrade', upgrade: 'echo' };
    const request = http.request({ port, host: '127.0.0.1', headers });
    request.on('error', reject);
    request.on('upgrade', (response, socket) => {
      socket.write('one\n');
      socket.once('data', (data) => {
        socket.destroy();
        resolve([response.statusCode, response.headers.upgrade, String(data)]);
      });
    });
    request.end();
  });
  const connect = await new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', method: 'CONNECT', path: 'a.b:80' });
    request.on('error', reject);
    request.on('connect', (response, socket) => {
      socket.write('two\n');
      socket.once('data', (data) => {
        socket.destroy();
        resolve([response.statusCode, String(data)]);
      });
    });
    request.end();
  });
  return { upgrade, connect };
}

(mode === 'leave' ? leave : main)().then((seen) => {
  console.log(JSON.stringify(seen));
  agent.destroy();
});
