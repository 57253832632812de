# cython: language_level=3
"""What a stream's `Receiver` has, and does with each chunk: see `http2.streams.compiled.base`."""

from http2.streams.compiled.life_state cimport Life

from collections import deque

from http2.common.members import add_members

# Number of chunks above which they are in a deque; most often there is one, and a list is faster.
cdef Py_ssize_t MANY_CHUNKS = 64
# Above this number, short chunks are joined to the preceding one.
cdef Py_ssize_t SMALL_CHUNK = 4096


cdef class ReceiverBase:
    """The unread bytes of a stream; see `receiver_base.pyi`."""

    def __cinit__(self):
        # all others are None
        self.reported = 0
        self.did_read = False
        self._flow_scheduled = False

    def __init__(self, bytes data=b""):
        self.chunks = [data] if data else []
        self.size = len(data)

    # --- what arrives -------------------------------------------------------------------

    def receive(self, stream, bytes data not None, bint end):
        """Accept *data* from the peer; *end* says that these are its last bytes."""
        receive(self, stream, data, end)

    def finish(self, stream):
        """End the stream's reading if the peer has sent its last byte, and all is read."""
        finish(self, stream)

    # --- what is read -------------------------------------------------------------------

    def _take_all(self, stream):
        """Remove and return the unread bytes."""
        return take_all(self, stream)

    def _take_chunk(self, stream):
        """Remove and return the oldest chunk."""
        cdef bytes data = pop(self)
        if self.reported:
            report(self, stream, len(data))
        else:
            stream.consumed(len(data))
        return data

    def _take(self, stream, Py_ssize_t n):
        """Remove and return at most *n* unread bytes."""
        cdef list parts
        cdef bytes head
        cdef Py_ssize_t left = n
        if n >= <Py_ssize_t>self.size:
            return take_all(self, stream)
        parts = []
        while left:
            head = pop(self)
            if len(head) > left:
                self.chunks.insert(0, head[left:])
                self.size += len(head) - left
                head = head[:left]
            parts.append(head)
            left -= len(head)
        report(self, stream, n)
        return parts[0] if len(parts) == 1 else b"".join(parts)


add_members(
    ReceiverBase,
    "chunks", "size", "reported", "did_read", "flowing", "_flow_scheduled", "_decoder", "_reader",
    "_end_waiters",
)


cdef int receive(ReceiverBase receiver, object stream, bytes data, bint end) except -1:
    """Do what `ReceiverBase.receive` says."""
    cdef object reader
    if data:
        if receiver.flowing and not receiver.size:
            receiver._pass_on(stream, data, end)
            return 0
        append(receiver, data)
    if end:
        receiver._peer_ended(stream)
    reader = receiver._reader
    if reader is not None:
        receiver._reader = None
        if not reader.done():
            reader.set_result(None)
    elif receiver.flowing:
        receiver._flow_soon(stream)
    return 0


cdef int append(ReceiverBase receiver, bytes data) except -1:
    """Add *data* to the unread bytes."""
    cdef object chunks = receiver.chunks
    cdef Py_ssize_t size = len(data)
    if (
        size < SMALL_CHUNK and len(chunks) >= MANY_CHUNKS and len(chunks[-1]) < SMALL_CHUNK
    ):
        # one object for each of many small frames would use more memory than their bytes
        chunks[-1] += data
    else:
        chunks.append(data)
    receiver.size = <Py_ssize_t>receiver.size + size
    return 0


cdef bytes pop(ReceiverBase receiver):
    """Remove and return the oldest chunk."""
    cdef object chunks = receiver.chunks
    cdef bytes data
    if type(chunks) is list:
        data = (<list>chunks).pop(0)
        if len(<list>chunks) > MANY_CHUNKS:
            # many small frames: each removal would move the whole list
            receiver.chunks = deque(chunks)
    else:
        data = chunks.popleft()
    receiver.size = <Py_ssize_t>receiver.size - len(data)
    return data


cdef bytes take_all(ReceiverBase receiver, object stream):
    """Do what `ReceiverBase._take_all` says."""
    cdef Py_ssize_t size = receiver.size
    cdef object chunks
    if not size:
        return b""
    chunks = receiver.chunks
    receiver.chunks = []
    receiver.size = 0
    if receiver.reported:
        size -= <Py_ssize_t>receiver.reported
        receiver.reported = 0
    stream.consumed(size)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


cdef int report(ReceiverBase receiver, object stream, Py_ssize_t size) except -1:
    """Report *size* bytes from the front as read, unless they were reported before."""
    cdef Py_ssize_t again = min(<Py_ssize_t>receiver.reported, size)
    receiver.reported = <Py_ssize_t>receiver.reported - again
    stream.consumed(size - again)
    return 0


cdef int finish(ReceiverBase receiver, object stream) except -1:
    """Do what `ReceiverBase.finish` says."""
    cdef Life life = <Life?>stream.life
    if life.read_ended is True and life.readable_ended is False and not receiver.size:
        rest = ""
        if receiver._decoder is not None and receiver.flowing:
            rest = receiver._decoder.decode(b"", True)
        stream.all_read(rest)
    return 0
