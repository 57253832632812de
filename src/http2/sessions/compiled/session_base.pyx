# cython: language_level=3
"""What a session has and does in each request, compiled: see `http2.streams.compiled.base`."""

from http2.engine.connection cimport Connection
from http2.net.outlet cimport Outlet
from http2.streams.compiled.base cimport ServerStreamBase, end_over

from http2.common.members import add_members


cdef enum:
    # Batches of up to 1 MiB that a session writes in one turn of the loop.
    BATCHES_AT_ONCE = 16

# Never changed in place.
cdef dict NO_ADDRESSES = {}


cdef class SessionBase(OwnerBase):
    """The attributes of a session of either role.

    All of them are fields, not only those that each request reads: an instance whose attributes
    are all fields has no ``__dict__``, which would be most of an idle session's memory.
    """

    def __cinit__(self):
        # all others are None
        self.destroyed = False
        self.closed = False
        self._flush_scheduled = False
        self.streams = {}
        self._watched = False
        self.told = False
        self.connecting = True
        self.write_paused = False
        self.addresses = NO_ADDRESSES
        self.origins = ()
        self._early = ()

    def hand_out(self, stream, headers, flags):
        """Pass a request to its handlers, on a server."""

    def received(self, data):
        """Handle received bytes: dispatch their events, then write the resulting output."""
        if self.engine is None:
            self.ending.heard()
            return
        if self._timer is not None:
            self._timer.touch()
        self.in_batch = True
        try:
            dispatch(self, (<Connection?>self.engine).receive(data))
            if self.queue is not None:
                self.queue.hand_out(self)
        finally:
            self.in_batch = False
        flush(self)

    def wake(self):
        """Send queued data after the batch, or in the next turn of the loop."""
        wake(self)

    def flush(self):
        """Write the engine's output, and handle the events of its sending."""
        flush(self)

    def _dispatch(self, list batch not None):
        """Handle each event of *batch*, until the session is destroyed."""
        dispatch(self, batch)


cdef int dispatch(SessionBase session, list batch) except -1:
    """Handle each event of *batch*, until the session is destroyed."""
    cdef list handlers = <list?>session.handlers.current
    cdef tuple event
    for item in batch:
        event = <tuple?>item
        handlers[<int>event[0]](session, event[1], event[2], event[3])
        if session.destroyed is not False:
            break
    return 0


cdef int wake(SessionBase session) except -1:
    """Send queued data after the batch, or in the next turn of the loop."""
    if not session.in_batch and not session._flush_scheduled:
        session._flush_scheduled = True
        session.loop.call_soon(session.flush)
    return 0


cdef int flush(SessionBase session) except -1:
    """Write the engine's output, and handle the events of its sending."""
    cdef Connection connection
    cdef object transport = session.transport
    cdef list batch
    cdef bint wrote
    cdef int _
    session._flush_scheduled = False
    if session.engine is None or transport is None:
        return 0
    connection = <Connection?>session.engine
    for _ in range(BATCHES_AT_ONCE):
        # a failed transport reports it later, and logs each write until then
        if session.write_paused or transport.is_closing():
            break
        wrote = (<Outlet?>session._outlet).empty(connection)
        batch = connection.take_events()
        if batch:
            session.in_batch = True
            try:
                dispatch(session, batch)
            finally:
                session.in_batch = False
            if session.engine is None:
                return 0
        elif not wrote or not connection.batch_was_full:
            break
    else:
        # the peer reads as fast as this side writes; other connections have a turn
        wake(session)
    queue = session.queue
    if queue is not None and queue.waiting:
        queue.flushed(session)
    if session.closed:
        session.end_if_idle()
    if connection.has_nothing_left() and not session.ending.noticed:
        # nghttp2 has sent its last GOAWAY
        session.destroy()
    return 0


add_members(
    SessionBase,
    "_listeners", "_tasks", "_watched", "told",
    "_destroyed", "_closed", "streams", "queue", "handlers", "upkeep", "_timer",
    "_flush_scheduled", "options", "settings_exchange", "transport", "addresses", "connecting",
    "encrypted", "alpn_protocol", "ending", "write_paused", "origins", "pings", "_outlet",
    "_early",
    readable={"destroyed": "_destroyed", "closed": "_closed"},
    docs={
        "destroyed": "Whether the session can no longer be used.",
        "connecting": "Whether the connection is not established yet.",
        "encrypted": "Whether the connection uses TLS; None before it is established.",
        "alpn_protocol": (
            "``'h2'`` over TLS, ``'h2c'`` in the clear, None before the connection is established."),
        "closed": "Whether `close` was called, or the peer's GOAWAY had the same effect.",
    },
)


def on_data(SessionBase session not None, stream_id, data, end):
    """Handle the event DATA."""
    stream = (<dict?>session.streams).get(stream_id)
    if stream is not None:
        stream.receive_data(data, end)
    elif data and session.engine is not None:
        session.engine.consume(stream_id, len(data))


def on_stream_closed(SessionBase session not None, stream_id, code, unsent):
    """Handle the event STREAM_CLOSED."""
    stream = (<dict?>session.streams).pop(stream_id, None)
    if stream is None:
        return
    if isinstance(stream, ServerStreamBase):
        end_over(<ServerStreamBase>stream, code, unsent)
    else:
        stream.over(code, unsent)
