'use strict';
// client/resets.js PORT PATH…: prints the client's events for each path's stream, one after
// another.
const http2 = require('node:http2');

const session = http2.connect(`http://127.0.0.1:${process.argv[2]}`);
const report = {};

function next(paths) {
  if (!paths.length) return session.close(() => console.log(JSON.stringify(report)));
  const [path, ...rest] = paths;
  const seen = report[path] = { events: [] };
  const stream = session.request({ ':path': path });
  for (const name of ['response', 'aborted', 'end', 'error']) {
    stream.on(name, (first) => {
      seen.events.push(name);
      if (name === 'error') seen.error = first.code;
    });
  }
  stream.resume();
  stream.on('close', () => {
    seen.code = stream.rstCode;
    next(rest);
  });
}

next(process.argv.slice(3));
