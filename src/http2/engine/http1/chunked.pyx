# cython: language_level=3
"""The chunked transfer coding of requests (RFC 9112 section 7.1), parsed strictly."""

import re

from http2.engine.http1.head cimport Http1Limits, read_trailers

from http2.engine.http1.head import BadRequest

# One extension after a semicolon; "bad" whitespace has to be accepted (RFC 9110 section 5.6.3).
# No group is possessive: in CPython before 3.11.5 such a group may match wrongly. A failed match
# still takes linear time, because no text can be read in two ways.
NAMED = (
    rb"[ \t]*+[!#$%&'*+.^_`|~0-9A-Za-z-]++"
    rb"(?:[ \t]*+=[ \t]*+(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++"
    rb'|"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?'
)
# 15 digits are less than 2**60 bytes. Whitespace before the first semicolon is refused: some
# other implementations end the number there.
EXTENSIONS = re.compile(rb";%b(?:[ \t]*+;%b)*" % (NAMED, NAMED))
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(%b)?\r\n" % EXTENSIONS.pattern)
SIZE_BEGUN = re.compile(rb"([0-9A-Fa-f]{1,15}+);")
IN_EXTENSIONS = re.compile(rb"[\t -~\x80-\xff]*+")

cdef enum:
    # Bytes of chunk extensions that a message may have in all: they are not used (section 7.1.1).
    MOST_EXTENSIONS = 16 * 1024

cdef enum:
    SIZE = 0
    EXTENSION = 1
    DATA = 2
    DATA_END = 3
    TRAILERS = 4


cdef class ChunkedBody:
    """The chunked body of one request."""

    def __init__(self, Http1Limits limits not None):
        self.limits = limits
        self.kept = b""
        self.rest = b""
        self.line = bytearray()

    cpdef bytes feed(self, bytes data):
        """Take *data*; return the part of the body in it. Raises `BadRequest` if it is invalid.

        The bytes after the message are then in `rest`.
        """
        cdef list pieces = []
        cdef Py_ssize_t position = 0
        cdef Py_ssize_t behind
        if self.kept:
            data = self.kept + data
            self.kept = b""
        while not self.done:
            behind = self.step(data, position, pieces)
            if behind < 0:
                self.kept = data[position:]
                position = len(data)
                break
            position = behind
        self.rest = data[position:]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    # Each state takes what it can from *position* on. It returns where it has stopped, or -1 if it
    # needs more bytes first.

    cdef Py_ssize_t step(self, bytes data, Py_ssize_t position, list pieces) except -2:
        if self.state == SIZE:
            return self.read_size(data, position)
        if self.state == EXTENSION:
            return self.read_extension(data, position)
        if self.state == DATA:
            return self.read_data(data, position, pieces)
        if self.state == DATA_END:
            return self.read_data_end(data, position)
        return self.read_trailer_section(data, position)

    cdef Py_ssize_t read_size(self, bytes data, Py_ssize_t position) except -2:
        line = SIZE_LINE.match(data, position)
        if line is None:
            return self.no_line(data, position)
        if line[2] is not None:
            self.count(len(line[2]))
        self.left = int(line[1], 16)
        self.state = DATA if self.left else TRAILERS
        return line.end()

    cdef Py_ssize_t no_line(self, bytes data, Py_ssize_t position) except -2:
        """Begin an incomplete size line with extensions; raise `BadRequest` if it can't be one."""
        begun = SIZE_BEGUN.match(data, position)
        if begun is not None:
            self.count(1)
            self.line += b";"
            self.left = int(begun[1], 16)
            self.state = EXTENSION
            return begun.end()
        rest = data[position : position + 18]
        if (
            rest
            and SIZE_LINE.match(rest + b"\r\n") is None
            and SIZE_LINE.match(rest + b"\n") is None
        ):
            raise BadRequest(400, "invalid chunk size")
        return -1

    cdef Py_ssize_t read_extension(self, bytes data, Py_ssize_t position) except -2:
        """Read the rest of a size line that arrives in parts, or is invalid."""
        cdef Py_ssize_t begun
        more = IN_EXTENSIONS.match(data, position)
        begun, position = more.span()
        self.count(position - begun)
        self.line += more[0]
        end = data[position : position + 2]
        if end == b"\r\n":
            if EXTENSIONS.fullmatch(self.line) is None:
                raise BadRequest(400, "invalid chunk extension")
            self.line.clear()
            self.state = DATA if self.left else TRAILERS
            return position + 2
        if end not in (b"", b"\r"):
            raise BadRequest(400, "invalid chunk extension")
        return position if position > begun else -1

    cdef int count(self, Py_ssize_t extension) except -1:
        self.extensions += extension
        if self.extensions > MOST_EXTENSIONS:
            raise BadRequest(413, "too many chunk extensions")
        return 0

    cdef Py_ssize_t read_data(self, bytes data, Py_ssize_t position, list pieces) except -2:
        cdef bytes piece
        if position == len(data):
            return -1
        piece = data[position : position + self.left]
        pieces.append(piece)
        self.left -= len(piece)
        if not self.left:
            self.state = DATA_END
        return position + len(piece)

    cdef Py_ssize_t read_data_end(self, bytes data, Py_ssize_t position) except -2:
        end = data[position : position + 2]
        if end == b"\r\n":
            self.state = SIZE
            return position + 2
        if end not in (b"", b"\r"):
            raise BadRequest(400, "chunk data is not followed by CR LF")
        return -1

    cdef Py_ssize_t read_trailer_section(self, bytes data, Py_ssize_t position) except -2:
        cdef Py_ssize_t seen, end
        if data.startswith(b"\r\n", position):
            self.done = True
            return position + 2
        seen = position + self.seen
        end = data.find(b"\r\n\r\n", max(seen - 3, position))
        if (len(data) if end < 0 else end) - position > self.limits.section_size:
            raise BadRequest(431, "the trailer section is too long")
        if end < 0:
            if data.count(b"\n", seen) != data.count(b"\r\n", max(seen - 1, position)):
                raise BadRequest(400, "LF without CR")
            self.seen = len(data) - position
            return -1
        self.trailers = read_trailers(<const char *>data + position, end + 4 - position, self.limits)
        self.done = True
        return end + 4
