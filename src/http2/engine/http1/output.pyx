# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The sending half of an HTTP/1 server connection, without I/O of its own (RFC 9112).

What is written in one turn of the loop goes out together: small pieces are copied next to each
other, large bodies stay where they are. A common response is laid out here as a whole.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject

from http2.engine.http1.fields cimport Http1Fields
from http2.engine.outgoing cimport Output

__all__ = ["Http1Output"]


cdef class Http1Output:
    """The sending half of an HTTP/1 server connection, see `output.pyi`."""

    def __init__(self, dict status_lines not None, bytes lasting not None):
        self.output = Output.__new__(Output)
        self.status_lines = status_lines
        self.lasting = lasting

    @property
    def size(self):
        return self.output.gathered if self.output._count else 0

    cdef int add(self, bytes data) except -1:
        return self.output.add(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    def write(self, bytes data not None):
        return self.put(data)

    cdef Py_ssize_t put(self, bytes data) except -1:
        """Do what `write` says."""
        cdef Output output = self.output
        if not output._count:
            output.begin(0)
        if PyBytes_GET_SIZE(data):
            output.add_part(data, PyBytes_AS_STRING(data), 0, PyBytes_GET_SIZE(data))
        return output.gathered

    def respond(self, Http1Fields fields not None, bytes body not None):
        return self.put_response(fields, body)

    cdef Py_ssize_t put_response(self, Http1Fields fields, bytes body) except -1:
        """Do what `respond` says."""
        cdef Output output = self.output
        cdef Py_ssize_t size = PyBytes_GET_SIZE(body)
        cdef PyObject *line = PyDict_GetItem(self.status_lines, fields.status)
        if (
            line is NULL
            or fields.bodiless
            or fields.connection is not None
            or fields.keep_alive
            or (fields.length is not None and fields.length != size)
        ):
            return 0
        if not output._count:
            output.begin(0)
        self.add(<bytes>line)
        self.add(fields.lines)
        self.add_length(size)
        self.add(self.lasting)
        output.add(b"\r\n", 2)
        if size:
            output.add_part(body, PyBytes_AS_STRING(body), 0, size)
        return output.gathered

    cdef int add_length(self, Py_ssize_t size) except -1:
        """Add ``content-length``; `snprintf` would take longer than all the rest."""
        cdef char[40] text
        cdef Py_ssize_t at = 38
        text[38] = 13
        text[39] = 10
        while True:
            at -= 1
            text[at] = <char>(48 + size % 10)
            size //= 10
            if not size:
                break
        self.output.add(b"content-length: ", 16)
        return self.output.add(text + at, 40 - at)

    def send(self, int fd):
        if not self.output._count:
            return None
        return self.output.send(fd)

    def data_to_send(self):
        if not self.output._count:
            return []
        return self.output.take()
