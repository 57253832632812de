from cpython.object cimport PyObject
from libc.stdint cimport uint64_t

from http2.engine.nghttp2 cimport nghttp2_nv, nghttp2_rcbuf


# The kind of block that the fields are for: it decides which pseudo-headers are allowed.
cdef enum:
    REQUEST = 0
    RESPONSE = 1
    INFORMATIONAL = 2
    TRAILERS = 3
    PUSH_REQUEST = 4


# The size of a field is that of its name, its value, and this (RFC 9113 section 6.5.2).
cdef enum:
    FIELD_OVERHEAD = 32


cdef class StringCache:
    cdef void *_slots
    cdef str text(self, nghttp2_rcbuf *buffer)


cdef struct RememberedField:
    nghttp2_rcbuf *name
    # NULL if the value is too long to be kept: then every value is another one
    nghttp2_rcbuf *value
    # what the field counts in the size of its block
    Py_ssize_t size
    PyObject *text
    # the value in the block that is being received, if it is another one; or NULL
    PyObject *other


cdef enum PatternState:
    IGNORING = 0
    RECORDING = 1
    MATCHING = 2


cdef class BlockPattern:
    cdef RememberedField *_fields
    cdef int _count
    cdef int _matched
    cdef int _misses
    cdef bint _others
    cdef dict _headers
    cdef PatternState state

    cdef int begin(self) except -1
    cdef Py_ssize_t match(
        self, nghttp2_rcbuf *name, nghttp2_rcbuf *value, StringCache strings) except -1
    cdef int unfold(self, object headers) except -1
    cdef int record(self, nghttp2_rcbuf *name, nghttp2_rcbuf *value, str text) except -1
    cdef int complete(self, object headers, bint merged) except -1
    cdef int _forget_others(self) except -1
    cdef int _forget(self) except -1


cdef class OutgoingBlock:
    cdef nghttp2_nv *_fields
    cdef Py_ssize_t _capacity
    cdef Py_ssize_t _end
    cdef int _pseudo_count
    cdef int _kind
    cdef readonly object held
    cdef list _keep
    cdef unsigned int _seen
    # the names with at most one value that were given, one bit each
    cdef uint64_t _singles
    cdef bint strict_single_value
    cdef bint strict_whitespace
    cdef readonly int status
    # the value of content-length; -1 without one
    cdef readonly long long length
    cdef bint _asterisk
    cdef readonly str method

    cdef nghttp2_nv *fields(self) noexcept
    cdef Py_ssize_t count(self) noexcept
    cdef int collect(self, object headers, int kind) except -1
    cdef str add_default_date(self)
    cdef int complete_request(self, str authority, str scheme) except -1
    cdef int _begin(self, int kind) except -1
    cdef int _add_entry(self, object name, object value, int kind, object sensitive, bint ordered) except -1
    cdef int _add(self, object entry, object value, unsigned char flags) except -1
    cdef int _check_path(self, const char *data, Py_ssize_t length) except -1
    cdef int _put(self, object entry, const char *value, Py_ssize_t length, unsigned char flags) except -1


cdef object new_headers()
cdef list add_received(object headers, list raw, str name, str value)
