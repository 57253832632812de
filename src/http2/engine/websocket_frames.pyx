# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The frames of a WebSocket, one by one (RFC 6455 section 5.2).

Most frames are a whole message and have arrived completely: those are decoded here. All other
frames, and all that break a rule, are passed on unchanged to wsproto, which knows every rule. For
these only the end of the frame is determined here. Frames to send are made here as well if they are
a whole message without compression.
"""

import os

from cpython.bytearray cimport PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

__all__ = ["WebSocketFrames", "message_frame"]

cdef extern from "Python.h":
    object PyUnicode_DecodeUTF8(const char *text, Py_ssize_t size, const char *errors)

cdef enum:
    FIN = 0x80
    COMPRESSED = 0x40
    RESERVED = 0x30
    MASKED = 0x80
    TEXT = 1
    BINARY = 2
    CONTROL = 8
    # for bytes that are no frame: all later bytes belong to them
    EVERYTHING = -1


cdef void unmask(const unsigned char *source, unsigned char *sink, Py_ssize_t size,
                 const unsigned char *key) noexcept nogil:
    cdef uint32_t half
    cdef uint64_t mask, word
    cdef Py_ssize_t i = 0
    memcpy(&half, key, 4)
    mask = (<uint64_t>half << 32) | half
    while i + 8 <= size:
        memcpy(&word, source + i, 8)
        word ^= mask
        memcpy(sink + i, &word, 8)
        i += 8
    while i < size:
        sink[i] = source[i] ^ key[i & 3]
        i += 1


cdef bytes framed(unsigned char opcode, const char *data, Py_ssize_t size, bint client):
    """Return the frame of a whole message, masked if this side is the *client*."""
    cdef Py_ssize_t head = 2 if size < 126 else 4 if size < 65536 else 10
    cdef bytes made = PyBytes_FromStringAndSize(NULL, head + (4 if client else 0) + size)
    cdef unsigned char *frame = <unsigned char *>PyBytes_AS_STRING(made)
    cdef bytes key
    cdef Py_ssize_t i
    frame[0] = FIN | opcode
    if head == 2:
        frame[1] = <unsigned char>size
    else:
        frame[1] = 126 if head == 4 else 127
        for i in range(2, head):
            frame[i] = <unsigned char>(<uint64_t>size >> 8 * (head - 1 - i))
    if client:
        # section 5.3: a new key for each frame, which nobody can predict
        key = os.urandom(4)
        frame[1] |= MASKED
        memcpy(frame + head, PyBytes_AS_STRING(key), 4)
        unmask(<const unsigned char *>data, frame + head + 4, size, frame + head)
    else:
        memcpy(frame + head, data, size)
    return made


def message_frame(data, bint client):
    """Return the frame of the message *data*, a `str` or a buffer; see the declarations."""
    cdef bytes payload
    if isinstance(data, str):
        payload = (<str>data).encode("utf-8")
    else:
        payload = data if type(data) is bytes else bytes(data)
    return framed(
        TEXT if isinstance(data, str) else BINARY,
        PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), client)


cdef class WebSocketFrames:
    """The received bytes of a WebSocket, split into frames.

    *client*: whether this side is the client, whose peer does not mask. Messages larger than
    *max_size* bytes are passed on as pieces (None: no limit), and unless *compresses* also those
    that are compressed.
    """

    cdef bytes _data
    cdef Py_ssize_t _at
    # bytes of the current piecewise frame that are still to come
    cdef Py_ssize_t _rest
    cdef Py_ssize_t _most
    cdef bint _client
    cdef bint _compresses

    def __init__(self, bint client, max_size, bint compresses):
        self._data = b""
        self._client = client
        self._most = -1 if max_size is None else min(max_size, 1 << 62)
        self._compresses = compresses

    @property
    def unread(self):
        """Number of bytes that were received and not taken."""
        return PyBytes_GET_SIZE(self._data) - self._at

    def receive(self, data):
        """Take *data*, received bytes."""
        if type(data) is not bytes:
            data = bytes(data)
        if self._at == PyBytes_GET_SIZE(self._data):
            self._data = data
        else:
            self._data = self._data[self._at:] + <bytes>data
        self._at = 0

    def take(self, bint between):
        """Return the next message or piece of a frame; None if more bytes are needed.

        A `str` or `bytes` is a whole message, and a tuple ``(opcode, bytes)`` one that is
        compressed. A `bytearray` is a piece of another frame, masked as it was received. *between*:
        whether a message may begin here.
        """
        cdef const unsigned char *frame = (
            <const unsigned char *>PyBytes_AS_STRING(self._data) + self._at)
        cdef Py_ssize_t there = PyBytes_GET_SIZE(self._data) - self._at
        cdef unsigned char first, second, opcode
        cdef uint64_t length
        cdef Py_ssize_t head = 2, size
        cdef bytes payload
        if there == 0:
            return None
        if self._rest:
            return self._piece(frame, there)
        if there < 2:
            return None
        first, second = frame[0], frame[1]
        opcode = first & 0x0F
        length = second & 0x7F
        if (
            first & RESERVED
            or 2 < opcode < CONTROL
            or opcode > CONTROL + 2
            or (opcode >= CONTROL and (length > 125 or not first & FIN))
            or (not second & MASKED) != self._client
        ):
            # not a frame: its end does not matter
            self._rest = EVERYTHING
            return self._piece(frame, there)
        if length == 126:
            if there < 4:
                return None
            head = 4
            length = <uint64_t>frame[2] << 8 | frame[3]
            if length < 126:
                self._rest = EVERYTHING
        elif length == 127:
            if there < 10:
                return None
            head = 10
            length = 0
            for i in range(2, 10):
                length = length << 8 | frame[i]
            if length < 65536 or length >> 62:
                self._rest = EVERYTHING
        if self._rest:
            return self._piece(frame, there)
        if second & MASKED:
            head += 4
        size = <Py_ssize_t>length
        if (
            not between
            or not first & FIN
            or not (opcode == TEXT or opcode == BINARY)
            or (first & COMPRESSED and not self._compresses)
            or (self._most >= 0 and size > self._most)
            or there - head < size
        ):
            self._rest = head + size
            return self._piece(frame, there)
        if second & MASKED:
            payload = PyBytes_FromStringAndSize(NULL, size)
            unmask(frame + head, <unsigned char *>PyBytes_AS_STRING(payload), size,
                   frame + head - 4)
        else:
            payload = PyBytes_FromStringAndSize(<const char *>frame + head, size)
        if first & COMPRESSED:
            self._at += head + size
            return opcode, payload
        if opcode == TEXT:
            try:
                text = PyUnicode_DecodeUTF8(PyBytes_AS_STRING(payload), size, NULL)
            except UnicodeDecodeError:
                self._rest = head + size
                return self._piece(frame, there)
            self._at += head + size
            return text
        self._at += head + size
        return payload

    cdef object _piece(self, const unsigned char *frame, Py_ssize_t there):
        """Return the received part of a frame that is passed on in pieces."""
        if self._rest != EVERYTHING:
            there = min(there, self._rest)
            self._rest -= there
        self._at += there
        return PyByteArray_FromStringAndSize(<const char *>frame, there)
