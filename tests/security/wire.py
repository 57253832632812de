"""Connections of a hostile peer, and header blocks that are as cheap as possible for it."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import time
from collections import Counter
from typing import Any

from http2.constants import ERROR_CODE_NAMES

from ..support import raw

# The SETTINGS of a peer that accepts any amount of data.
LARGEST = 2**31 - 1
STATIC = {
    (":method", "GET"): 2,
    (":method", "POST"): 3,
    (":path", "/"): 4,
    (":scheme", "http"): 6,
    (":scheme", "https"): 7,
    (":status", "200"): 8,
}
WINDOW, TABLE, CONCURRENT = 4, 1, 3


class Ended(Exception):
    """The victim has ended the connection, or the attack's time is over."""


class Blocks:
    """Header blocks of one connection: each field is sent once, and then as one byte."""

    def __init__(self) -> None:
        self._table: list[tuple[str, str]] = []

    def block(self, *fields: tuple[str, str]) -> bytes:
        """Return a header block (RFC 7541 section 6.1 and 6.2.1); the table must not overflow."""
        return b"".join(self.field(*pair) for pair in fields)

    def field(self, name: str, value: str) -> bytes:
        """Return one field."""
        if (name, value) in STATIC:
            return bytes((0x80 | STATIC[name, value],))
        if (name, value) in self._table:
            index = 62 + self._table.index((name, value))
            assert index < 127
            return bytes((0x80 | index,))
        self._table.insert(0, (name, value))
        return b"\x40" + raw.block([(name, value)])[1:]

    def request(self, path: str = "/", method: str = "GET") -> bytes:
        """Return the block of a request."""
        return self.block(
            (":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost")
        )

    def requests(
        self,
        count: int,
        path: str = "/",
        method: str = "GET",
        *,
        first: int = 1,
        end_stream: bool = True,
        after: Any = None,
    ) -> bytes:
        """Return *count* requests from stream *first* on; *after* adds frames for each."""
        flags = raw.END_HEADERS | (raw.END_STREAM if end_stream else 0)
        parts = []
        block = self.request(path, method)
        for stream_id in range(first, first + 2 * count, 2):
            parts.append(raw.frame(raw.HEADERS, flags, stream_id, block))
            if stream_id == first:
                block = self.request(path, method)  # in the table by now
            if after is not None:
                parts.append(after(stream_id))
        return b"".join(parts)


class Peer:
    """One end of a hostile connection, which counts sent data and records received data.

    Received data is parsed as frames unless *frames* is False. The methods raise `Ended` when the
    victim has ended the connection or the attack's time is over.
    """

    def __init__(self, sock: socket.socket, deadline: float, *, frames: bool = True) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.deadline = deadline
        self.sent = 0
        self.text = bytearray()
        """The received bytes, unless they are frames."""
        self.seen: Counter[int] = Counter()
        self.resets: Counter[int] = Counter()
        self.pings: list[bytes] = []
        """PINGs that wait for an answer."""
        self.windows: Counter[int] = Counter()
        """Received credit for DATA of this side."""
        self.answered: set[int] = set()
        """Streams on which HEADERS were received."""
        self.uploaded = 0
        """Bytes of DATA that were sent, if counted."""
        self.ended_streams = 0
        self.goaway: tuple[int, str] | None = None
        self.closed = False
        self._frames = frames
        self._buffer = bytearray()

    @property
    def ended(self) -> str:
        """How it ended, for the table."""
        if self.goaway is not None and (self.goaway[0] or self.goaway[1]):
            code, text = self.goaway
            name = ERROR_CODE_NAMES.get(code, str(code)).removeprefix("NGHTTP2_")
            return f"GOAWAY {name}" + (f": {text}" if text else "")
        if self.text.startswith(b"HTTP/1.1 ") and self.closed:
            lines = [line for line in self.text.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
            return "status " + lines[-1][9:].decode("latin-1")
        if self.closed:
            return "closed" if self.goaway is None else "GOAWAY NO_ERROR"
        if self.resets:
            counted = ", ".join(
                f"{count:,} × {ERROR_CODE_NAMES.get(code, str(code)).removeprefix('NGHTTP2_')}"
                for code, count in self.resets.most_common()
            )
            return f"streams reset: {counted}"
        return "open"

    def send(self, *parts: bytes, reading: bool = True) -> None:
        """Send, and read meanwhile, unless this peer does not read."""
        view = memoryview(b"".join(parts))
        while view:
            if reading:
                self.take()
            try:
                count = self.sock.send(view[:262144])
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self._wait(reading, True)
                continue
            except OSError:
                self._end()
            self.sent += count
            view = view[count:]

    def take(self) -> None:
        """Process the available data."""
        while True:
            try:
                got = self.sock.recv(262144)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                got = b""
            if not got:
                self.closed = True
                raise Ended
            self._received(got)
            if time.monotonic() > self.deadline:
                raise Ended

    def hear(self, seconds: float) -> None:
        """Read for *seconds*."""
        end = min(time.monotonic() + seconds, self.deadline)
        self.take()
        while (left := end - time.monotonic()) > 0:
            select.select([self.sock], [], [], left)
            self.take()
        if end == self.deadline:
            raise Ended

    def rest(self) -> None:
        """Process the data that is available at the end of the attack, such as the last frame."""
        with contextlib.suppress(Ended, OSError):
            self.deadline = time.monotonic() + 0.5
            self.take()

    def _wait(self, reading: bool, writing: bool) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Ended
        select.select(
            [self.sock] if reading else [], [self.sock] if writing else [], [], min(left, 0.1)
        )

    def _end(self) -> None:
        self.rest()
        self.closed = True
        raise Ended

    def _received(self, got: bytes) -> None:
        if not self._frames:
            self.text += got
            del self.text[: max(0, len(self.text) - 65536)]
            return
        buffer = self._buffer
        buffer += got
        at = 0
        while len(buffer) - at >= 9:
            high, low, kind, flags, stream_id = struct.unpack_from(">BHBBI", buffer, at)
            size = high << 16 | low
            if len(buffer) - at - 9 < size:
                break
            self._frame(kind, flags, stream_id & LARGEST, bytes(buffer[at + 9 : at + 9 + size]))
            at += 9 + size
        del buffer[:at]

    def _frame(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        self.seen[kind] += 1
        if kind == raw.GOAWAY:
            got = (struct.unpack_from(">I", payload, 4)[0], payload[8:].decode("latin-1"))
            # the one with the most information
            self.goaway = max(self.goaway or (0, ""), got)
        elif kind == raw.RST_STREAM:
            self.resets[struct.unpack(">I", payload)[0]] += 1
        elif kind == raw.PING and not flags & raw.ACK:
            self.pings.append(payload)
        elif kind == raw.WINDOW_UPDATE:
            self.windows[stream_id] += struct.unpack(">I", payload)[0]
        if kind == raw.HEADERS:
            self.answered.add(stream_id)
        if kind in (raw.HEADERS, raw.DATA) and flags & raw.END_STREAM:
            self.ended_streams += 1

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()
