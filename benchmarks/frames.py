"""HTTP/2 by hand, as far as a load needs it: connections that cost the load's side little.

Header blocks are written without Huffman codes and without the dynamic table (RFC 7541, section
6.2.2), so that the bytes of a request are made once; the answers' header blocks are not read.
"""

import socket
import struct
from collections.abc import Iterable, Iterator

DATA = 0
HEADERS = 1
RST_STREAM = 3
SETTINGS = 4
PING = 6
GOAWAY = 7
WINDOW_UPDATE = 8
END_STREAM = 1
ACK = 1
END_HEADERS = 4
INITIAL_WINDOW_SIZE = 4
LARGE = 2**31 - 1
ORIGIN = "127.0.0.1"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header_block(fields: Iterable[tuple[str, str]]) -> bytes:
    """Return a header block of short fields: literals, never indexed by the peer."""
    block = b""
    for name, value in fields:
        assert len(name) < 127
        assert len(value) < 127
        block += b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    return block


EMPTY_SETTINGS = frame(SETTINGS, 0, 0)
SETTINGS_ACK = frame(SETTINGS, ACK, 0)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + EMPTY_SETTINGS
# Windows that no load fills, so that no WINDOW_UPDATE is needed.
WIDE_PREFACE = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, LARGE))
    + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", LARGE - 65535))
)


class Closed(Exception):
    """The server closed the connection or said that it is about to."""


class Frames:
    """Splits the bytes that a socket receives into frames.

    Attributes:
        answers: The answers to the peer's SETTINGS and PINGs; to be sent, then cleared.
        acknowledged: Whether the peer has acknowledged our SETTINGS.
        settled: Whether the peer's SETTINGS have arrived.
    """

    def __init__(self) -> None:
        """Start before the first byte."""
        self.answers = b""
        self.acknowledged = False
        self.settled = False
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield (type, flags, stream, payload) of each whole frame of a stream.

        Raises:
            Closed: ``data`` is empty, or GOAWAY was received.
        """
        if not data:
            raise Closed("the server closed the connection")
        data = self._rest + data if self._rest else data
        position, size = 0, len(data)
        while size - position >= 9:
            end = position + 9 + int.from_bytes(data[position : position + 3], "big")
            if end > size:
                break
            kind, flags = data[position + 3], data[position + 4]
            if kind in (DATA, HEADERS, RST_STREAM):
                stream = int.from_bytes(data[position + 5 : position + 9], "big")
                yield kind, flags, stream, data[position + 9 : end]
            elif kind != WINDOW_UPDATE:
                self._of_connection(kind, flags, data[position + 9 : end])
            position = end
        self._rest = data[position:]

    def _of_connection(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == GOAWAY:
            raise Closed("the server sent GOAWAY")
        if kind == SETTINGS and flags & ACK:
            self.acknowledged = True
        elif kind == SETTINGS:
            self.settled = True
            self.answers += SETTINGS_ACK
        elif kind == PING and not flags & ACK:
            self.answers += frame(PING, ACK, 0, payload)


def connect(port: int, preface: bytes = PREFACE) -> tuple[socket.socket, Frames]:
    """Return a connection on which both sides' SETTINGS are acknowledged.

    Raises:
        Closed: The server refuses it.
    """
    connection = socket.create_connection((ORIGIN, port), 5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    frames = Frames()
    try:
        connection.sendall(preface)
        while not (frames.acknowledged and frames.settled):
            for _ in frames.feed(connection.recv(65536)):
                pass
        connection.sendall(frames.answers)
        frames.answers = b""
    except BaseException:
        connection.close()
        raise
    return connection, frames
