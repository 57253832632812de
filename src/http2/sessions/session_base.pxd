from http2.streams.base cimport OwnerBase


cdef class SessionBase(OwnerBase):
    cdef object _listeners
    cdef object destroyed
    cdef object closed
    cdef object streams
    cdef object queue
    cdef object handlers
    cdef object upkeep
    cdef object _timer
    cdef object _flush_scheduled
