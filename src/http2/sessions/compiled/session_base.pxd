from http2.streams.compiled.base cimport OwnerBase


cdef class SessionBase(OwnerBase):
    # of `EventEmitter` and `Closable`
    cdef object _listeners
    cdef object _tasks
    cdef object _watched
    cdef object told
    # of `Http2Session`
    cdef object destroyed
    cdef object closed
    cdef object streams
    cdef object queue
    cdef object handlers
    cdef object upkeep
    cdef object _timer
    cdef object _flush_scheduled
    cdef object options
    cdef object settings_exchange
    cdef object transport
    cdef object addresses
    cdef object connecting
    cdef object encrypted
    cdef object alpn_protocol
    cdef object ending
    cdef object write_paused
    cdef object origins
    cdef object pings
    cdef object _outlet
    cdef object _early
