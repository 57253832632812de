from cpython.bytes cimport PyBytes_GET_SIZE

from http2.engine.http1.chunked cimport ChunkedBody
from http2.engine.http1.head cimport Http1Head, Http1Limits


cdef class Http1Receiver:
    cdef Http1Limits limits
    # bytes that were not parsed begin at `at`
    cdef bytes data
    cdef Py_ssize_t at
    # an incomplete head; then all of `data` was taken
    cdef bytearray partial
    # the one empty line that may precede a request has arrived (section 2.2)
    cdef bint blank
    cdef ChunkedBody chunked
    cdef readonly long long left
    cdef readonly bint receiving
    cdef readonly object trailers

    cdef inline Py_ssize_t unparsed(self) noexcept:
        """Return the number of bytes that were not parsed."""
        return PyBytes_GET_SIZE(self.data) - self.at

    cdef int take_in(self, object data, Py_ssize_t size) except -1
    cdef bytes take(self, Py_ssize_t size)
    cdef Http1Head next_head(self)
    cdef Http1Head more_of_head(self)
    cdef Http1Head begin(self, Http1Head head)
