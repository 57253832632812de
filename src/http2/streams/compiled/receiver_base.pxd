cdef class ReceiverBase:
    cdef object chunks
    cdef object size
    cdef object reported
    cdef object did_read
    cdef object flowing
    cdef object _flow_scheduled
    cdef object _decoder
    cdef object _reader
    cdef object _end_waiters


cdef int receive(ReceiverBase receiver, object stream, bytes data, bint end) except -1
