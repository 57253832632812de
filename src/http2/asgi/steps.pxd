from http2.compat.message_base cimport RequestListenerBase


cdef class SharedScopeBase:
    cdef object app
    cdef object loop
    cdef object http_version
    cdef object tasks
    cdef object state
    cdef object root_path
    cdef object extensions
    cdef object base
    cdef object exchange_class
    cdef object _direct
    cdef object _server_state
    cdef object _defaults
    cdef object _added
    cdef object _send_date
    cdef object _access_log
    cdef object _memory
    cdef object _inner


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


cdef class StreamListenerBase(RequestListenerBase):
    cdef readonly dict _connections
