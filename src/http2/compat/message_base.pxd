from http2.streams.compiled.base cimport ExchangeBase


cdef class RequestListenerBase:
    cdef public bint _takes_streams

    cdef int take_stream(self, object stream, object headers) except -1


cdef class RequestBase:
    cdef dict __dict__
    # of `EventEmitter`
    cdef object _listeners
    cdef object _watched
    # of `Message`
    cdef ExchangeBase stream
    # of `ServerRequest`
    cdef object headers
    cdef object _body


cdef class Http1RequestBase(RequestBase):
    cdef object _method
    cdef object url


cdef class ResponseBase:
    cdef dict __dict__
    # of `EventEmitter`
    cdef object _listeners
    cdef object _watched
    # of `Message`
    cdef ExchangeBase stream
    # of `ServerResponse`
    cdef object req
    cdef object send_date
    cdef object _ended
    cdef object _status
    cdef object _headers
    cdef object _trailers
