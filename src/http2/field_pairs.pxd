cpdef list field_pairs(object headers, list raw)
cpdef dict response_fields(object status, list pairs)


cdef class PairMemory:
    cdef list _names
    cdef list _values
    cdef list _pairs
    cdef object _authority
    cdef object _host

    cdef list field_pairs(self, object headers)
    cdef int _remember(self, Py_ssize_t i, object name, object value, object pair) except -1
