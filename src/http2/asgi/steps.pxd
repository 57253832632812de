cdef class SharedScopeBase:
    cdef object app
    cdef object loop
    cdef object http_version
    cdef object tasks
    cdef object state
    cdef object root_path
    cdef object extensions
    cdef object base


cdef class AsgiExchangeBase:
    cdef object _connection
    cdef object _stream
    cdef object _response
    cdef object _state
    cdef object _more
    cdef object _expects
    cdef object _waiters
    cdef object _status
    cdef object _fields
    cdef object _trailers
    cdef object scope
