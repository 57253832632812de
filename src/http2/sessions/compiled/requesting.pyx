# cython: language_level=3, annotation_typing=False
"""What a client's session does in each request, compiled: see `http2.streams.compiled.client_base`."""

from http2.engine.connection cimport Connection
from http2.sessions.compiled.session_base cimport SessionBase
from http2.streams.compiled.client_base cimport (
    ClientStreamBase,
    new_client_stream,
    receive_response,
    receive_whole,
)
from http2.streams.compiled.life_state cimport Life

from inspect import isawaitable

from http2.common.checks import check_bool
from http2.common.members import add_members
from http2.errors import new_error
from http2.headers import kept_headers
from http2.sessions.parts.event_table import one_after_another
from http2.sessions.compiled.session_base import on_data, on_stream_closed
from http2.streams.compiled.client_base import DEFAULT_PRIORITY, SENT
from http2.streams.client_stream import ClientHttp2Stream
from http2.streams.life import LIVE
from http2.streams.priority import check_priority

cdef Life live = LIVE
cdef Life sent = SENT
cdef tuple default_priority = DEFAULT_PRIORITY
# the defaults, which CPython has one object for each of
cdef object ROOT = DEFAULT_PRIORITY[0]
cdef object USUAL_WEIGHT = DEFAULT_PRIORITY[1]

# Requests of one turn of the loop that are sent without waiting for its end.
cdef enum:
    REQUESTS_AT_ONCE = 32

cdef object data_and_end = one_after_another(on_data, on_stream_closed)


cdef class ClientSessionBase(SessionBase):
    """The attributes and the common way of a client's requests; see `requesting.pyi`."""

    def request(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        end_stream: bool | None = None,
        exclusive: bool = False,
        parent: int = 0,
        weight: int = 16,
        wait_for_trailers: bool = False,
        signal: Awaitable[object] | None = None,
    ) -> ClientHttp2Stream:
        """Send a request; return its stream at once.

        By default, ``:method`` is GET, ``:path`` is ``/``, and ``:scheme`` and ``:authority`` are
        those of `connect`. *end_stream* says that there is no
        body; the default is True for GET, HEAD and DELETE. Requests wait until the connection is
        established, and while the peer's MAX_CONCURRENT_STREAMS is reached.
        *parent*, *weight* (1 to 256) and *exclusive* are the RFC 7540 priority. With
        *wait_for_trailers*, ``want_trailers`` is emitted after the body. If the
        awaitable *signal* completes, the request is aborted with CANCEL and ABORT_ERR.

        Raises ERR_HTTP2_INVALID_SESSION, ERR_HTTP2_GOAWAY_SESSION, the errors of the
        header rules and of CONNECT, ERR_HTTP2_OUT_OF_STREAMS,
        ERR_HTTP2_STREAM_SELF_DEPENDENCY, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """
        cdef ClientStreamBase stream
        if self.destroyed is not False:
            raise new_error("ERR_HTTP2_INVALID_SESSION", retryable=True)
        if self.closed is not False:
            raise new_error("ERR_HTTP2_GOAWAY_SESSION", retryable=True)
        # omitted arguments cost as little as possible
        if end_stream is not None and end_stream is not True:
            check_bool("end_stream", end_stream)
        if wait_for_trailers is not False:
            check_bool("wait_for_trailers", wait_for_trailers)
        cdef tuple priority = default_priority
        if weight is not USUAL_WEIGHT or parent is not ROOT or exclusive is not False:
            check_priority(weight=weight, parent=parent, exclusive=exclusive)
            priority = parent, weight, exclusive
        if signal is not None and not isawaitable(signal):
            raise new_error("ERR_INVALID_ARG_TYPE", "signal", "an awaitable", signal)
        if headers is not None and type(headers) is not dict:
            # it may be an iterator, or change before it is read again
            headers = kept_headers(headers)
        if self.engine is None:
            stream = self._request_later(headers, end_stream, wait_for_trailers, priority)
        else:
            stream = send(self, headers, end_stream, wait_for_trailers, priority)
            if self.in_batch is False:
                if self._flush_scheduled is False:
                    self.wake()
                elif not (<Connection>self.engine).queued_frames() % REQUESTS_AT_ONCE:
                    # the server works on the first ones while the program makes the others
                    self.send_now()
        deadlines = self.upkeep.deadlines
        if deadlines is not None:
            deadlines.began(stream)
        if signal is not None:
            stream.abort_with(signal)
        if self._timer is not None:
            self._timer.touch()
        return stream


add_members(
    ClientSessionBase,
    "_authority", "_scheme", "wakes",
    readable={"authority": "_authority", "scheme": "_scheme"},
)


cdef ClientStreamBase send(
    ClientSessionBase session, object headers, object end_stream, bint wait_for_trailers,
    tuple priority,
):
    """Queue a request on the established connection; return its stream."""
    cdef ClientStreamBase stream
    cdef Life life = live
    cdef tuple result
    result = (<Connection?>session.engine).submit_request(
        headers, session.authority, session.scheme, end_stream, wait_for_trailers,
        priority[0], priority[1], priority[2])
    if result[2]:
        life = live.on_end if wait_for_trailers else sent
    stream = new_client_stream(ClientHttp2Stream, session, result[0], life, result[1], priority)
    (<dict?>session.streams)[result[0]] = stream
    return stream


def on_response(SessionBase session not None, stream_id, headers, flags):
    """Handle the event RESPONSE."""
    stream = (<dict?>session.streams).get(stream_id)
    if stream is not None:
        receive_response(<ClientStreamBase?>stream, headers, flags)


def on_last_data(SessionBase session not None, stream_id, bytes data, _):
    """Handle the event LAST_DATA: the rest of a body, and the end of its stream."""
    cdef dict streams = <dict?>session.streams
    stream = streams.get(stream_id)
    if stream is not None and receive_whole(<ClientStreamBase?>stream, data):
        del streams[stream_id]
    else:
        data_and_end(session, stream_id, data, None)
