"""Define `ExchangeWatch`, which gets reports about the begin and end of a server's exchanges.

Access logs and metrics are based on it. A server without one has no cost: a watched session has
an additional listener and layer, and a watched HTTP/1 connection creates streams that count.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..compat.watched import Watched
from ..constants import NGHTTP2_CANCEL
from ..engine import events
from ..errors import new_error
from ..servers.server import Http2Server
from .interfaces import ExchangeObserver

if TYPE_CHECKING:
    from ..headers import Headers
    from ..http1.watched import WatchedStream
    from ..sessions.server_session import ServerHttp2Session
    from ..streams.server_stream import ServerHttp2Stream

__all__ = ["ExchangeWatch"]


class ExchangeWatch:
    """Watches *server*, on connections that begin from now on; subclasses record the exchanges.

    Raises ERR_INVALID_ARG_TYPE.
    """

    def __init__(self, server: Http2Server) -> None:
        if not isinstance(server, Http2Server):
            raise new_error("ERR_INVALID_ARG_TYPE", "server", "an Http2Server", server)
        self._server = server
        self._closed = False
        server.prepend_listener("session", self._on_session)
        self._http1 = _Http1(self)
        server.watch_http1(self._http1, True)

    def close(self) -> None:
        """Stop watching, including exchanges in progress."""
        if not self._closed:
            self._closed = True
            self._server.off("session", self._on_session)
            self._server.watch_http1(self._http1, False)

    # --- for subclasses; also called after `close`, for earlier exchanges -------------------------

    def begun(self, exchange: Watched) -> None:
        """Handle a request that was passed to its handlers."""

    def over(self, exchange: Watched) -> None:
        """Handle the end of an exchange."""

    def streams_changed(self, more: int) -> None:
        """Handle opened streams of HTTP/2 clients; a negative number have ended."""

    def sessions_changed(self, more: int) -> None:
        """Handle opened HTTP/2 sessions; a negative number have ended."""

    # --- sources --------------------------------------------------------------------------------

    def _on_session(self, session: ServerHttp2Session) -> None:
        session.prepend_listener("stream", _Streams(self, session))
        self.sessions_changed(1)
        session.once("close", lambda: self.sessions_changed(-1))


class _Http1:
    """Gets reports about exchanges over HTTP/1."""

    def __init__(self, watch: ExchangeObserver) -> None:
        self._watch = watch

    def begun(self, stream: WatchedStream) -> None:
        """Handle the head of a request."""
        self._watch.begun(stream.watched)

    def over(self, stream: WatchedStream) -> None:
        """Handle the end of the exchange of *stream*."""
        if not stream.complete:
            stream.watched.reset = stream.rst_code or NGHTTP2_CANCEL
        self._watch.over(stream.watched)


class _Streams:
    """A listener of a session's streams that counts their sent and received bytes."""

    # no handler that will answer: see `http2.streams.unanswered`
    answers = False

    def __init__(self, watch: ExchangeObserver, session: ServerHttp2Session) -> None:
        self._watch = watch
        self._peer = session.peer_name()
        self._scheme = "https" if session.encrypted else "http"
        # those that are open on the wire
        self._open: dict[int, Watched] = {}
        assert session.engine is not None
        session.engine.measuring += 1
        session.handlers.add(self._lay)
        session.once("close", self._session_over)

    def _new(self) -> Watched:
        return Watched(time.monotonic(), "2", self._scheme, self._peer)

    def _lay(self, handlers: events.Handlers) -> None:
        on_request, on_data = handlers[events.REQUEST], handlers[events.DATA]
        on_measured, on_closed = handlers[events.MEASURED], handlers[events.STREAM_CLOSED]
        watch, found = self._watch, self._open

        def request(session: object, stream_id: int, headers: object, flags: object) -> None:
            found[stream_id] = self._new()
            watch.streams_changed(1)
            on_request(session, stream_id, headers, flags)

        def data(session: object, stream_id: int, chunk: Any, end: object) -> None:
            watched = found.get(stream_id)
            if watched is not None:
                watched.received += len(chunk)
            on_data(session, stream_id, chunk, end)

        def measured(session: object, stream_id: int, what: object, size: Any) -> None:
            if what == 1:
                watched = found.get(stream_id)
                if watched is not None:
                    watched.sent += size
            on_measured(session, stream_id, what, size)

        def closed(session: object, stream_id: int, code: object, unsent: object) -> None:
            if found.pop(stream_id, None) is not None:
                watch.streams_changed(-1)
            on_closed(session, stream_id, code, unsent)

        handlers[events.REQUEST], handlers[events.DATA] = request, data
        handlers[events.MEASURED], handlers[events.STREAM_CLOSED] = measured, closed

    def _session_over(self) -> None:
        if self._open:
            self._watch.streams_changed(-len(self._open))
            self._open.clear()

    def __call__(self, stream: ServerHttp2Stream, headers: Headers) -> None:
        """Handle a new request."""
        number = stream.id
        assert number is not None
        watched = self._open.get(number) or self._new()
        watched.method, watched.target = stream.request_line()
        watch = self._watch
        watch.begun(watched)

        def over() -> None:
            sent = stream.sent_headers
            if sent is not None:
                watched.status = int(sent[":status"])
            if stream.rst_code or stream.aborted or not stream.writable_finished:
                watched.reset = stream.rst_code or 0
            watch.over(watched)

        stream.once("close", over)
