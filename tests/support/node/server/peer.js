'use strict';
// A server with a path for every behaviour that a client has to handle. Prints {"port": …} and
// counts the events of every session; /report returns them.
const crypto = require('node:crypto');
const fs = require('node:fs');
const http2 = require('node:http2');

const options = JSON.parse(process.argv[2] || '{}');
const settings = options.settings;
const server = options.cert
  ? http2.createSecureServer({
    settings,
    cert: fs.readFileSync(options.cert),
    key: fs.readFileSync(options.key),
    ca: options.ca && fs.readFileSync(options.ca),
    requestCert: Boolean(options.requestCert),
    rejectUnauthorized: Boolean(options.requestCert),
    minVersion: options.minVersion,
    maxVersion: options.maxVersion,
  })
  : http2.createServer({ settings });

const unit = Buffer.alloc(65521);
for (let i = 0; i < unit.length; i++) unit[i] = (i * 7 + (i >> 8)) & 255;

function * body(size) {
  for (; size > unit.length; size -= unit.length) yield unit;
  if (size) yield unit.subarray(0, size);
}

// The counts of each session, by the client's port.
const known = new Map();

server.on('session', (session) => {
  const state = {
    closed: false, goaway: [], errors: [], settings: [], pings: 0,
    inFlight: 0, maxInFlight: 0, order: [], streams: {}, closedStreams: 0,
  };
  Object.defineProperty(state, 'session', { value: session });
  Object.defineProperty(state, 'alive', { value: new Map() });
  known.set(session.socket.remotePort, state);
  session.state_ = state;
  session.on('goaway', (code, last, data) => {
    state.goaway.push([code, last, data ? data.toString() : '']);
  });
  session.on('error', (error) => state.errors.push(error.code));
  session.on('ping', () => { state.pings++; });
  session.on('remoteSettings', (seen) => state.settings.push(seen));
  session.on('close', () => { state.closed = true; });
});

function until(condition, then) {
  if (condition()) return then();
  setTimeout(until, 2, condition, then);
}

// Node's `end()` without a last chunk resets the stream with NO_ERROR, and never sends END_STREAM,
// if the connection's window is used up at that time; so every body here ends with `end(last
// chunk)`. That does not help if the last byte uses up the window: tests request bodies whose size
// is no multiple of it.
function writeAll(stream, size) {
  const parts = [...body(size)];
  (function more() {
    while (parts.length > 1) {
      if (!stream.write(parts.shift())) return stream.once('drain', more);
    }
    stream.end(parts[0]);
  })();
}

function echo(stream) {
  let held = null;
  stream.on('data', (chunk) => {
    if (held !== null && !stream.write(held)) {
      stream.pause();
      stream.once('drain', () => stream.resume());
    }
    held = chunk;
  });
  stream.on('end', () => stream.end(held));
}

const behaviours = {
  '/headers'(stream, query, headers, flags, raw) {
    stream.respond({ 'content-type': 'application/json' });
    stream.end(JSON.stringify({
      headers, raw, sensitive: headers[http2.sensitiveHeaders],
      endStream: Boolean(flags & 1), id: stream.id, weight: stream.state.weight,
    }));
  },
  '/echo'(stream, query, headers) {
    stream.respond({ 'x-method': headers[':method'] });
    echo(stream);
  },
  '/hash'(stream) {
    const hash = crypto.createHash('sha256');
    let size = 0;
    stream.on('data', (chunk) => { hash.update(chunk); size += chunk.length; });
    stream.on('end', () => {
      stream.respond({ 'x-size': size });
      stream.end(hash.digest('hex'));
    });
  },
  '/body'(stream, query) {
    const size = Number(query.get('size'));
    const announced = query.get('announced');
    stream.respond(announced ? { 'content-length': announced } : {});
    writeAll(stream, size);
  },
  '/cookies'(stream) {
    stream.respond({
      ':status': Number(299), 'set-cookie': ['a=1', 'b=2'], 'x-many': ['1', '2'],
      'x-secret': 'hush', [http2.sensitiveHeaders]: ['x-secret'],
    });
    stream.end();
  },
  '/headers-only'(stream) {
    stream.respond({ ':status': 204 }, { endStream: true });
  },
  '/informational'(stream) {
    stream.additionalHeaders({ ':status': 100 });
    stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
    stream.respond({ ':status': 200 });
    stream.end('final');
  },
  '/trailers'(stream) {
    stream.respond({}, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42', 'x-list': ['a', 'b'] }));
    stream.end('with trailers');
  },
  '/their-trailers'(stream) {
    let body = '';
    let trailers = null;
    stream.on('trailers', (seen) => { trailers = { ...seen }; });
    stream.on('data', (chunk) => { body += chunk; });
    stream.on('end', () => setImmediate(() => {
      stream.respond({});
      stream.end(JSON.stringify({ body, trailers }));
    }));
  },
  '/reset'(stream, query) {
    stream.close(Number(query.get('code')));
  },
  '/vanish'(stream) {
    stream.respond({});
    stream.write('half of it', () => {
      setImmediate(() => sockets.get(stream.session.state_.port).destroy());
    });
  },
  '/goaway'(stream, query) {
    const last = query.get('last');
    const data = Buffer.from(query.get('data') || '');
    stream.session.goaway(Number(query.get('code')), last === null ? 0 : Number(last), data);
    stream.respond({});
    stream.end('goaway sent');
  },
  '/close-session'(stream) {
    stream.respond({});
    stream.session.close();
    stream.end('closing');
  },
  '/settings'(stream, query) {
    stream.session.settings({ maxConcurrentStreams: Number(query.get('max')) }, () => {
      if (stream.destroyed) return;
      stream.respond({});
      stream.end('acknowledged');
    });
  },
  '/raise'(stream, query) {
    // like /settings, but only when the request is complete
    stream.resume();
    stream.on('end', () => {
      stream.session.settings({ maxConcurrentStreams: Number(query.get('max')) });
      stream.respond({});
      stream.end('raised');
    });
  },
  '/ping'(stream) {
    stream.session.ping((error, duration, payload) => {
      if (stream.destroyed) return;
      stream.respond({});
      stream.end(error ? String(error.code) : payload.toString('hex'));
    });
  },
  '/count'(stream, query) {
    const state = stream.session.state_;
    state.order.push(Number(query.get('n')));
    stream.resume();
    stream.on('end', () => setImmediate(() => {
      if (stream.destroyed) return;
      stream.respond({});
      stream.end(query.get('n'));
    }));
  },
  '/hold'(stream) {
    // answered when another stream of the session requests /release
    stream.resume();
  },
  '/release'(stream, query) {
    const port = query.get('port');
    const state = port ? known.get(Number(port)) : stream.session.state_;
    for (const other of state.alive.values()) {
      if (other === stream || other.headersSent || other.destroyed) continue;
      other.respond({});
      other.end('released');
    }
    stream.respond({});
    stream.end('released');
  },
  '/unread'(stream) {
    // neither reads nor answers: /read does that
    stream.respond({});
    stream.on('error', () => {});
  },
  '/read'(stream, query) {
    // reads some bytes of the unread stream, or everything to its end
    const other = stream.session.state_.alive.get(Number(query.get('id')));
    const most = Number(query.get('most') || 0);
    let got = 0;
    const finish = () => { stream.respond({}); stream.end(String(got)); };
    if (!most) {
      other.on('data', (chunk) => { got += chunk.length; });
      other.on('end', () => { other.end(); finish(); });
      return;
    }
    const take = () => {
      while (got < most) {
        const chunk = other.read(Math.min(most - got, other.readableLength || 1));
        if (chunk === null) return;
        got += chunk.length;
      }
      other.off('readable', take);
      finish();
    };
    other.on('readable', take);
    take();
  },
  '/report'(stream, query) {
    const state = known.get(Number(query.get('port')));
    const wanted = Number(query.get('closed') || 0);
    until(
      () => {
        if (state.closedStreams < wanted) return false;
        if (state.goaway.length < Number(query.get('goaways') || 0)) return false;
        if (query.get('ended') && !state.closed) return false;
        return !query.get('full') || state.session.state.remoteWindowSize === 0;
      },
      () => {
        const live = {};
        for (const [id, other] of state.alive) {
          live[id] = { bufferSize: other.bufferSize, readableLength: other.readableLength };
        }
        const window = state.closed ? null : state.session.state.remoteWindowSize;
        stream.respond({});
        stream.end(JSON.stringify({ ...state, live, window }));
      },
    );
  },
};

const sockets = new Map();
server.on('connection', (socket) => sockets.set(socket.remotePort, socket));
server.on('secureConnection', (socket) => sockets.set(socket.remotePort, socket));
server.on('session', (session) => { session.state_.port = session.socket.remotePort; });

server.on('stream', (stream, headers, flags, raw) => {
  const state = stream.session.state_;
  const url = new URL(headers[':path'], 'http://peer');
  const seen = { path: headers[':path'], aborted: false, rstCode: null, error: null };
  state.streams[stream.id] = seen;
  state.alive.set(stream.id, stream);
  state.inFlight++;
  state.maxInFlight = Math.max(state.maxInFlight, state.inFlight);
  stream.on('aborted', () => { seen.aborted = true; });
  stream.on('error', (error) => { seen.error = error.code; });
  stream.on('close', () => {
    seen.rstCode = stream.rstCode;
    state.inFlight--;
    state.closedStreams++;
    state.alive.delete(stream.id);
  });
  const behave = behaviours[url.pathname];
  if (behave) return behave(stream, url.searchParams, headers, flags, raw);
  stream.respond({ ':status': 404 });
  stream.end();
});

server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
