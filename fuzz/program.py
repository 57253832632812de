"""Bytes as a program: the fuzzer changes bytes, and the result consists of whole frames.

Every byte string is a program, so that no change that the fuzzer makes is lost on a length that
does not fit. `Program` reads one; `Writer` writes one, for seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tests.support.memory import REQUEST_BLOCK, frame

T = TypeVar("T")

NAMES = [
    b":method", b":path", b":scheme", b":authority", b":status", b":protocol", b"host", b"te",
    b"content-length", b"cookie", b"connection", b"x", b"", b"Upper", b"a b", b"priority",
]  # fmt: skip
VALUES = [
    b"GET", b"/", b"http", b"a", b"200", b"103", b"CONNECT", b"", b"0", b"5", b"trailers", b"HEAD",
    b" x", b"a\r", b"99", b"u=0, i",
]  # fmt: skip
METHODS = [b"GET", b"POST", b"HEAD", b"CONNECT", b"OPTIONS"]


class Program:
    """Reads an input as numbers, choices and bytes; behind its end all is 0."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self.data) - self.at

    def byte(self) -> int:
        """Return the next byte."""
        at = self.at
        if at >= len(self.data):
            return 0
        self.at = at + 1
        return self.data[at]

    def flag(self) -> bool:
        """Return a byte's lowest bit."""
        return self.byte() & 1 == 1

    def number(self, size: int) -> int:
        """Return an unsigned number of *size* bytes, in network order."""
        number = 0
        for _ in range(size):
            number = number << 8 | self.byte()
        return number

    def size(self) -> int:
        """Return 0 to 127 from one byte, up to 32,767 from two."""
        size = self.byte()
        return size if size < 128 else (size & 127) << 8 | self.byte()

    def take(self, size: int) -> bytes:
        """Return the next *size* bytes, or the rest."""
        at = self.at
        self.at = min(at + size, len(self.data))
        return self.data[at : self.at]

    def choice(self, options: Sequence[T]) -> T:
        """Return one of *options*, of which there are at most 256."""
        return options[self.byte() % len(options)]

    # --- parts of HTTP/2 ----------------------------------------------------------------

    def stream_id(self) -> int:
        """Return 0 to 254 from one byte; any other value from five."""
        number = self.byte()
        return number if number < 255 else self.number(4) & 0x7FFFFFFF

    def frame(self) -> bytes:
        """Return a frame whose length is correct."""
        kind, flags, stream_id = self.byte(), self.byte(), self.stream_id()
        return frame(kind, flags, stream_id, self.take(self.size()))

    def text(self, known: Sequence[bytes]) -> bytes:
        """Return a name or a value: mostly one with a meaning."""
        which = self.byte()
        return self.take(which & 15) if which >= 240 else known[which % len(known)]

    def block(self) -> bytes:
        """Return a header block (RFC 7541 section 6), with all representations of a field."""
        out = bytearray(self.choice((b"", REQUEST_BLOCK, b"\x88")))
        for _ in range(self.byte() & 7):
            style = self.byte() % 6
            if style == 0:
                out.append(0x80 | self.byte())
            elif style == 1:
                out.append(0x20 | self.byte())
            elif style == 2:
                out += self.take(self.byte() & 15)
            else:
                out.append((0x00, 0x10, 0x40)[style - 3])
                for text in (self.text(NAMES), self.text(VALUES)):
                    out.append(len(text))
                    out += text
        return bytes(out)

    def request(self, stream_id: int) -> bytes:
        """Return a whole request's HEADERS, or most of it."""
        method = self.choice(METHODS)
        out = bytearray(b"\x00\x07:method" + bytes((len(method),)) + method)
        out += b"\x86\x84\x00\x0a:authority\x01a"
        for _ in range(self.byte() & 3):
            out.append(0x40)
            for text in (self.text(NAMES), self.text(VALUES)):
                out.append(len(text))
                out += text
        return frame(1, 0x4 | (self.byte() & 0x1), stream_id, bytes(out))


class Writer:
    """Writes the input of a `Program`."""

    def __init__(self) -> None:
        self.out = bytearray()

    def put(self, *values: int) -> Writer:
        """Write single bytes."""
        self.out += bytes(values)
        return self

    def size(self, size: int) -> Writer:
        """Write a number for `Program.size`."""
        assert size < 1 << 15
        return self.put(size) if size < 128 else self.put(size >> 8 | 128, size & 255)

    def frame(self, kind: int, flags: int, stream_id: int, payload: bytes) -> Writer:
        """Write a frame for `Program.frame`."""
        self.put(kind, flags)
        if stream_id < 255:
            self.put(stream_id)
        else:
            self.put(255, *stream_id.to_bytes(4, "big"))
        self.size(len(payload))
        self.out += payload
        return self
