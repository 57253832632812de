cdef class FirstStep:
    cdef readonly object coroutine
    cdef readonly object loop
    cdef readonly object context
    # Whether the coroutine has ended, with `result` or `error`; else it waits for `waiter`.
    cdef readonly bint over
    cdef readonly object result
    cdef readonly object waiter
    cdef public object error
    cdef public object watcher

    cpdef int take(self, object task) except -1
