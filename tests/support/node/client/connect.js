'use strict';
// client/connect.js PROXY-PORT AUTHORITY BYTES: sends BYTES bytes through a tunnel and prints the
// answer; "upper" as the authority means the extended CONNECT instead.
const crypto = require('node:crypto');
const http2 = require('node:http2');

const [port, authority, size] = process.argv.slice(2);
const client = http2.connect(`http://127.0.0.1:${port}`);
client.on('error', () => {});

function talk() {
  const headers = authority === 'upper' ?
    { ':method': 'CONNECT', ':protocol': 'upper', ':path': '/shout' } :
    { ':method': 'CONNECT', ':authority': authority };
  const req = client.request(headers);
  const seen = { status: null, size: 0, error: null };
  const hash = crypto.createHash('sha256');
  let text = '';
  req.on('response', (found) => { seen.status = found[':status']; });
  req.on('data', (chunk) => {
    seen.size += chunk.length;
    hash.update(chunk);
    if (text.length < 100) text += chunk;
  });
  req.on('error', (error) => { seen.error = error.code; });
  req.on('close', () => {
    seen.rstCode = req.rstCode;
    seen.sha256 = hash.digest('hex');
    seen.text = text.slice(0, 100);
    console.log(JSON.stringify(seen));
    client.close();
  });
  req.end(Buffer.alloc(Number(size), 'abc'));
}

if (authority === 'upper') {
  client.on('remoteSettings', (settings) => { if (settings.enableConnectProtocol) talk(); });
} else {
  talk();
}
