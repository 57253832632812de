'use strict';
// Makes one request that takes long; prints the number of PINGs meanwhile.
const http2 = require('node:http2');

const result = { body: '', error: null, pings: 0 };
const client = http2.connect(`http://127.0.0.1:${process.argv[2]}`);
client.on('ping', () => { result.pings++; });
client.on('error', (error) => { result.error = error.code; });
client.on('close', () => console.log(JSON.stringify(result)));
const request = client.request({ ':path': '/' });
request.setEncoding('utf8');
request.on('data', (chunk) => { result.body += chunk; });
request.on('end', () => client.close());
request.end();
