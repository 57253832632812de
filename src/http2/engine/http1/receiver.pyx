# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The receiving half of an HTTP/1 server connection, without I/O (RFC 9112).

One message at a time: bytes after it wait until the next head is asked for. A body of known length
that has arrived with its head is returned with it, in one piece.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.string cimport memchr, memcpy

from http2.engine.http1.chunked cimport ChunkedBody
from http2.engine.http1.head cimport Http1Head, Http1Limits, check_incomplete, read_head

__all__ = ["Http1Receiver"]


cdef Py_ssize_t end_of_head(const char *data, Py_ssize_t begin, Py_ssize_t size) noexcept:
    """Return the end of the empty line that ends a head; -1 if it is not there."""
    cdef Py_ssize_t last = size - 3
    cdef const char *found
    if begin < 0:
        begin = 0
    while begin < last:
        found = <const char *>memchr(data + begin, 13, last - begin)
        if found is NULL:
            break
        if found[1] == 10 and found[2] == 13 and found[3] == 10:
            return found - data + 4
        begin = found - data + 1
    return -1


cdef class Http1Receiver:
    """The receiving half of an HTTP/1 server connection, see `receiver.pyi`."""

    def __init__(self, Http1Limits limits not None):
        self.limits = limits
        self.data = b""

    @property
    def waiting(self):
        return self.unparsed()

    @property
    def begun(self):
        return self.partial is not None

    def feed(self, data, Py_ssize_t size):
        self.take_in(data, size)

    cdef int take_in(self, object data, Py_ssize_t size) except -1:
        """Do what `feed` says."""
        cdef Py_ssize_t left = PyBytes_GET_SIZE(self.data) - self.at
        cdef bytes both
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            if not 0 <= size <= view.len:
                raise ValueError("size is not within data")
            both = PyBytes_FromStringAndSize(NULL, left + size)
            if left:
                memcpy(PyBytes_AS_STRING(both), PyBytes_AS_STRING(self.data) + self.at, left)
            memcpy(PyBytes_AS_STRING(both) + left, view.buf, size)
        finally:
            PyBuffer_Release(&view)
        self.data = both
        self.at = 0
        return 0

    def rest(self):
        return self.take(PyBytes_GET_SIZE(self.data) - self.at)

    cdef bytes take(self, Py_ssize_t size):
        """Remove and return the next *size* bytes."""
        cdef Py_ssize_t begin = self.at
        cdef bytes data = self.data
        self.at = begin + size
        if self.at < PyBytes_GET_SIZE(data):
            return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + begin, size)
        self.data = b""
        self.at = 0
        if not begin:
            return data
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + begin, size)

    def head(self):
        return self.next_head()

    cdef Http1Head next_head(self):
        """Do what `head` says."""
        cdef Http1Head head
        cdef const char *data
        cdef Py_ssize_t size, end, before, had
        if self.partial is not None:
            return self.more_of_head()
        data = PyBytes_AS_STRING(self.data) + self.at
        size = PyBytes_GET_SIZE(self.data) - self.at
        if size >= 2 and not self.blank and data[0] == 13 and data[1] == 10:
            self.blank = True
            self.at += 2
            data += 2
            size -= 2
        if not size:
            return None
        end = end_of_head(data, 0, size)
        if end < 0:
            self.partial = bytearray(self.take(size))
            check_incomplete(
                PyByteArray_AS_STRING(self.partial), size, 0, self.limits)
            return None
        head = read_head(data, end, self.limits)
        self.at += end
        return self.begin(head)

    cdef Http1Head more_of_head(self):
        """Continue with a head that has arrived in part."""
        cdef bytearray partial = self.partial
        cdef Py_ssize_t before = PyByteArray_GET_SIZE(partial)
        cdef Py_ssize_t waiting = PyBytes_GET_SIZE(self.data) - self.at
        cdef Py_ssize_t size = before + waiting
        cdef Py_ssize_t end
        cdef bytes whole
        if not waiting:
            return None
        partial += self.take(waiting)
        if before == 1 and not self.blank and partial[:2] == b"\r\n":
            self.blank = True
            self.partial = None
            self.data = bytes(partial[2:])
            return self.next_head()
        end = end_of_head(PyByteArray_AS_STRING(partial), before - 3, size)
        if end < 0:
            check_incomplete(PyByteArray_AS_STRING(partial), size, before, self.limits)
            return None
        self.partial = None
        self.data = bytes(partial)
        self.at = end
        return self.begin(read_head(PyBytes_AS_STRING(self.data), end, self.limits))

    cdef Http1Head begin(self, Http1Head head):
        """Begin the body after a head, and take it if it has arrived."""
        self.blank = False
        self.trailers = None
        if head.chunked:
            self.chunked = ChunkedBody(self.limits)
            self.receiving = True
        elif head.length <= PyBytes_GET_SIZE(self.data) - self.at:
            head.body = self.take(head.length)
        else:
            self.left = head.length
            self.receiving = True
        return head

    def body(self):
        cdef Py_ssize_t waiting = PyBytes_GET_SIZE(self.data) - self.at
        cdef ChunkedBody chunked
        cdef bytes data
        if not self.receiving:
            return b""
        if self.chunked is None:
            if waiting > self.left:
                waiting = self.left
            self.left -= waiting
            self.receiving = self.left > 0
            return self.take(waiting)
        chunked = self.chunked
        data = chunked.feed(self.take(waiting))
        self.data = chunked.rest
        if chunked.done:
            self.trailers = chunked.trailers
            self.chunked = None
            self.receiving = False
        return data
