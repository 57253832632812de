from libc.stdint cimport int32_t, uint8_t

from http2.engine.outgoing cimport OutgoingBody
from http2.engine.session cimport Session


cdef class Connection(Session):
    cdef bint _busy

    cpdef list receive(self, data)
    cpdef list take_events(self)
    cdef Py_ssize_t queued_frames(self) noexcept
    cpdef tuple submit_request(
        self, headers, str authority, str scheme, end_stream=*, bint wait_for_trailers=*,
        int32_t parent=*, int32_t weight=*, bint exclusive=*)
    cpdef tuple submit_response(
        self, stream_id, headers, bint end_stream=*, bint wait_for_trailers=*,
        bint head_request=*, bint send_date=*)
    cpdef Py_ssize_t write(self, stream_id, data, bint end=*) except -2

    cdef ssize_t _feed(self, const uint8_t *data, Py_ssize_t length) except? -1
    cdef int _drop_reset_at_once(self) except -1
    cdef int _report_end(self, int code) except -1
    cdef int _raise_failure(self) except -1
    cdef Py_ssize_t _gather(self, Py_ssize_t limit) except -1
    cdef int _collect_request(self, headers, str authority, str scheme) except -1
    cdef bint _is_gone(self, int32_t stream_id) noexcept
    cdef int _collect_response(self, headers) except -1
    cdef int _check_bodiless(self, bint end_stream) except -1
    cdef long long _declared(self) noexcept
    cdef int32_t _submit_collected(
        self, OutgoingBody body, int32_t parent, int32_t weight, bint exclusive) except -1
