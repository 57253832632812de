cdef class Wakes:
    cdef object loop
    cdef object get_loop
    # a future of asyncio that is complete
    cdef object complete
    cdef list due

    cdef int add(self, Waiter waiter) except -1


cdef class Waiter:
    cdef public bint _asyncio_future_blocking
    cdef bint known
    cdef Wakes wakes
    # the task that waits: how to continue it
    cdef object callback
    cdef object context
    # when it is known: why the task must not continue as usual
    cdef object error


cdef Waiter new_waiter(Wakes wakes)
cdef int wake(Waiter waiter) except -1
