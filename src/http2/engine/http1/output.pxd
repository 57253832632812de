from http2.engine.http1.fields cimport Http1Fields
from http2.engine.outgoing cimport Output


cdef class Http1Output:
    cdef Output output
    cdef dict status_lines
    cdef bytes lasting

    cdef int add(self, bytes data) except -1
    cdef int add_length(self, Py_ssize_t size) except -1
    cdef Py_ssize_t put(self, bytes data) except -1
    cdef Py_ssize_t put_response(self, Http1Fields fields, bytes body) except -1
