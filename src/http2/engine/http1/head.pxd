cdef class Http1Limits:
    cdef readonly Py_ssize_t url_size
    cdef readonly Py_ssize_t section_size
    cdef readonly Py_ssize_t fields


cdef class Http1Head:
    cdef readonly str method
    cdef readonly str url
    cdef readonly str version
    cdef readonly object headers
    cdef readonly long long length
    cdef readonly bint chunked
    cdef readonly bint keep_alive
    cdef readonly bint upgrade
    cdef readonly bint expects
    cdef public bytes body


cdef Http1Head read_head(const char *data, Py_ssize_t size, Http1Limits limits)
cdef int check_incomplete(
    const char *data, Py_ssize_t size, Py_ssize_t begin, Http1Limits limits) except -1
cdef object read_trailers(const char *data, Py_ssize_t size, Http1Limits limits)
