# cython: language_level=3, boundscheck=False, initializedcheck=False
"""Outgoing data: the bodies that wait to be sent, and the bytes of the next write.

nghttp2 writes every frame except the payload of DATA. Its bytes are copied next to each other.
The payload goes from a stream's queue of buffers to the socket, and is copied only
where a copy is cheaper than an entry of the vector of buffers for it.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.memoryview cimport PyMemoryView_GET_BUFFER
from cpython.object cimport PyObject
from libc.errno cimport EAGAIN, EINTR, ENOBUFS, errno
from libc.string cimport memcpy, memset

from os import strerror

cdef extern from *:
    """
    #include <sys/socket.h>
    #include <sys/uio.h>
    #ifndef MSG_NOSIGNAL
    #define MSG_NOSIGNAL 0  /* macOS; Python ignores SIGPIPE */
    #endif
    """
    cdef struct iovec:
        void *iov_base
        size_t iov_len
    cdef struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    int MSG_DONTWAIT
    int MSG_NOSIGNAL
    ssize_t sendmsg(int fd, const msghdr *message, int flags) nogil

cdef enum:
    # A smaller piece of a body is copied next to its frame header: cheaper than an entry of its
    # own in the vector of buffers for the socket.
    COPY_BELOW = 2048
    # Memory of a buffer besides its bytes: the object, and its entry in the queue.
    BUFFER_MEMORY = 64
    # Bytes of a request's body that are kept until it is answered, because it may be refused.
    MOST_KEPT = 65536
    # Bytes that `Output.send` gathers for one call; up to the latter while the socket takes all.
    BATCH = 262144
    LARGEST_BATCH = 1048576
    # A call with fewer bytes keeps the interpreter's lock: no other thread could do much meanwhile.
    COPIED_WITH_LOCK = 65536
    # Pieces that one call takes; the system's limit (IOV_MAX) is 1024.
    MOST_AT_ONCE = 512
    # Room that is kept for what is gathered next, on any connection: bytes and pieces.
    SMALL_KEPT = 65536
    PIECES_KEPT = 1024

cdef list NOTHING = []

# The room that the last write took. A connection borrows it while it gathers and writes, so that
# an idle one has none; another thread finds NULL meanwhile, and allocates its own.
cdef char *spare_small = NULL
cdef Py_ssize_t spare_small_capacity = 0
cdef Piece *spare_pieces = NULL
cdef Py_ssize_t spare_pieces_capacity = 0


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
    """The bytes that are being gathered for one write: pieces of buffers, in their order.

    They go to a socket as they are (`send`), or to a transport as a list of buffers (`take`).
    """

    def __cinit__(self):
        self.batch = BATCH

    def __dealloc__(self):
        PyMem_Free(self._small)
        PyMem_Free(self._pieces)

    cdef int begin(self, Py_ssize_t limit) except -1:
        """Begin to gather some *limit* bytes; `take` or `send` must follow."""
        global spare_small, spare_small_capacity, spare_pieces, spare_pieces_capacity
        self._clear()
        self._small, self._small_capacity = spare_small, spare_small_capacity
        self._pieces, self._capacity = spare_pieces, spare_pieces_capacity
        spare_small = NULL
        spare_pieces = NULL
        spare_small_capacity = spare_pieces_capacity = 0
        self.gathered = 0
        self.limit = limit
        return 0

    cdef list take(self):
        """Return the list of all that was added since `begin`."""
        cdef list chunks = self._rest(0, 0)
        self._clear()
        return chunks

    cdef list send(self, int fd):
        """Write what was added since `begin` to the socket *fd*; return what it did not take.

        Never waits. Raises `OSError`.
        """
        cdef Py_ssize_t first = 0, taken = 0
        cdef int code = 0
        cdef list rest = NOTHING
        if self.gathered < COPIED_WITH_LOCK:
            while first < self._count and self._send_some(fd, &first, &taken, &code):
                pass
        else:
            with nogil:
                while first < self._count and self._send_some(fd, &first, &taken, &code):
                    pass
        if code:
            self._clear()
            raise OSError(code, strerror(code))
        if first < self._count:
            rest = self._rest(first, taken)
            self.batch = BATCH
        elif self.gathered >= self.batch:
            # the peer reads this fast: each call costs the kernel as much as some 30 KiB,
            # and wakes the peer
            self.batch = min(2 * self.batch, LARGEST_BATCH)
        self._clear()
        return rest

    cdef bint _send_some(
        self, int fd, Py_ssize_t *first, Py_ssize_t *taken, int *code
    ) noexcept nogil:
        """Write up to MOST_AT_ONCE pieces from *first* on; return whether all were taken.

        Then *first* is the one behind them; otherwise the one of which *taken* bytes have gone,
        and *code* is the number of the error, if it was one.
        """
        cdef iovec[MOST_AT_ONCE] vector
        cdef msghdr message
        cdef Py_ssize_t count = 0, size = 0
        cdef ssize_t sent
        cdef Piece *piece
        while count < MOST_AT_ONCE and first[0] + count < self._count:
            piece = &self._pieces[first[0] + count]
            vector[count].iov_base = <void *>self._place(piece)
            vector[count].iov_len = piece.length
            size += piece.length
            count += 1
        memset(&message, 0, sizeof(message))
        message.msg_iov = vector
        message.msg_iovlen = count
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent == size:
            first[0] += count
            return True
        if sent < 0:
            if errno not in (EAGAIN, EINTR, ENOBUFS):
                code[0] = errno
            return False
        while sent >= self._pieces[first[0]].length:
            sent -= self._pieces[first[0]].length
            first[0] += 1
        taken[0] = sent
        return False

    cdef const char *_place(self, Piece *piece) noexcept nogil:
        return self._small + piece.start if piece.data is NULL else piece.data

    cdef list _rest(self, Py_ssize_t first, Py_ssize_t skipped):
        """Return the pieces from *first* on as buffers, without the first *skipped* bytes."""
        cdef list chunks = []
        cdef Piece *piece
        cdef Py_ssize_t index, start, length
        cdef object item
        for index in range(first, self._count):
            piece = &self._pieces[index]
            start = piece.start + skipped
            length = piece.length - skipped
            skipped = 0
            if piece.item is NULL:
                chunks.append(PyBytes_FromStringAndSize(self._small + start, length))
                continue
            item = <object>piece.item
            if length == len(item):
                chunks.append(item)
            else:
                chunks.append(memoryview(item)[start:start + length])
        return chunks

    cdef void _clear(self) noexcept:
        """Forget the gathered data, and return the room for it."""
        global spare_small, spare_small_capacity, spare_pieces, spare_pieces_capacity
        # released at the end: that may run code of the application
        items = self._items
        self._items = None
        self._count = 0
        self._small_length = 0
        if spare_small is NULL and self._small_capacity <= SMALL_KEPT:
            spare_small, spare_small_capacity = self._small, self._small_capacity
        else:
            PyMem_Free(self._small)
        if spare_pieces is NULL and self._capacity <= PIECES_KEPT:
            spare_pieces, spare_pieces_capacity = self._pieces, self._capacity
        else:
            PyMem_Free(self._pieces)
        self._small = NULL
        self._pieces = NULL
        self._small_capacity = self._capacity = 0

    cdef Piece *_new_piece(self) except NULL:
        """Return another piece, behind the others."""
        cdef Piece *grown
        cdef Py_ssize_t capacity
        if self._count == self._capacity:
            capacity = max(2 * self._capacity, 16)
            grown = <Piece *>PyMem_Realloc(self._pieces, capacity * sizeof(Piece))
            if grown is NULL:
                raise MemoryError
            self._pieces = grown
            self._capacity = capacity
        self._count += 1
        return &self._pieces[self._count - 1]

    cdef int add(self, const void *data, Py_ssize_t length) except -1:
        """Add a copy of *data*."""
        cdef char *grown
        cdef Piece *piece
        cdef Py_ssize_t needed = self._small_length + length
        if needed > self._small_capacity:
            needed = max(needed, 2 * self._small_capacity, 4096)
            grown = <char *>PyMem_Realloc(self._small, needed)
            if grown is NULL:
                raise MemoryError
            self._small = grown
            self._small_capacity = needed
        if self._count and self._pieces[self._count - 1].item is NULL:
            self._pieces[self._count - 1].length += length
        else:
            piece = self._new_piece()
            piece.data = NULL
            piece.item = NULL
            piece.start = self._small_length
            piece.length = length
        memcpy(self._small + self._small_length, data, length)
        self._small_length += length
        self.gathered += length
        return 0

    cdef int add_part(
        self, object item, const char *start, Py_ssize_t begin, Py_ssize_t length
    ) except -1:
        """Add *length* bytes from *begin* on of the buffer *item*, whose memory is at *start*.

        They are copied if that is cheaper, else *item* must not change before they are sent.
        """
        cdef Piece *piece
        if length < COPY_BELOW:
            return self.add(start + begin, length)
        if self._items is None:
            self._items = [item]
        elif self._items[len(self._items) - 1] is not item:
            self._items.append(item)
        piece = self._new_piece()
        piece.data = start + begin
        piece.item = <PyObject *>item
        piece.start = begin
        piece.length = length
        self.gathered += length
        return 0

    cdef int add_body(self, OutgoingBody body, Py_ssize_t length) except -1:
        """Move *length* bytes from the front of *body* to what is being gathered."""
        cdef object item
        cdef const char *start
        cdef Py_ssize_t size, n
        while length > 0:
            item = body.first
            # `OutgoingBody.add` accepts no other types
            if PyBytes_CheckExact(item):
                start = PyBytes_AS_STRING(item)
            else:
                start = <const char *>PyMemoryView_GET_BUFFER(item).buf
            size = len(item)
            n = min(size - body.offset, length)
            self.add_part(item, start, body.offset, n)
            length -= n
            body.pending -= n
            body.sent += n
            body.offset += n
            if body.offset == size:
                body._next()
        return 0
