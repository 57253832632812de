'use strict';
// Scenarios of the sockets of requests and responses: see tests/compat/test_sockets.py.
const { attempt } = require('./attempt.js');

module.exports = {
  '/looked-at'(request, response, note) {
    const { socket } = request;
    note(request.connection === socket, response.socket === socket, response.connection === socket);
    note(socket.destroyed, socket.readable, socket.writable);
    note(socket.remoteAddress, socket.localAddress, socket.remotePort === socket.localPort);
    note(socket.remotePort === request.stream.session.socket.remotePort);
    response.end();
  },
  '/forbidden'(request, response, note) {
    const { socket } = request;
    for (const name of ['pause', 'read', 'resume', 'write']) {
      note(attempt(() => { socket[name]; }), attempt(() => { socket[name] = 1; }));
    }
    response.end();
  },
  '/ended'(request, response, note) {
    response.write('some ');
    response.socket.end('more');
  },
  '/destroyed'(request, response, note) {
    request.on('aborted', () => note('aborted'));
    request.socket.destroy();
    note(request.socket.destroyed, request.socket.readable, request.socket.writable);
  },
  '/emitter'(request, response, note) {
    const { socket } = request;
    socket.on('mine', (value) => note('on', value));
    socket.once('mine', (value) => note('once', value));
    request.stream.on('mine', (value) => note('stream', value));
    note(attempt(() => socket.emit('mine', 1)), attempt(() => socket.emit('mine', 2)),
      attempt(() => socket.emit('nobody')));
    response.end();
  },
  '/closed'(request, response, note) {
    response.end();
    request.stream.on('close', () => note(response.socket === undefined, response.connection === undefined));
  },
  '/timeout'(request, response, note) {
    const { session } = request.stream;
    note(request.socket.setTimeout(0.03 * 1000, () => {
      note('timeout');
      request.socket.setTimeout(0);
      response.end();
    }) === session);
  },
};
