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


cdef struct Piece:
    # NULL: it is in `Output._small`, `start` bytes from its beginning.
    const char *data
    Py_ssize_t start
    Py_ssize_t length
    # the buffer that it is a part of; `Output._items` holds the reference
    PyObject *item


@cython.final
cdef class Output:
    cdef list _items
    cdef Piece *_pieces
    cdef Py_ssize_t _count
    cdef Py_ssize_t _capacity
    cdef char *_small
    cdef Py_ssize_t _small_length
    cdef Py_ssize_t _small_capacity
    cdef Py_ssize_t limit
    cdef Py_ssize_t gathered
    # how much `send` gathers
    cdef Py_ssize_t batch

    cdef int begin(self, Py_ssize_t limit) except -1
    cdef list take(self)
    cdef list send(self, int fd)
    cdef int add(self, const void *data, Py_ssize_t length) except -1
    cdef int add_part(
        self, object item, const char *start, Py_ssize_t begin, Py_ssize_t length) except -1
    cdef int add_body(self, OutgoingBody body, Py_ssize_t length) except -1
    cdef bint _send_some(
        self, int fd, Py_ssize_t *first, Py_ssize_t *taken, int *code
    ) noexcept nogil
    cdef const char *_place(self, Piece *piece) noexcept nogil
    cdef Piece *_new_piece(self) except NULL
    cdef list _rest(self, Py_ssize_t first, Py_ssize_t skipped)
    cdef void _clear(self) noexcept
