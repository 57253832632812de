# cython: language_level=3
"""What a server's session does in each request, compiled: see `http2.streams.compiled.base`."""

from http2.engine.connection cimport Connection
from http2.sessions.compiled.session_base cimport SessionBase
from http2.streams.compiled.base cimport ServerStreamBase, new_server_stream

from http2.common.members import add_members
from http2.sessions.parts.request_queue import RequestQueue
from http2.streams.server_stream import ServerHttp2Stream

cdef int END_STREAM = 0x1


cdef class ServerSessionBase(SessionBase):
    """The same of a server's session."""

    def hand_out(self, stream, headers, flags):
        """Pass a request to its handlers."""
        hand_out(self, stream, headers, flags)


add_members(ServerSessionBase, "_server")


def raw_headers(tuple args not None):
    """Return the last argument of ``stream``, from the arguments before it."""
    return args[1].raw


cdef int hand_out(
    ServerSessionBase session, object stream, object headers, object flags
) except -1:
    cdef object arity
    if session._listeners is not None and "stream" in session._listeners:
        session.emit_late("stream", (stream, headers, flags), raw_headers)
    server = session._server
    if server is None:
        return 0
    found = (<dict?>server.everyday).get("stream")
    if found is None:
        server.emit_late("stream", (stream, headers, flags), raw_headers)
        return 0
    listener, arity = <tuple?>found
    try:
        if arity == 2:
            result = listener(stream, headers)
        elif 0 <= arity <= 3:
            result = listener(*(stream, headers, flags)[:arity])
        else:
            result = listener(stream, headers, flags, headers.raw)
    except Exception as error:
        server.listener_raised(error, "stream", (stream,))
    else:
        if result is not None:
            server.returned(result, "stream", (stream,), stream)
    return 0


def on_request(ServerSessionBase session not None, stream_id, headers, flags):
    """Handle the event REQUEST: create the stream, and pass it to its handlers."""
    cdef ServerStreamBase stream
    stream = new_server_stream(ServerHttp2Stream, session, stream_id, headers, flags)
    (<dict?>session.streams)[stream_id] = stream
    queue = session.queue
    if <int>flags & END_STREAM:
        if (queue is None or not queue.waiting) and (<Connection?>session.engine).admit():
            hand_out(session, stream, headers, flags)
            return
    # The part of its body in the same read is available when its handler begins. The request
    # may also have to wait for room.
    if queue is None:
        queue = session.queue = RequestQueue()
    queue.add(stream, headers, flags)
