"""Writing from the engine to a socket: the accepted data, and the rest for later."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator

import pytest

from http2.engine.connection import Connection

from ..support import memory
from ..support.memory import Pair, frames, opened

# More than one system call takes: each needs two entries of the vector, a frame header and this.
PIECE = 2048
PIECES = 1500
WINDOW = 2**24


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.setblocking(False)
        yield here, there


def wide() -> tuple[Pair, int]:
    """Return a pair whose server has a window of WINDOW bytes, and a stream for them."""
    pair = Pair(server_settings=[(4, WINDOW)])
    pair.server.set_local_window_size(WINDOW)
    pair.pump()
    return pair, opened(pair)


def arrived(sock: socket.socket) -> bytes:
    found = b""
    while True:
        try:
            found += sock.recv(2**20)
        except BlockingIOError:
            return found


def all_sent(
    connection: Connection, here: socket.socket, there: socket.socket
) -> tuple[bytes, int]:
    """Write everything; return the received data, and how often the socket did not take all."""
    found = b""
    partly = 0
    while (rest := connection.send(here.fileno())) is not None:
        found += arrived(there)
        if rest:
            partly += 1
            # as a transport does when the socket has room again
            found += b"".join(rest)
    return found, partly


def payloads(wire: bytes) -> bytes:
    return b"".join(payload for kind, _, _, payload in frames(wire) if kind == memory.DATA)


def test_a_batch_that_is_not_full_is_the_last_one() -> None:
    pair, stream_id = wide()
    pair.server.submit_response(stream_id, {})
    pair.server.write(stream_id, b"x" * 60_000, True)
    full = []
    while pair.server.data_to_send(40_000):
        full.append(pair.server.batch_was_full)
    assert full == [True, False]


def test_all_of_it_goes_to_the_socket(sockets: tuple[socket.socket, socket.socket]) -> None:
    here, there = sockets
    pair, stream_id = wide()
    body = bytes(range(256)) * 160
    pair.client.write(stream_id, body, True)
    assert pair.client.send(here.fileno()) == []
    assert pair.client.send(here.fileno()) is None
    wire = arrived(there)
    assert payloads(wire) == body
    assert frames(wire)[-1][1] == memory.END_STREAM


def test_what_the_socket_does_not_take_is_returned(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    here, there = sockets
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20000)
    pair, stream_id = wide()
    body = os.urandom(500_001)
    pair.client.write(stream_id, body[:200_000])
    pair.client.write(stream_id, memoryview(body)[200_000:400_000])
    pair.client.write(stream_id, bytearray(body[400_000:]), True)
    wire, partly = all_sent(pair.client, here, there)
    assert partly
    assert payloads(wire) == body


def test_a_full_socket_takes_nothing(sockets: tuple[socket.socket, socket.socket]) -> None:
    here, there = sockets
    filler = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filler += here.send(bytes(1000))
    pair, stream_id = wide()
    body = bytes(range(256)) * 100
    pair.client.write(stream_id, body, True)
    rest = pair.client.send(here.fileno())
    assert rest is not None
    assert payloads(b"".join(rest)) == body
    assert len(arrived(there)) == filler


def test_more_pieces_than_one_call_takes(sockets: tuple[socket.socket, socket.socket]) -> None:
    here, there = sockets
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 30000)
    pair, stream_id = wide()
    pieces = [os.urandom(PIECE) for _ in range(PIECES)]
    for piece in pieces:
        pair.client.write(stream_id, piece)
    pair.client.write(stream_id, None, True)
    wire, _ = all_sent(pair.client, here, there)
    assert payloads(wire) == b"".join(pieces)


def test_a_peer_that_has_gone(sockets: tuple[socket.socket, socket.socket]) -> None:
    """The system reports it only once; SIGPIPE ends no process."""
    here, there = sockets
    there.close()
    pair, stream_id = wide()
    pair.client.write(stream_id, bytes(range(256)) * 1000, True)
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        with pytest.raises(BrokenPipeError):
            pair.client.send(here.fileno())
    finally:
        signal.signal(signal.SIGPIPE, before)


def test_views_are_written_from_where_they_are(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    here, there = sockets
    pair, stream_id = wide()
    writable = bytearray(b"a" * 100_000)
    seen = memoryview(writable).toreadonly()
    pair.client.write(stream_id, seen[10000:], True)
    writable[:] = b"b" * 100_000
    wire, _ = all_sent(pair.client, here, there)
    assert payloads(wire) == b"b" * 90_000
    del seen
    # the buffer is released once it was sent
    writable.clear()
