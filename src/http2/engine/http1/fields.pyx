# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""A program's header fields for HTTP/1: checked by `field_rules`, and written as lines of bytes.

Fields that decide on a message's framing or the connection's life are not written but stored
apart, for the writer of the message (RFC 9112 sections 6 and 9).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Copy, PyDict_Next
from cpython.mem cimport PyMem_Realloc
from cpython.object cimport PyObject
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from http2.engine.field_rules cimport (
    SEEN_CODING,
    SEEN_CONNECTION,
    SEEN_DATE,
    SEEN_KEEP_ALIVE,
    SEEN_LENGTH,
    SEEN_STATUS,
    FieldName,
    current_date,
    is_padded,
    name_of,
    pairs_of,
    parse_length,
    parse_status,
    plain_value,
    span,
)

from http2.errors import new_error
from http2.headers import sensitive_headers

cdef extern from "Python.h":
    bint PyDict_CheckExact(object o)
    void *PyUnicode_DATA(object o)
    Py_ssize_t PyUnicode_GET_LENGTH(object o)
    Py_ssize_t PySequence_Fast_GET_SIZE(object o)
    PyObject *PySequence_Fast_GET_ITEM(object o, Py_ssize_t i)

__all__ = ["Http1FieldRules", "Http1Fields"]

# The buffer for lines, while their number is unknown. A larger one is reduced to this afterwards.
cdef enum:
    USUAL_SIZE = 65536

cdef char *buffer = NULL
cdef Py_ssize_t capacity = 0
cdef Py_ssize_t used = 0


cdef int make_room(Py_ssize_t size) except -1:
    """Make room for *size* more bytes."""
    global buffer, capacity
    cdef char *grown
    if used + size > capacity:
        grown = <char *>PyMem_Realloc(buffer, (used + size) * 2)
        if grown is NULL:
            raise MemoryError
        buffer = grown
        capacity = (used + size) * 2
    return 0


cdef int write_line(bytes name, const char *value, Py_ssize_t length) except -1:
    global used
    cdef Py_ssize_t size = PyBytes_GET_SIZE(name)
    cdef char *at
    make_room(size + length + 4)
    at = buffer + used
    memcpy(at, PyBytes_AS_STRING(name), size)
    memcpy(at + size, b": ", 2)
    memcpy(at + size + 2, value, length)
    memcpy(at + size + 2 + length, b"\r\n", 2)
    used += size + length + 4
    return 0


cdef bytes written():
    """Return what was written since the last call."""
    global buffer, capacity, used
    cdef bytes lines = PyBytes_FromStringAndSize(buffer, used) if used else b""
    cdef char *smaller
    used = 0
    if capacity > USUAL_SIZE:
        smaller = <char *>PyMem_Realloc(buffer, USUAL_SIZE)
        if smaller is not NULL:
            buffer = smaller
            capacity = USUAL_SIZE
    return lines


cdef object not_yours(str name, str what):
    """Return the error for a field of the framing set by the program (RFC 9112 section 6)."""
    return new_error(
        "ERR_HTTP2_INVALID_CONNECTION_HEADERS", message=f"header {name!r} {what}")


cdef class Http1Fields:
    """Checked header fields, see the declarations in `fields.pyi`."""

    cdef int _add(
        self, object key, object value, bint strict_whitespace, bint informational, bint trailers
    ) except -1:
        """Write one value, or store its meaning."""
        cdef FieldName name = <FieldName>key
        cdef const char *data
        cdef Py_ssize_t length
        cdef object text
        if name.mark == SEEN_STATUS and not trailers and type(value) is int and 100 <= value <= 999:
            # the usual form: store the number without text
            self.status = value
            return 0
        text = plain_value(name, value)
        span(name, text, &data, &length)
        if is_padded(data, length):
            if strict_whitespace:
                raise new_error("ERR_HTTP2_INVALID_HEADER_VALUE", text, name.text)
            while length and (data[0] == 32 or data[0] == 9):
                data += 1
                length -= 1
            while length and (data[length - 1] == 32 or data[length - 1] == 9):
                length -= 1
        if name.mark and self._note(name, data, length, informational, trailers):
            return 0
        return write_line(name.lower, data, length)

    cdef bint _note(
        self, FieldName name, const char *data, Py_ssize_t length, bint informational,
        bint trailers,
    ) except -1:
        """Store what a field means for the message; return whether it must not be written."""
        cdef unsigned int mark = name.mark
        if mark == SEEN_DATE:
            self.dated = True
            return False
        if mark == SEEN_STATUS:
            if trailers:
                raise new_error("ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED")
            self.status = parse_status(data, length, informational)
            return True
        if not mark & (SEEN_KEEP_ALIVE | SEEN_LENGTH | SEEN_CODING | SEEN_CONNECTION):
            return False
        if trailers:
            raise not_yours(name.text, "is not allowed in trailers")
        if mark == SEEN_KEEP_ALIVE:
            self.keep_alive = True
            return False
        if mark == SEEN_LENGTH:
            self.length = parse_length(data, length)
        elif mark == SEEN_CODING:
            # the library chooses the framing: a body of unknown length is chunked anyway
            if bytes(data[:length]).lower() != b"chunked":
                raise not_yours(name.text, "must be chunked")
        elif self.connection is None:
            self.connection = bytes(data[:length]).decode("latin-1")
        else:
            self.connection += ", " + bytes(data[:length]).decode("latin-1")
        return True


cdef uint64_t add_entry(
    Http1Fields found, object key, object value, uint64_t singles, bint strict_single_value,
    bint strict_whitespace, bint informational, bint trailers,
) except? 0xFFFFFFFFFFFFFFFF:
    """Write one item of the program's headers; return *singles* with the name's bit."""
    cdef FieldName name
    cdef Py_ssize_t i, size
    if value is None or key is sensitive_headers:
        return singles
    name = name_of(key)
    if name.pseudo and name.mark != SEEN_STATUS:
        raise new_error("ERR_HTTP2_INVALID_PSEUDOHEADER", name.text)
    if not isinstance(value, (list, tuple)):
        size = 1
    else:
        size = PySequence_Fast_GET_SIZE(value)
        if size == 0:
            return singles
    if name.single and strict_single_value:
        if size > 1 or singles & name.single:
            raise new_error("ERR_HTTP2_HEADER_SINGLE_VALUE", name.text)
        singles |= name.single
    if not isinstance(value, (list, tuple)):
        found._add(name, value, strict_whitespace, informational, trailers)
        return singles
    for i in range(size):
        found._add(
            name, <object>PySequence_Fast_GET_ITEM(value, i), strict_whitespace, informational,
            trailers)
    return singles


cdef class Http1FieldRules:
    """The rules for the program's header fields, see `fields.pyi`."""

    def __init__(self, *, bint strict_whitespace, bint strict_single_value):
        self.strict_whitespace = strict_whitespace
        self.strict_single_value = strict_single_value

    def response(self, object headers, bint send_date):
        return self.of_response(headers, send_date)

    cdef Http1Fields of_response(self, object headers, bint send_date):
        """Do what `response` says."""
        cdef Http1Fields found = self._checked(headers, False, False, send_date)
        if found.status == 0:
            found.status = 200
        elif found.status < 200 or found.status > 599:
            raise new_error("ERR_HTTP2_STATUS_INVALID", found.status)
        found.bodiless = found.status == 204 or found.status == 205 or found.status == 304
        return found

    def informational(self, object headers):
        return self._checked(headers, True, False, False)

    def trailers(self, object headers):
        return self._checked(headers, False, True, False)

    cdef Http1Fields _checked(
        self, object headers, bint informational, bint trailers, bint send_date
    ):
        global used
        cdef str date
        cdef Http1Fields found = Http1Fields.__new__(Http1Fields)
        cdef PyObject *key
        cdef PyObject *value
        cdef Py_ssize_t position = 0
        cdef uint64_t singles = 0
        used = 0
        if headers is None:
            pass
        elif PyDict_CheckExact(headers):
            found.held = PyDict_Copy(headers)
            while PyDict_Next(found.held, &position, &key, &value):
                singles = add_entry(
                    found, <object>key, <object>value, singles, self.strict_single_value,
                    self.strict_whitespace, informational, trailers)
        else:
            # copy lists: the program could change one after the check
            found.held = [
                (name, list(item) if isinstance(item, (list, tuple)) and name is not sensitive_headers
                 else item)
                for name, item in pairs_of(headers)
            ]
            used = 0
            for name, item in found.held:
                singles = add_entry(
                    found, name, item, singles, self.strict_single_value, self.strict_whitespace,
                    informational, trailers)
        if send_date and not found.dated:
            found.date = date = current_date()
            write_line(
                b"date", <const char *>PyUnicode_DATA(date), PyUnicode_GET_LENGTH(date))
        found.lines = written()
        return found
