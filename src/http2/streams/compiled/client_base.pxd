from http2.streams.compiled.base cimport Http2StreamBase, OwnerBase
from http2.streams.compiled.life_state cimport Life


cdef class ClientStreamBase(Http2StreamBase):
    # the response
    cdef object _response
    cdef object _response_waiters
    cdef object _body
    cdef object _held_blocks
    # the request
    cdef object _priority
    cdef object _early
    cdef object _refusals
    cdef object _signal


cdef ClientStreamBase new_client_stream(
    object kind, OwnerBase session, object stream_id, Life life, object headers, tuple priority)
cdef int receive_response(ClientStreamBase stream, object headers, object flags) except -1
cdef bint receive_whole(ClientStreamBase stream, bytes data) except -1
