'use strict';
// client/transfers.js PORT FILE: transfers much in both directions on one session, reads in small
// pieces, and sends a PING for each piece; prints the number of bytes.
const fs = require('node:fs');
const http2 = require('node:http2');

const [port, path] = process.argv.slice(2);
const session = http2.connect(`http://127.0.0.1:${port}`, { maxOutstandingPings: 1000 });

function read(request, each) {
  return new Promise((resolve, reject) => {
    let size = 0;
    let text = '';
    request.on('data', (chunk) => {
      size += chunk.length;
      if (size < 100) text += chunk;
      if (each) each();
    });
    request.on('end', () => resolve({ size, text }));
    request.on('error', reject);
  });
}

async function main() {
  const got = (await read(session.request({ ':path': '/' }))).size;
  const upload = session.request({ ':path': '/', ':method': 'POST' });
  fs.createReadStream(path).pipe(upload);
  const counted = (await read(upload)).text;
  // Node requests each chunk separately, with a PING for each, as gRPC does
  const ping = () => session.ping(() => {});
  const pinged = (await read(session.request({ ':path': '/' }), ping)).size;
  session.settings({ initialWindowSize: 1_000_000 });
  const large = (await read(session.request({ ':path': '/' }))).size;
  session.close();
  console.log(JSON.stringify({ got, counted, pinged, large }));
}

main();
