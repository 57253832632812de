"""Implement server push (RFC 9113 section 8.4): promises that are sent and received.

A server's session gets a `Pushes` with its first push, which adds a layer over its
handlers, so that sessions without pushes pay nothing. A client's session gets `PushOffers` with
the first promise.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ..common.futures import Handover
from ..constants import (
    NGHTTP2_CANCEL,
    NGHTTP2_FLAG_END_HEADERS,
    NGHTTP2_PROTOCOL_ERROR,
    NGHTTP2_REFUSED_STREAM,
    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
)
from ..engine.events import FRAME_NOT_SENT, SETTINGS, STREAM_CLOSED
from ..errors import Http2Error, NghttpError, new_error, stream_error
from ..headers import Headers, OutgoingHeaders, headers_as_sent, kept_headers
from ..net.origins import covers
from ..settings import Settings
from .client_stream import ClientHttp2Stream
from .compiled.client_base import SENT
from .priority import check_priority

if TYPE_CHECKING:
    import asyncio

    from ..engine.events import Handler
    from .interfaces import ClientStreamOwner, ServerStreamOwner
    from .server_stream import ServerHttp2Stream
    from .stream import Http2Stream

    Promise = asyncio.Future[tuple[ServerHttp2Stream, Headers]]

__all__ = ["PushOffers", "Pushes"]

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

    def __init__(self, session: ServerStreamOwner) -> None:
        self._session = session
        self._open: dict[int, ServerHttp2Stream] = {}
        self._waiting: deque[tuple[ServerHttp2Stream, Headers, Promise]] = deque()
        session.handlers.add(self._lay)

    def _lay(self, handlers: list[Handler]) -> None:
        """Register handlers for the events of pushes."""
        self._stream_closed = handlers[STREAM_CLOSED]
        self._settings = handlers[SETTINGS]
        self._frame_not_sent = handlers[FRAME_NOT_SENT]
        handlers[STREAM_CLOSED] = lambda _, *event: self._on_stream_closed(*event)
        handlers[SETTINGS] = lambda _, *event: self._on_settings(*event)
        handlers[FRAME_NOT_SENT] = lambda _, *event: self._on_frame_not_sent(*event)

    def promise(
        self,
        parent: ServerHttp2Stream,
        headers: OutgoingHeaders | None,
        exclusive: bool,
        depends_on: int,
    ) -> Promise:
        """Promise a response on *parent*: see `ServerHttp2Stream.push_stream`."""
        assert parent.id is not None
        if not parent.id & 1:
            raise new_error("ERR_HTTP2_NESTED_PUSH")
        check_priority(parent=depends_on, exclusive=exclusive)
        session = self._session
        connection = session.engine
        assert connection is not None
        request = parent.request_headers
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
        stream.become_promised(to_head=method == "HEAD")
        session.keep(stream)
        self._waiting.append((stream, sent, future))
        self._grant()
        if not future.done():
            future.add_done_callback(lambda done: self._given_up(stream, done))
        parent.touch()
        session.wake()
        return future

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
            self._open[stream.id] = stream
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
            del self._open[stream_id]
            self._grant()

    def _on_settings(self, stream_id: int, pairs: object, second: object) -> None:
        self._settings(self._session, stream_id, pairs, second)
        self._grant()

    def _on_frame_not_sent(self, stream_id: int, frame_type: int, code: int) -> None:
        if frame_type != FRAME_PUSH_PROMISE:
            self._frame_not_sent(self._session, stream_id, frame_type, code)
            return
        # the parent stream has ended, or the client's settings have changed
        waiting = {stream.id: stream for stream, _, _ in self._waiting}
        stream = waiting.get(stream_id) or self._open.get(stream_id)
        if stream is not None:
            stream.promise_not_sent()
        self._on_stream_closed(stream_id, NGHTTP2_REFUSED_STREAM, None)

    def cancel(self) -> None:
        """Cancel all pending pushes: the session ends."""
        waiting, self._waiting = self._waiting, deque()
        for stream, _, future in waiting:
            stream.error_seen = True
            if not future.done():
                future.set_exception(new_error("ERR_HTTP2_STREAM_CANCEL"))
        self._open.clear()
        # the handlers hold this object, and it holds the session
        self._session.handlers.remove(self._lay)


# --- a client's promises --------------------------------------------------------------------


class PushOffers:
    """The promises that a client's session receives: offered to the application, or refused."""

    def __init__(self, session: ClientStreamOwner) -> None:
        self._session = session
        # Promises without a listener.
        self._unwanted = 0

    def receive(self, parent: Http2Stream | None, headers: Headers, promised_id: int) -> None:
        """Offer the promised stream to the application, or ask the server to stop.

        Without a listener of ``stream``, nothing would ever read the stream, and its data
        would fill the connection's window.
        """
        session = self._session
        connection = session.engine
        assert connection is not None
        refusal = None
        if session.closed:
            refusal = NGHTTP2_REFUSED_STREAM
        elif not session.listener_count("stream"):
            refusal = NGHTTP2_CANCEL
        elif not self._may_be_pushed(parent, headers):
            refusal = NGHTTP2_PROTOCOL_ERROR
        if refusal is not None:
            connection.reset(promised_id, refusal)
            session.wake()
            if refusal == NGHTTP2_CANCEL:
                self._unwanted += 1
                if self._unwanted == UNWANTED:
                    session.send_settings(Settings(enable_push=False), None)
            return
        stream = ClientHttp2Stream(session, promised_id, SENT, headers)
        session.keep(stream)
        session.emit("stream", stream, headers, NGHTTP2_FLAG_END_HEADERS, headers.raw)

    def want_again(self) -> None:
        """Allow pushes again: the application listens to ``stream`` now."""
        session = self._session
        told = self._unwanted >= UNWANTED
        self._unwanted = 0
        if told and session.engine is not None and not session.closed:
            session.send_settings(Settings(enable_push=True), None)

    def _may_be_pushed(self, parent: Http2Stream | None, headers: Headers) -> bool:
        """Apply the rules of RFC 9113 section 8.4 for what may be pushed, and by whom."""
        session = self._session
        if headers[":method"] not in _PUSHABLE or headers.get("content-length", "0") != "0":
            return False
        if headers[":scheme"] != session.scheme:
            return False
        authority = (headers.get(":authority") or headers.get("host", "")).lower()
        if authority == session.authority.lower():
            return True
        asked = None if parent is None else parent.sent_headers
        if (
            asked is not None
            and authority == str(asked.get(":authority") or asked.get("host")).lower()
        ):
            return True
        tls = None if session.transport is None else session.transport.get_extra_info("ssl_object")
        certificate = None if tls is None else tls.getpeercert()
        return certificate is not None and covers(certificate, authority)
