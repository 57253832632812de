from http2.streams.compiled.base cimport ExchangeBase


cdef class Http1StreamBase(ExchangeBase):
    cdef object method
    cdef object url
    cdef object http_version
    cdef object status_message
    cdef object _fields
    cdef object _given
    cdef object _framing
    cdef object _left
    cdef object _wants_chunks
    cdef object response_ended


cdef class Http1ConnectionBase:
    # of `EventEmitter`
    cdef object _listeners
    cdef object _tasks
    cdef object _watched
    # of `Http1Carrier`
    cdef object server
    cdef object loop
    cdef object addresses
    cdef object _transport
    cdef object _outlet
    cdef object _output
    cdef object _buffer
    cdef object _target
    cdef object _closed
    cdef object destroyed
    cdef object in_batch
    cdef object _flush_scheduled
    cdef object _resting
    cdef object _write_paused
    cdef object _reading_paused
    cdef object _eof
    cdef object _lingering
    cdef object _idle_timer
    cdef object _deadline
    cdef object _timer
    cdef object _timer_at
    # of `Http1Connection`
    cdef object field_rules
    cdef object _service
    cdef object _receiver
    cdef object _stream
    cdef object _keep_alive
    cdef object _expects_continue
    cdef object _promised
    cdef object _client_closes
    cdef object _requests
    cdef object _began
    cdef object _discarding
    cdef object _discarded
