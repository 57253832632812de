"""The chunked transfer coding of requests (RFC 9112 section 7.1), read strictly.

By hand, because a parser of requests would go on into the next one, and says neither where the
message has ended nor how much of it were chunk extensions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ..headers import Headers
from .head import BadRequest, parse_trailers
from .options import Http1Options

__all__ = ["ChunkedBody"]

# What follows a semicolon; whitespace is "bad", but has to be read over (RFC 9110 section 5.6.3).
# No group is possessive: in CPython before 3.11.5 such a group may match what is none. What
# fails still fails in linear time, for nothing can be read in two ways.
NAMED: Final = (
    rb"[ \t]*+[!#$%&'*+.^_`|~0-9A-Za-z-]++"
    rb"(?:[ \t]*+=[ \t]*+(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++"
    rb'|"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?'
)
# 15 digits are less than 2**60 bytes. Whitespace before the first semicolon is not taken: that is
# where others have ended the number.
EXTENSIONS: Final = re.compile(rb";%b(?:[ \t]*+;%b)*" % (NAMED, NAMED))
SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(%b)?\r\n" % EXTENSIONS.pattern)
SIZE_BEGUN: Final = re.compile(rb"([0-9A-Fa-f]{1,15}+);")
IN_EXTENSIONS: Final = re.compile(rb"[\t -~\x80-\xff]*+")

# Bytes of chunk extensions that a whole message may have: nobody uses them (section 7.1.1).
MOST_EXTENSIONS = 16 * 1024


class ChunkedBody:
    """The body of one request, as it comes."""

    __slots__ = (
        "_extensions", "_kept", "_left", "_line", "_options", "_seen", "_state", "done", "trailers",
    )  # fmt: skip

    def __init__(self, options: Http1Options) -> None:
        self._options = options
        self._state: Callable[[ChunkedBody, bytes, int, list[bytes]], int] = ChunkedBody._size
        # bytes left of the chunk; and what has come of a line that is not complete yet
        self._left = 0
        self._kept = b""
        # the extensions of a size line that is not complete yet: `_kept` would be copied each time
        self._line = bytearray()
        # bytes of an incomplete trailer section that were looked at before
        self._seen = 0
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
        begun = SIZE_BEGUN.match(data, position)
        if begun is not None:
            self._count(1)
            self._line += b";"
            self._left = int(begun[1], 16)
            self._state = ChunkedBody._extension
            return begun.end()
        rest = data[position : position + 18]
        if (
            rest
            and SIZE_LINE.match(rest + b"\r\n") is None
            and SIZE_LINE.match(rest + b"\n") is None
        ):
            raise BadRequest(400, "a bad chunk size")
        return -1

    def _extension(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        """The rest of a size line that has come in parts, or is wrong."""
        more = IN_EXTENSIONS.match(data, position)
        assert more is not None
        begun, position = more.span()
        self._count(position - begun)
        self._line += more[0]
        end = data[position : position + 2]
        if end == b"\r\n":
            if EXTENSIONS.fullmatch(self._line) is None:
                raise BadRequest(400, "a bad chunk extension")
            self._line.clear()
            self._state = ChunkedBody._data if self._left else ChunkedBody._trailers
            return position + 2
        if end not in (b"", b"\r"):
            raise BadRequest(400, "a bad chunk extension")
        return position if position > begun else -1

    def _count(self, extension: int) -> None:
        self._extensions += extension
        if self._extensions > MOST_EXTENSIONS:
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
        seen = position + self._seen
        end = data.find(b"\r\n\r\n", max(seen - 3, position))
        if (len(data) if end < 0 else end) - position > self._options.max_header_size:
            raise BadRequest(431, "the trailer section is too long")
        if end < 0:
            if data.count(b"\n", seen) != data.count(b"\r\n", max(seen - 1, position)):
                raise BadRequest(400, "an LF by itself")
            self._seen = len(data) - position
            return -1
        self.trailers = parse_trailers(data[position : end + 4], self._options)
        self.done = True
        return end + 4
