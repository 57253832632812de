from libc.stdint cimport uint64_t


# What a name means for the message of its field.
cdef enum:
    SEEN_STATUS = 1
    SEEN_METHOD = 2
    SEEN_PATH = 4
    SEEN_SCHEME = 8
    SEEN_AUTHORITY = 16
    SEEN_PROTOCOL = 32
    SEEN_DATE = 64
    SEEN_HOST = 128
    SEEN_LENGTH = 256
    SEEN_KEEP_ALIVE = 512
    SEEN_CODING = 1024
    SEEN_CONNECTION = 2048


cdef class FieldName:
    cdef bytes lower
    cdef str text
    cdef bint pseudo
    # one bit of its own if the field has at most one value, else 0
    cdef uint64_t single
    cdef bint connection_specific
    cdef bint te
    cdef unsigned int mark
    # whether it is stored, under one spelling at least
    cdef bint remembered


cdef FieldName name_of(object key)
cdef object plain_value(FieldName name, object value)
cdef int span(FieldName name, object value, const char **data, Py_ssize_t *length) except -1
cdef bint is_padded(const char *data, Py_ssize_t length) noexcept
cdef bint is_token_bytes(const char *data, Py_ssize_t length) noexcept
cdef int parse_status(const char *data, Py_ssize_t length, bint informational) except -1
cdef long long parse_length(const char *data, Py_ssize_t length) except? -2
cdef object lower_names(object names)
cdef list pairs_of(object headers)
cdef str current_date()
cpdef object plain_field(object name, object value)
cpdef bint is_plain(dict headers) except -1
