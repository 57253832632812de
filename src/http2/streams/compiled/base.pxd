cdef class OwnerBase:
    cdef object loop
    cdef object engine
    cdef object in_batch


cdef class ExchangeBase:
    # of `EventEmitter`
    cdef object _listeners
    cdef object _tasks
    cdef object _watched
    # of `Duplex`
    cdef object life
    cdef object _error
    cdef object error_seen
    cdef object _receiver
    cdef object _whole
    cdef object _drainers
    # of `Exchange`
    cdef object id
    cdef object end_after_headers
    cdef object headers_sent
    cdef object _session
    cdef object _code
    cdef object _head_request
    cdef object _request
    cdef object _sent
    cdef object _timer


cdef class Http2StreamBase(ExchangeBase):
    pass


cdef class ServerStreamBase(Http2StreamBase):
    cdef object is_waiting


cdef int end_over(Http2StreamBase stream, object code, object unsent) except -1
cpdef object as_buffer(data, encoding=*)
cdef int receive_body(ExchangeBase stream, bytes data, bint end) except -1
cdef ServerStreamBase new_server_stream(
    object kind, OwnerBase session, object stream_id, object request, int flags)
