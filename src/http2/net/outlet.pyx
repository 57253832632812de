# cython: language_level=3
"""Define `Outlet`, which writes the output of a connection, of either protocol.

If the transport only passes data on to a socket, the engine writes to the socket itself, in one
system call: that needs no object for each frame, and joins no data. The transport gets only the
data that the socket does not accept, and waits until it does.
"""

from http2.net.protocol import writelines_of

__all__ = ["Outlet"]

# The transports that only pass data on to their socket, unchanged.
cdef frozenset BARE = frozenset({
    ("asyncio.selector_events", "_SelectorSocketTransport"),
    ("uvloop.loop", "TCPTransport"),
    ("uvloop.loop", "UnixTransport"),
})


cdef int descriptor_of(object transport) except -2:
    """Return the descriptor of *transport*'s socket if it may be written to directly; else -1."""
    cdef object kind = type(transport)
    if (kind.__module__, kind.__name__) not in BARE or transport.is_closing():
        return -1
    sock = transport.get_extra_info("socket")
    return -1 if sock is None else sock.fileno()


cdef class Outlet:
    """Writes the output of an engine to *transport*, see `outlet.pyi`."""

    def __init__(self, transport):
        # The transport may have data to write.
        self.busy = True
        self.transport = transport
        self.writelines = writelines_of(transport)
        self.descriptor = descriptor_of(transport)
        if self.descriptor >= 0:
            # Pause the protocol while the transport has data to write: data that is written to the
            # socket meanwhile would overtake it.
            transport.set_write_buffer_limits(0)

    def write_from(self, engine):
        return self.empty(engine)

    cdef bint empty(self, object engine) except -1:
        """Do what `write_from` says."""
        cdef object chunks
        if self.busy and not self.transport.get_write_buffer_size():
            self.busy = False
        if self.descriptor >= 0 and not self.busy:
            try:
                chunks = engine.send(self.descriptor)
            except OSError as error:
                self.error = error
                self.transport.abort()
                return False
            if chunks is None:
                return False
        else:
            chunks = engine.data_to_send()
            if not chunks:
                return False
        if chunks:
            self.pass_on(chunks)
        return True

    def release(self):
        if self.descriptor >= 0:
            self.descriptor = -1
            self.transport.set_write_buffer_limits()

    def write(self, chunks):
        self.pass_on(chunks)

    cdef int pass_on(self, object chunks) except -1:
        """Do what `write` says."""
        self.writelines(self.transport, chunks)
        self.busy = True
        return 0
