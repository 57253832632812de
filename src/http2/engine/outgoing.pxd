cimport cython
from cpython.object cimport PyObject


@cython.final
cdef class OutgoingBody:
    cdef object first
    cdef list queue
    cdef Py_ssize_t head
    cdef Py_ssize_t offset
    cdef Py_ssize_t pending
    # memory of the buffers, each counted until its last byte was sent
    cdef Py_ssize_t held
    cdef long long sent
    # the value of content-length, -1 without one; and the bytes that were written
    cdef long long declared
    cdef long long written
    cdef bint ended
    cdef bint deferred
    cdef bint wants_trailers
    cdef bint blocked
    # all buffers that were ever queued, while they are small; None if they can't be sent again
    cdef list kept
    cdef Py_ssize_t kept_size

    cdef Py_ssize_t add(self, object data) except -1
    cdef void drop(self) noexcept
    cdef int _next(self) except -1


@cython.final
cdef class Output:
    cdef list _chunks
    # a bytes object that is being filled, or NULL
    cdef PyObject *_small
    cdef Py_ssize_t _small_length
    cdef Py_ssize_t _small_capacity
    cdef Py_ssize_t _expected
    cdef Py_ssize_t limit
    cdef Py_ssize_t gathered

    cdef int begin(self, Py_ssize_t limit) except -1
    cdef list take(self)
    cdef int add(self, const void *data, Py_ssize_t length) except -1
    cdef int add_body(self, OutgoingBody body, Py_ssize_t length) except -1
    cdef int _grow(self, Py_ssize_t needed) except -1
    cdef int _flush_small(self) except -1
