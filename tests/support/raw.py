"""Hand-written HTTP/2 frames over an asyncio socket, for frames that honest peers never send.

Header blocks are literals without Huffman coding and without indexing (RFC 7541 section 6.2.2), so
that a test may send anything. Of a received block only the status is parsed, which is enough for
the tests.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from .dialled import PATIENCE, Dialled

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE = range(6)
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(6, 10)

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8

Fields = Iterable[tuple[str | bytes, str | bytes]]

_STATUS = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}


@dataclass(frozen=True)
class Frame:
    """A received frame."""

    type: int
    flags: int
    stream_id: int
    payload: bytes

    @property
    def code(self) -> int:
        """The error code of RST_STREAM and GOAWAY."""
        offset = 4 if self.type == GOAWAY else 0
        code: int = struct.unpack_from(">I", self.payload, offset)[0]
        return code

    @property
    def last_stream_id(self) -> int:
        """The last stream identifier of GOAWAY."""
        last: int = struct.unpack_from(">I", self.payload)[0]
        return last

    @property
    def ends_stream(self) -> bool:
        """Whether DATA or HEADERS carries END_STREAM."""
        return self.type in (DATA, HEADERS) and bool(self.flags & END_STREAM)

    @property
    def status(self) -> int:
        """The status of HEADERS, if it is one of those in HPACK's static table."""
        assert self.type == HEADERS
        return _STATUS[self.payload[0] & 0x7F]

    @property
    def settings(self) -> dict[int, int]:
        """The entries of SETTINGS."""
        return dict(struct.iter_unpack(">HI", self.payload))


def frame(kind: int, flags: int = 0, stream_id: int = 0, payload: bytes = b"") -> bytes:
    """Return any frame, well-formed or not."""
    length = len(payload)
    return struct.pack(">BHBBI", length >> 16, length & 0xFFFF, kind, flags, stream_id) + payload


def integer(value: int, bits: int) -> bytes:
    """Return an integer with a prefix of *bits* bits (RFC 7541 section 5.1)."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([value])
    out = bytearray([limit])
    value -= limit
    while value >= 128:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def block(fields: Fields) -> bytes:
    """Return a header block of literals."""
    out = bytearray()
    for pair in fields:
        out.append(0)
        for text in pair:
            octets = text.encode("latin-1") if isinstance(text, str) else text
            out += integer(len(octets), 7) + octets
    return bytes(out)


def request_fields(method: str = "GET", path: str = "/", **more: str) -> list[tuple[str, str]]:
    """Return the fields of an ordinary request; underscores in the names of *more* are hyphens."""
    fields = [
        (":method", method),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
    ]
    return fields + [(name.replace("_", "-"), value) for name, value in more.items()]


def headers(
    stream_id: int, fields: Fields, *, end_stream: bool = False, end_headers: bool = True
) -> bytes:
    """Return a HEADERS frame."""
    flags = (END_STREAM if end_stream else 0) | (END_HEADERS if end_headers else 0)
    return frame(HEADERS, flags, stream_id, block(fields))


def get(stream_id: int = 1, path: str = "/") -> bytes:
    """Return a whole GET request."""
    return headers(stream_id, request_fields(path=path), end_stream=True)


def post(stream_id: int = 1, path: str = "/", **more: str) -> bytes:
    """Return the head of a POST request."""
    return headers(stream_id, request_fields("POST", path, **more))


def data(stream_id: int, payload: bytes = b"", *, end_stream: bool = False) -> bytes:
    """Return a DATA frame."""
    return frame(DATA, END_STREAM if end_stream else 0, stream_id, payload)


def rst_stream(stream_id: int, code: int = 8) -> bytes:
    """Return RST_STREAM; CANCEL by default."""
    return frame(RST_STREAM, 0, stream_id, struct.pack(">I", code))


def settings(values: dict[int, int] | None = None, *, ack: bool = False) -> bytes:
    """Return a SETTINGS frame, or with *ack* the acknowledgement of one."""
    payload = b"".join(struct.pack(">HI", key, value) for key, value in (values or {}).items())
    return frame(SETTINGS, ACK if ack else 0, 0, payload)


def ping(payload: bytes = b"12345678", *, ack: bool = False) -> bytes:
    """Return PING, or with *ack* the answer to one."""
    return frame(PING, ACK if ack else 0, 0, payload)


def goaway(code: int = 0, last_stream_id: int = 0, opaque: bytes = b"") -> bytes:
    """GOAWAY."""
    return frame(GOAWAY, 0, 0, struct.pack(">II", last_stream_id, code) + opaque)


def window_update(stream_id: int, increment: int) -> bytes:
    """Return WINDOW_UPDATE; stream 0 is the connection."""
    return frame(WINDOW_UPDATE, 0, stream_id, struct.pack(">I", increment))


class RawPeer(Dialled):
    """A client that sends given bytes, and returns every frame that it receives."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        # the received frames in order, for the message of a failed assertion
        self.seen: list[Frame] = []

    @classmethod
    async def connect(
        cls,
        port: int,
        context: ssl.SSLContext | None = None,
        values: dict[int, int] | None = None,
    ) -> Self:
        """Connect and exchange SETTINGS: *values* are this side's."""
        peer = await cls.dial(port, context)
        try:
            peer.send(PREFACE, settings(values))
            await peer.until(SETTINGS)
            peer.send(settings(ack=True))
        except BaseException:
            await peer.close()
            raise
        return peer

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Begin TLS on the established connection."""
        await self.writer.start_tls(context, server_hostname="localhost")

    def send(self, *frames: bytes) -> None:
        """Queue bytes to be sent."""
        self.writer.write(b"".join(frames))

    async def flush(self) -> None:
        """Wait until the socket has taken most of the queued bytes."""
        await self.writer.drain()

    async def bytes(self, n: int = -1) -> bytes:
        """Return the next bytes; without *n*, all of them until the connection ends."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read(n)

    async def frame(self) -> Frame | None:
        """Return the next frame; None when the connection has ended."""
        async with asyncio.timeout(PATIENCE):
            try:
                head = await self.reader.readexactly(9)
                high, low, kind, flags, stream_id = struct.unpack(">BHBBI", head)
                payload = await self.reader.readexactly(high << 16 | low)
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
        got = Frame(kind, flags, stream_id & 0x7FFFFFFF, payload)
        self.seen.append(got)
        return got

    async def until(
        self,
        kind: int,
        stream_id: int | None = None,
        test: Callable[[Frame], bool] = lambda _: True,
    ) -> Frame:
        """Return the next frame of *kind* (on *stream_id*, passing *test*); skip others."""
        while True:
            got = await self.frame()
            assert got is not None, f"the connection ended; seen: {self.seen}"
            if got.type == kind and stream_id in (None, got.stream_id) and test(got):
                return got

    async def answered(self) -> None:
        """Wait until the server has processed everything that was sent so far."""
        self.send(ping(b"answered"))
        await self.until(PING, test=lambda got: got.payload == b"answered")

    async def rest(self) -> list[Frame]:
        """Return all frames until the connection ends."""
        start = len(self.seen)
        while await self.frame() is not None:
            pass
        return self.seen[start:]

    async def body(self, stream_id: int) -> bytes:
        """Return the body on *stream_id*, to its END_STREAM; its bytes are acknowledged at once."""
        parts = []
        while True:
            got = await self.frame()
            assert got is not None, f"the connection ended; seen: {self.seen}"
            if got.stream_id == stream_id and got.type == DATA and got.payload:
                parts.append(got.payload)
                self.send(window_update(0, len(got.payload)))
                if not got.ends_stream:
                    self.send(window_update(stream_id, len(got.payload)))
            assert got.type != RST_STREAM or got.stream_id != stream_id, got
            if got.stream_id == stream_id and got.ends_stream:
                return b"".join(parts)
