from http2.engine.field_rules cimport FieldName


cdef class Http1Fields:
    cdef readonly object held
    cdef readonly int status
    cdef readonly bint bodiless
    cdef readonly object length
    cdef readonly bint dated
    cdef readonly str date
    cdef readonly bint keep_alive
    cdef readonly object connection
    cdef readonly bytes lines

    cdef bint _note(self, FieldName name, const char *data, Py_ssize_t length, bint informational, bint trailers) except -1
    cdef int _add(self, object key, object value, bint strict_whitespace, bint informational, bint trailers) except -1


cdef class Http1FieldRules:
    cdef bint strict_whitespace
    cdef bint strict_single_value

    cdef Http1Fields of_response(self, object headers, bint send_date)
    cdef Http1Fields _checked(self, object headers, bint informational, bint trailers, bint send_date)
