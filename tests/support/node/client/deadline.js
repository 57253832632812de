'use strict';
// Makes one request, and prints its error.
const http2 = require('node:http2');

const client = http2.connect(`http://127.0.0.1:${process.argv[2]}`);
const result = { code: null, rst: null };
client.on('error', (error) => { result.code = error.code; });
const request = client.request({ ':path': '/' });
request.on('error', (error) => { result.code = error.code; });
request.on('close', () => {
  result.rst = request.rstCode;
  console.log(JSON.stringify(result));
  client.close();
});
request.end();
