# cython: language_level=3
"""What a session has and does in each request, compiled: see `http2.streams.compiled.base`."""

from http2.streams.compiled.base cimport ServerStreamBase, end_over

from http2.common.members import add_members


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

    def _dispatch(self, list batch not None):
        """Handle each event of *batch*, until the session is destroyed."""
        cdef list handlers = <list?>self.handlers.current
        cdef tuple event
        for item in batch:
            event = <tuple?>item
            handlers[<int>event[0]](self, event[1], event[2], event[3])
            if self.destroyed is not False:
                break


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
