"""Define `ServerHttp2Session`: a connection that a server has accepted."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from ..common.closing import Completion
from ..common.emitter import logger
from ..common.layout import lay_out
from ..constants import (
    NGHTTP2_FLAG_END_STREAM,
    NGHTTP2_SESSION_SERVER,
)
from ..engine import events
from ..errors import ConnectionClosed
from ..headers import Headers
from ..net.origins import altsvc_arguments, check_origins
from ..streams.push import Pushes
from ..streams.server_stream import ServerHttp2Stream
from ..streams.unanswered import check_answered
from .control import with_handlers
from .options import SessionOptions
from .session import LAID_OUT, Http2Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..common.tasks import Work
    from ..net.origins import Origin
    from .interfaces import SessionServer
    from .server_listening import ServerSessionEvents

__all__ = ["ServerHttp2Session"]


def _raw_headers(args: tuple[Any, ...]) -> object:
    """Return the last argument of ``stream``, from the arguments before it."""
    return args[1].raw


class ServerHttp2Session(Http2Session):
    """A server's session, from the event ``session`` of its server."""

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: ServerSessionEvents  # type: ignore[assignment]
        once: ServerSessionEvents  # type: ignore[assignment]
        add_listener: ServerSessionEvents  # type: ignore[assignment]
        prepend_listener: ServerSessionEvents  # type: ignore[assignment]
        prepend_once_listener: ServerSessionEvents  # type: ignore[assignment]

    type = NGHTTP2_SESSION_SERVER

    _pushes: Pushes | None = None
    # Requests that will be emitted at the end of a batch, or when there is room for their
    # responses, in order.
    _waiting: deque[tuple[ServerHttp2Stream, Headers, int]] | None = None
    _hand_out_scheduled = False

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        options: SessionOptions,
        server: SessionServer | None,
    ) -> None:
        super().__init__(loop, options)
        self._server = server
        # read for each request: see ServerHttp2Stream
        self._waiting = None

    def altsvc(self, alt: str, origin_or_stream: Origin | int) -> None:
        """Announce an alternative service to the client (RFC 7838 section 4).

        *alt* is an Alt-Svc field value, such as ``'h2=":8000"'`` or ``'clear'``.
        *origin_or_stream* is the origin: a URL, whose origin is used, a `SplitResult`,
        an object whose ``origin`` is an origin in ASCII, or the id of an open stream, for
        the origin of its request.

        Raises ERR_HTTP2_ALTSVC_INVALID_ORIGIN, ERR_HTTP2_ALTSVC_LENGTH (over 16,382
        bytes), ERR_INVALID_CHAR, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE,
        ERR_HTTP2_INVALID_SESSION.
        """
        self._check_alive()
        stream_id, origin, value = altsvc_arguments(alt, origin_or_stream)
        self._require().altsvc(stream_id, origin, value)
        self.wake()

    def origin(self, *origins: Origin) -> None:
        """Announce the *origins* that the client may use this session for (RFC 8336).

        Each is a URL, whose origin is used, a `SplitResult`, or an object whose
        ``origin`` is an origin in ASCII. Without any, nothing is sent. Without TLS, the client
        ignores it.

        Raises ERR_HTTP2_INVALID_ORIGIN, ERR_HTTP2_ORIGIN_LENGTH (over 16,384 bytes, two
        for each origin included), ERR_INVALID_ARG_TYPE, ERR_HTTP2_INVALID_SESSION.
        """
        self._check_alive()
        checked = check_origins(origins)
        if not checked:
            return
        self._require().origin([origin.encode() for origin in checked])
        self.add_origins(checked)
        self.wake()

    @property
    def server(self) -> SessionServer | None:
        """The server that accepted the connection."""
        return self._server

    def connected(self, transport: asyncio.Transport) -> None:
        server = self._server
        super().connected(transport)
        if server is not None:
            server.session_begins(self)
        if self._listeners is not None and not self.destroyed:
            self.emit("connect", self, self.socket)

    def _on_request(self, stream_id: int, headers: Headers, flags: int) -> None:
        stream = ServerHttp2Stream(self, stream_id, headers, flags)
        self.streams[stream_id] = stream
        if flags & NGHTTP2_FLAG_END_STREAM:
            connection: Any = self.engine
            if not self._waiting and connection.admit():
                self._hand_out(stream, headers, flags)
                return
        # The part of its body in the same read is available when its handler begins. The request
        # may also have to wait for room.
        if self._waiting is None:
            self._waiting = deque()
        stream.is_waiting = True
        self._waiting.append((stream, headers, flags))

    def _hand_out_waiting(self) -> None:
        """Emit waiting requests in order, as long as there is room."""
        waiting, connection = self._waiting, self.engine
        while waiting and connection is not None and connection.admit():
            stream, headers, flags = waiting.popleft()
            stream.is_waiting = False
            if stream.life.closed:
                continue
            self._hand_out(stream, headers, flags)
            stream.handed_out()
            if self.destroyed:
                return

    def _hand_out_later(self) -> None:
        """Emit waiting requests in the next turn of the loop, when there may be room."""
        self._hand_out_scheduled = False
        if self.engine is None:
            return
        self.engine.new_turn()
        self.in_batch = True
        try:
            self._hand_out_waiting()
        finally:
            self.in_batch = False
        self._flush()

    def _flushed(self) -> None:
        connection = self.engine
        if not self._hand_out_scheduled and connection is not None and not connection.crowded:
            # in the next turn, so that others on this loop can run before
            self._hand_out_scheduled = True
            self.loop.call_soon(self._hand_out_later)

    def _hand_out(self, stream: ServerHttp2Stream, headers: Headers, flags: int) -> None:
        """Pass a request to its handlers."""
        if self._listeners is not None and "stream" in self._listeners:
            self.emit_late("stream", (stream, headers, flags), _raw_headers)
        server = self._server
        if server is None:
            return
        found = server.everyday.get("stream")
        if found is None:
            server.emit_late("stream", (stream, headers, flags), _raw_headers)
            return
        listener, arity = found
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

    def _on_goaway_sent(self, last_stream_id: int, code: int, reason: bytes) -> None:
        super()._on_goaway_sent(last_stream_id, code, reason)
        if self._noticed and not self.closed and not self.destroyed:
            # not earlier: the PING would be sent before the GOAWAY
            self.ping_unseen(lambda _: self._end_noticed())

    def shut_down(self) -> Completion:
        """Announce the end, and `close` once the client knows, so that no request is lost.

        RFC 9113 section 6.8: the first GOAWAY refuses nothing, and the last one follows when the
        client has answered a PING; earlier requests are served. A `close`
        in between does not wait for the answer. Awaiting waits until the session is destroyed and
        its socket closed.
        """
        if self.engine is None:
            return self.close()
        self.notice_end()
        return Completion(self)

    def notice_end(self) -> None:
        """Announce the end of the server to the client (RFC 9113 section 6.8)."""
        if self.engine is not None and not self.closed and not self._noticed:
            self._noticed = True
            self.engine.shutdown_notice()
            self.wake()

    def _end_noticed(self) -> None:
        """Close: the client knows that the server ends, and its earlier requests have arrived."""
        self._noticed = False
        self.close()

    def pushes(self) -> Pushes:
        """Return the session's pushed streams; created with the first."""
        if self._pushes is None:
            self._pushes = Pushes(self)
        return self._pushes

    def adopt(self, tasks: Iterable[asyncio.Task[object]]) -> None:
        if self._server is not None:
            self._server.adopt(tasks)
        else:
            super().adopt(tasks)

    def _cancel_waiters(self) -> None:
        super()._cancel_waiters()
        self._waiting = None
        if self._pushes is not None:
            self._pushes.cancel()

    def listener_ended(self, work: Work[object], event: str, args: tuple[object, ...]) -> None:
        if event == "stream":
            check_answered(work, self, event, args)

    def _report_error(self, error: BaseException) -> None:
        server = self._server
        heard = self.emit("error", error)
        if server is not None:
            heard = server.emit("session_error", error, self) or heard
        if heard or self.error_seen:
            return
        if isinstance(error, ConnectionClosed) and error.__cause__ is None:
            # clients may leave at any time: it is not logged
            logger.debug("%r: %s", self, error)
        else:
            self._emit_error(error)

    def _emit_session_end(self) -> None:
        super()._emit_session_end()
        if self._server is not None:
            self._server.session_gone(self)

    def _timed_out(self) -> None:
        if self.destroyed or self.closed:
            return
        if self.emit("timeout"):
            return
        server = self._server
        if server is None or not server.emit("timeout", self):
            self.destroy()

    own_handlers = with_handlers(
        Http2Session.own_handlers,
        {
            events.REQUEST: _on_request,
            events.GOAWAY_SENT: _on_goaway_sent,
        },
    )


lay_out(
    ServerHttp2Session,
    *LAID_OUT,
    *("_server", "_waiting", "write_paused"),
)
