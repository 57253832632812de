from http2.engine.http1.head cimport Http1Limits


cdef class ChunkedBody:
    cdef Http1Limits limits
    # the part that comes next, one of the states
    cdef int state
    # bytes left of the chunk; and the bytes of an incomplete line
    cdef readonly long long left
    cdef readonly bytes kept
    # the extensions of an incomplete size line: `kept` would be copied each time
    cdef bytearray line
    # bytes of an incomplete trailer section that were scanned already
    cdef Py_ssize_t seen
    cdef Py_ssize_t extensions
    # the bytes after the message
    cdef readonly bytes rest
    cdef readonly bint done
    cdef readonly object trailers

    cpdef bytes feed(self, bytes data)
    cdef Py_ssize_t step(self, bytes data, Py_ssize_t position, list pieces) except -2
    cdef Py_ssize_t read_size(self, bytes data, Py_ssize_t position) except -2
    cdef Py_ssize_t no_line(self, bytes data, Py_ssize_t position) except -2
    cdef Py_ssize_t read_extension(self, bytes data, Py_ssize_t position) except -2
    cdef int count(self, Py_ssize_t extension) except -1
    cdef Py_ssize_t read_data(self, bytes data, Py_ssize_t position, list pieces) except -2
    cdef Py_ssize_t read_data_end(self, bytes data, Py_ssize_t position) except -2
    cdef Py_ssize_t read_trailer_section(self, bytes data, Py_ssize_t position) except -2
