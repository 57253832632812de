"""The chunked transfer coding of requests (RFC 9112 section 7.1), read strictly.

By hand, because a parser of requests would go on into the next one, and says neither where the
message has ended nor how much of it were chunk extensions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ..headers import Headers
from .http1_head import BadRequest, parse_trailers
from .http1_options import Http1Options

__all__ = ["ChunkedBody"]

# 15 digits are less than 2**60 bytes. Whitespace, which the grammar has as "bad", is not taken.
SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(;[\t -~\x80-\xff]*)?\r\n")

# Bytes of chunk extensions that a whole message may have: nobody uses them (section 7.1.1).
MOST_EXTENSIONS = 16 * 1024


class ChunkedBody:
    """The body of one request, as it comes."""

    __slots__ = ("_extensions", "_kept", "_left", "_options", "_state", "done", "trailers")

    def __init__(self, options: Http1Options) -> None:
        self._options = options
        self._state: Callable[[ChunkedBody, bytes, int, list[bytes]], int] = ChunkedBody._size
        # bytes left of the chunk; and what has come of a line that is not complete yet
        self._left = 0
        self._kept = b""
        self._extensions = 0
        self.done = False
        """Whether the last byte of the message was there."""
        self.trailers: Headers | None = None
        """The trailer fields, if there were any."""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take *data*; what it has of the body, and what lies behind the message.

        Raises `BadRequest`.
        """
        if self._kept:
            data = self._kept + data
            self._kept = b""
        pieces: list[bytes] = []
        position = 0
        while not self.done:
            behind = self._state(self, data, position, pieces)
            if behind < 0:
                self._kept = data[position:]
                position = len(data)
                break
            position = behind
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return body, data[position:]

    # Each of the states takes what it can from *position* on and says where it has stopped,
    # or -1 when more has to come first.

    def _size(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        line = SIZE_LINE.match(data, position)
        if line is None:
            return self._no_line(data, position)
        if line[2] is not None:
            self._count(len(line[2]))
        self._left = int(line[1], 16)
        self._state = ChunkedBody._data if self._left else ChunkedBody._trailers
        return line.end()

    def _no_line(self, data: bytes, position: int) -> int:
        """There is no size line: will there be one?"""
        rest = data[position : position + MOST_EXTENSIONS + 32]
        if b"\n" in rest or not rest.endswith(b"\r"):
            # what has come has to be the beginning of one: complete, it would be one
            line = SIZE_LINE.fullmatch(rest + b"\r\n")
            if rest and (b"\n" in rest or line is None):
                raise BadRequest(400, "a bad chunk size")
        elif SIZE_LINE.fullmatch(rest + b"\n") is None:
            raise BadRequest(400, "a bad chunk size")
        self._count(0, len(rest))
        return -1

    def _count(self, extension: int, pending: int = 0) -> None:
        self._extensions += extension
        if self._extensions + pending > MOST_EXTENSIONS:
            raise BadRequest(413, "too many chunk extensions")

    def _data(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        if position == len(data):
            return -1
        piece = data[position : position + self._left]
        pieces.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._state = ChunkedBody._data_end
        return position + len(piece)

    def _data_end(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        end = data[position : position + 2]
        if end == b"\r\n":
            self._state = ChunkedBody._size
            return position + 2
        if end not in (b"", b"\r"):
            raise BadRequest(400, "a chunk does not end where it should")
        return -1

    def _trailers(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        if data.startswith(b"\r\n", position):
            self.done = True
            return position + 2
        end = data.find(b"\r\n\r\n", position)
        if (len(data) if end < 0 else end) - position > self._options.max_header_size:
            raise BadRequest(431, "the trailer section is too long")
        if end < 0:
            rest = data[position:]
            if rest.count(b"\n") != rest.count(b"\r\n"):
                raise BadRequest(400, "an LF by itself")
            return -1
        self.trailers = parse_trailers(data[position : end + 4], self._options)
        self.done = True
        return end + 4
