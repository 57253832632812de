"""Implement server push (RFC 9113 section 8.4): promises that are sent and received.

A server's session gets a `Pushes` with its first push, which adds a layer over its
handlers, so that sessions without pushes pay nothing. A client's session uses
`receive_promise`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ..common.handover import Handover
from ..constants import (
    NGHTTP2_CANCEL,
    NGHTTP2_FLAG_END_HEADERS,
    NGHTTP2_PROTOCOL_ERROR,
    NGHTTP2_REFUSED_STREAM,
    NGHTTP2_SETTINGS_ENABLE_PUSH,
    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
)
from ..engine.events import FRAME_NOT_SENT, SETTINGS, STREAM_CLOSED, Handlers
from ..errors import Http2Error, NghttpError, new_error, stream_error
from ..headers import Headers, OutgoingHeaders, headers_as_sent, kept_headers
from ..net.origins import covers
from ..settings import Settings
from .client_stream import ClientHttp2Stream
from .life import LIVE
from .priority import check_priority

if TYPE_CHECKING:
    import asyncio

    from ..sessions.client_session import ClientHttp2Session
    from ..sessions.server_session import ServerHttp2Session
    from .server_stream import ServerHttp2Stream

    Promise = asyncio.Future[tuple[ServerHttp2Stream, Headers]]

__all__ = ["Pushes", "is_allowed", "promise", "receive_promise", "want_again"]

FRAME_PUSH_PROMISE = 5
# nghttp2's errors for states in which no promise is possible, as opposed to invalid headers.
_CANT_PROMISE = frozenset({"ERR_HTTP2_OUT_OF_STREAMS", "ERR_HTTP2_INVALID_STREAM"})
# After this number of unwanted promises, the client asks the server to stop: servers end a
# connection because of too many resets (nghttp2 and Node after 1,000 at once).
UNWANTED = 100
# Methods of promised requests: safe, cacheable and without a body.
_PUSHABLE = frozenset({"GET", "HEAD"})


# --- a server's promises --------------------------------------------------------------------


class Pushes:
    """The pushed streams of a server's session, and those that wait for the client's limit.

    A promise may be sent at any time, but the response to it opens a stream, of which
    the client allows MAX_CONCURRENT_STREAMS (RFC 9113 section 5.1.2).
    """

    def __init__(self, session: ServerHttp2Session) -> None:
        self._session = session
        self._open: set[int] = set()
        self._waiting: deque[tuple[ServerHttp2Stream, Headers, Promise]] = deque()
        session.add_layer(self._lay)

    def _lay(self, handlers: Handlers) -> None:
        """Register handlers for the events of pushes."""
        self._stream_closed = handlers[STREAM_CLOSED]
        self._settings = handlers[SETTINGS]
        self._frame_not_sent = handlers[FRAME_NOT_SENT]
        handlers[STREAM_CLOSED] = lambda _, *event: self._on_stream_closed(*event)
        handlers[SETTINGS] = lambda _, *event: self._on_settings(*event)
        handlers[FRAME_NOT_SENT] = lambda _, *event: self._on_frame_not_sent(*event)

    def add(self, stream: ServerHttp2Stream, headers: Headers, future: Promise) -> None:
        """Add a promised stream; *future* is done when its response may begin."""
        self._waiting.append((stream, headers, future))
        self._grant()
        if not future.done():
            future.add_done_callback(lambda done: self._given_up(stream, done))

    def _given_up(self, stream: ServerHttp2Stream, future: Promise) -> None:
        if future.cancelled():
            self._waiting = deque(entry for entry in self._waiting if entry[2] is not future)
            stream.close(NGHTTP2_CANCEL)

    def _grant(self) -> None:
        connection = self._session.engine
        if connection is None or connection.closed:
            return
        limit = connection.remote_setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        while self._waiting and len(self._open) < limit:
            stream, headers, future = self._waiting.popleft()
            assert stream.id is not None
            self._open.add(stream.id)
            if not future.done():
                future.set_result((stream, headers))

    def _on_stream_closed(self, stream_id: int, code: int, unsent: int | None) -> None:
        if not stream_id & 1:
            for entry in self._waiting:
                if entry[0].id == stream_id:
                    # the application does not have the stream yet: the future reports its end
                    self._waiting.remove(entry)
                    entry[0].error_seen = True
                    if not entry[2].done():
                        entry[2].set_exception(stream_error(code, stream_id))
                    break
        self._stream_closed(self._session, stream_id, code, unsent)
        if stream_id in self._open:
            self._open.remove(stream_id)
            self._grant()

    def _on_settings(self, stream_id: int, pairs: object, second: object) -> None:
        self._settings(self._session, stream_id, pairs, second)
        self._grant()

    def _on_frame_not_sent(self, stream_id: int, frame_type: int, code: int) -> None:
        if frame_type != FRAME_PUSH_PROMISE:
            self._frame_not_sent(self._session, stream_id, frame_type, code)
            return
        # the parent stream has ended, or the client's settings have changed
        stream = self._session.streams.pop(stream_id, None)
        if stream is not None:
            stream._shut(stream.life.on_broken, NGHTTP2_REFUSED_STREAM)
            stream._leave(None)
        self._on_stream_closed(stream_id, NGHTTP2_REFUSED_STREAM, None)

    def cancel(self) -> None:
        """Cancel all pending pushes: the session ends."""
        waiting, self._waiting = self._waiting, deque()
        for stream, _, future in waiting:
            stream.error_seen = True
            if not future.done():
                future.set_exception(new_error("ERR_HTTP2_STREAM_CANCEL"))
        # the handlers hold this object, and it holds the session
        self._session.remove_layer(self._lay)


def is_allowed(stream: ServerHttp2Stream) -> bool:
    """Return whether *stream* may push: see `ServerHttp2Stream.push_allowed`."""
    session: Any = stream._session
    connection = session.engine
    return (
        not stream.life.closed
        and not session.closed
        and not session.destroyed
        and connection is not None
        and connection.remote_setting(NGHTTP2_SETTINGS_ENABLE_PUSH) != 0
        and connection.remote_setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) != 0
    )


def promise(
    parent: ServerHttp2Stream, headers: OutgoingHeaders | None, exclusive: bool, depends_on: int
) -> Promise:
    """Promise a response on *parent*: see `ServerHttp2Stream.push_stream`."""
    if not is_allowed(parent):
        raise new_error("ERR_HTTP2_PUSH_DISABLED")
    assert parent.id is not None
    if not parent.id & 1:
        raise new_error("ERR_HTTP2_NESTED_PUSH")
    check_priority(parent=depends_on, exclusive=exclusive)
    session: Any = parent._session
    connection = session.engine
    assert connection is not None
    request = parent._request
    authority = request.get(":authority") or request.get("host", "")
    scheme = request.get(":scheme") or ("https" if session.encrypted else "http")
    if headers is not None:
        headers = kept_headers(headers)  # they are read twice
    future: Promise = Handover(lambda made: made[0].close(NGHTTP2_CANCEL), loop=session.loop)
    try:
        promised, method = connection.submit_push_promise(
            parent.id, headers, authority, scheme, depends_on, exclusive
        )
    except Http2Error as error:
        if isinstance(error, NghttpError) or error.code in _CANT_PROMISE:
            future.set_exception(error)
            return future
        raise
    sent = headers_as_sent(headers, {":method": "GET", ":scheme": scheme, ":path": "/"})
    if "host" not in sent:
        sent.setdefault(":authority", authority)
    stream = type(parent)(session, promised, sent)
    stream.life = stream.life.on_peer_end
    stream._watched = True
    if method == "HEAD":
        # an answer to it has no body
        stream._head_request = True
        stream.life = stream.life.on_end
    session.streams[promised] = stream
    if session.deadlines is not None:
        session.deadlines.began(stream)
    if session._pushes is None:
        session._pushes = Pushes(session)
    session._pushes.add(stream, sent, future)
    if parent._timer is not None:
        parent._timer.touch()
    session.wake()
    return future


# --- what a client is promised --------------------------------------------------------------


def receive_promise(
    session: ClientHttp2Session, parent_id: int, headers: Headers, promised_id: int
) -> None:
    """Handle a PUSH_PROMISE: emit its stream, or ask the server to stop.

    Without a listener of ``stream``, the pushed body would never be read, and would
    permanently occupy the connection's window.
    """
    connection = session.engine
    assert connection is not None
    refusal = None
    if session.closed:
        refusal = NGHTTP2_REFUSED_STREAM
    elif not session.listener_count("stream"):
        refusal = NGHTTP2_CANCEL
    elif not _may_be_pushed(session, parent_id, headers):
        refusal = NGHTTP2_PROTOCOL_ERROR
    if refusal is not None:
        connection.reset(promised_id, refusal)
        session.wake()
        if refusal == NGHTTP2_CANCEL:
            session._unwanted_pushes += 1
            if session._unwanted_pushes == UNWANTED:
                session.send_settings(Settings(enable_push=False), None)
        return
    stream = ClientHttp2Stream(session)
    stream.id = promised_id
    stream.life = LIVE.on_end.on_sent
    stream._sent = (headers, None, None)
    session.streams[promised_id] = stream
    if session.deadlines is not None:
        session.deadlines.began(stream)
    session.emit("stream", stream, headers, NGHTTP2_FLAG_END_HEADERS, headers.raw)


def want_again(session: ClientHttp2Session) -> None:
    """Permit pushes again, since ``stream`` now has a listener; see `receive_promise`."""
    told = session._unwanted_pushes >= UNWANTED
    session._unwanted_pushes = 0
    if told and session.engine is not None and not session.closed:
        session.send_settings(Settings(enable_push=True), None)


def _may_be_pushed(session: ClientHttp2Session, parent_id: int, headers: Headers) -> bool:
    """Check the rules of RFC 9113 section 8.4 for promised requests and their origin."""
    if headers[":method"] not in _PUSHABLE or headers.get("content-length", "0") != "0":
        return False
    if headers[":scheme"] != session.scheme:
        return False
    authority = (headers.get(":authority") or headers.get("host", "")).lower()
    if authority == session.authority.lower():
        return True
    parent = session.streams.get(parent_id)
    asked = None if parent is None else parent.sent_headers
    if asked is not None and authority == str(asked.get(":authority") or asked.get("host")).lower():
        return True
    transport = session.transport
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    return tls is not None and covers(tls.getpeercert(), authority)
