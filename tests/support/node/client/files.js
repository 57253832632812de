'use strict';
// Requests / from the port and prints the response: headers, size, digest, trailers.
const crypto = require('node:crypto');
const http2 = require('node:http2');

const client = http2.connect(`http://127.0.0.1:${process.argv[2]}`);
const req = client.request({ ':path': process.argv[3] || '/' });
const seen = { headers: null, size: 0, sha256: null, trailers: null };
const hash = crypto.createHash('sha256');
req.on('response', (headers) => { seen.headers = headers; });
req.on('trailers', (headers) => { seen.trailers = headers; });
req.on('data', (chunk) => { seen.size += chunk.length; hash.update(chunk); });
req.on('end', () => { seen.sha256 = hash.digest('hex'); });
req.on('close', () => {
  seen.rstCode = req.rstCode;
  console.log(JSON.stringify(seen));
  client.close();
});
