// Makes one request with Node's http2 client and the same with its https client (http, for a URL in
// the clear); prints what each has received.
//
// Arguments: the URL, and the request as JSON: method, headers, and size, the bytes of its body.
'use strict';

const crypto = require('node:crypto');
const http = require('node:http');
const http2 = require('node:http2');
const https = require('node:https');

const url = new URL(process.argv[2]);
const { method = 'GET', headers = {}, size = 0, text = '' } = JSON.parse(process.argv[3] ?? '{}');
const body = Buffer.from(text || Buffer.alloc(size, 'upload'));

function collect(stream, got, resolve) {
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => {
    const all = Buffer.concat(chunks);
    got.sha256 = crypto.createHash('sha256').update(all).digest('hex');
    got.body = all.toString('utf8', 0, 10000);
    resolve(got);
  });
}

function overHttp2() {
  return new Promise((resolve, reject) => {
    const session = http2.connect(url, { rejectUnauthorized: false });
    session.on('error', reject);
    const got = { informational: [] };
    const stream = session.request({
      ...headers, ':method': method, ':path': url.pathname + url.search,
    }, { endStream: body.length === 0 });
    stream.on('headers', (fields) => got.informational.push({ ...fields }));
    stream.on('response', (fields) => {
      got.status = fields[':status'];
      got.type = fields['content-type'];
    });
    stream.on('error', reject);
    collect(stream, got, (result) => session.close(() => resolve(result)));
    if (body.length) stream.end(body);
  });
}

function overHttp1() {
  return new Promise((resolve, reject) => {
    const got = { informational: [] };
    const length = body.length ? { 'content-length': body.length } : {};
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method, headers: { ...length, ...headers }, rejectUnauthorized: false, agent: false,
    });
    request.on('information', (info) => {
      got.informational.push({ ':status': info.statusCode, ...info.headers });
    });
    request.on('response', (response) => {
      got.status = response.statusCode;
      got.type = response.headers['content-type'];
      got.version = response.httpVersion;
      collect(response, got, resolve);
    });
    request.on('error', reject);
    request.end(body);
  });
}

(async () => {
  const two = await overHttp2();
  const one = await overHttp1();
  console.log(JSON.stringify({ 'http2': two, 'http1': one }));
})();
