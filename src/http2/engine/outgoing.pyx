# cython: language_level=3, boundscheck=False, initializedcheck=False
"""Outgoing data: the bodies that wait to be sent, and the bytes of the next write.

nghttp2 writes every frame except the payload of DATA. Its bytes are copied next to each other.
The payload goes from a stream's queue of buffers to the list for the transport, and is copied
only where a copy is cheaper than an entry of that list.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact
from cpython.object cimport PyObject
from libc.string cimport memcpy

cdef enum:
    # A smaller piece of a body is copied next to its frame header: cheaper than an entry of its
    # own in the vector of buffers for the transport.
    COPY_BELOW = 2048
    # The first buffer for bytes that are copied has this many bytes, later ones as many as the
    # former was filled with, up to the larger number.
    SMALL_BEGUN = 512
    SMALL_EXPECTED = 65536
    # Memory of a buffer besides its bytes: the object, and its entry in the queue.
    BUFFER_MEMORY = 64
    # Bytes of a request's body that are kept until it is answered, because it may be refused.
    MOST_KEPT = 65536


cdef extern from "Python.h":
    PyObject *PyBytes_FromStringAndSize(const char *, Py_ssize_t) except NULL
    int _PyBytes_Resize(PyObject **, Py_ssize_t) except -1
    char *bytes_of "PyBytes_AS_STRING"(PyObject *) noexcept
    void Py_DECREF(PyObject *)
    void Py_XDECREF(PyObject *)


@cython.no_gc  # it holds buffers: no cycle can go through it
@cython.freelist(256)
cdef class OutgoingBody:
    """The unsent body of a stream: a queue of buffers, and how the body ends.

    Most bodies are one buffer and need no list: `queue` has the buffers after `first`.
    """

    cdef Py_ssize_t add(self, object data) except -1:
        """Queue *data*, any buffer; return its size.

        `bytes` and read-only buffers are kept as they are, others are copied now.
        """
        cdef Py_ssize_t size
        if not PyBytes_CheckExact(data):
            view = memoryview(data)
            if view.readonly and view.c_contiguous:
                data = view.cast("B")
            else:
                data = bytes(view)
        size = len(data)
        if size:
            if self.first is None:
                self.first = data
            elif self.queue is None:
                self.queue = [data]
            else:
                self.queue.append(data)
            self.pending += size
            self.held += size + BUFFER_MEMORY
            if self.kept is not None:
                self.kept_size += size
                if self.kept_size <= MOST_KEPT:
                    self.kept.append(data)
                else:
                    self.kept = None
        return size

    cdef void drop(self) noexcept:
        """Discard the queued buffers."""
        self.first = self.queue = None
        self.pending = self.held = self.head = self.offset = 0

    cdef int _next(self) except -1:
        """Remove the first buffer, which was sent; the next one becomes the first."""
        self.held -= len(self.first) + BUFFER_MEMORY
        self.offset = 0
        if self.queue is None:
            self.first = None
            return 0
        self.first = self.queue[self.head]
        self.queue[self.head] = None
        self.head += 1
        if self.head == len(self.queue):
            self.queue = None
            self.head = 0
        elif self.head >= 64 and 2 * self.head > len(self.queue):
            del self.queue[:self.head]
            self.head = 0
        return 0


cdef class Output:
    """The bytes gathered for one write, as a list of buffers."""

    def __dealloc__(self):
        Py_XDECREF(self._small)

    cdef int begin(self, Py_ssize_t limit) except -1:
        """Begin a list of about *limit* bytes."""
        self._chunks = []
        self.gathered = 0
        self.limit = limit
        return 0

    cdef list take(self):
        """Return the list of all that was added since `begin`."""
        cdef list chunks
        self._flush_small()
        chunks = self._chunks
        self._chunks = None
        return chunks

    cdef int add(self, const void *data, Py_ssize_t length) except -1:
        """Add a copy of *data*."""
        if self._small_length + length > self._small_capacity:
            self._grow(self._small_length + length)
        memcpy(bytes_of(self._small) + self._small_length, data, length)
        self._small_length += length
        self.gathered += length
        return 0

    cdef int _grow(self, Py_ssize_t needed) except -1:
        """Make room for *needed* bytes in the object that is being filled."""
        cdef Py_ssize_t filled
        if self._small is NULL:
            needed = max(needed, self._expected, SMALL_BEGUN)
            self._small = PyBytes_FromStringAndSize(NULL, needed)
        else:
            needed = max(needed, 2 * self._small_capacity)
            filled = self._small_length
            self._small_length = self._small_capacity = 0  # nothing is left of it if memory is short
            _PyBytes_Resize(&self._small, needed)
            self._small_length = filled
        self._small_capacity = needed
        return 0

    cdef int add_body(self, OutgoingBody body, Py_ssize_t length) except -1:
        """Move *length* bytes from the front of *body* to the gathered bytes."""
        cdef object item
        cdef Py_buffer view
        cdef Py_ssize_t size, n
        while length > 0:
            item = body.first
            size = len(item)
            n = min(size - body.offset, length)
            if n < COPY_BELOW:
                if isinstance(item, bytes):
                    self.add(PyBytes_AS_STRING(item) + body.offset, n)
                else:
                    PyObject_GetBuffer(item, &view, PyBUF_SIMPLE)
                    try:
                        self.add(<char *>view.buf + body.offset, n)
                    finally:
                        PyBuffer_Release(&view)
            else:
                self._flush_small()
                if n == size:
                    self._chunks.append(item)
                else:
                    self._chunks.append(memoryview(item)[body.offset:body.offset + n])
                self.gathered += n
            length -= n
            body.pending -= n
            body.sent += n
            body.offset += n
            if body.offset == size:
                body._next()
        return 0

    cdef int _flush_small(self) except -1:
        cdef Py_ssize_t filled
        if self._small_length:
            filled = self._small_length
            self._small_length = self._small_capacity = 0
            _PyBytes_Resize(&self._small, filled)
            self._expected = min(filled, SMALL_EXPECTED)
            self._chunks.append(<object>self._small)
            Py_DECREF(self._small)
            self._small = NULL
        return 0
