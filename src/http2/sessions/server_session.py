"""`ServerHttp2Session`: a connection that a server has accepted."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from ..common.closing import Completion
from ..common.emitter import logger
from ..common.layout import lay_out
from ..constants import (
    HTTP2_METHOD_HEAD,
    NGHTTP2_FLAG_END_STREAM,
    NGHTTP2_NO_ERROR,
    NGHTTP2_SESSION_SERVER,
)
from ..engine import events
from ..errors import ConnectionClosed
from ..headers import Headers
from ..net.origins import altsvc_arguments, check_origins
from ..streams.push import Pushes
from ..streams.server_stream import ServerHttp2Stream
from ..streams.stream import Http2Stream
from ..streams.unanswered import check_answered
from .options import SessionOptions
from .session import LAID_OUT, Http2Session, event_handlers

if TYPE_CHECKING:
    from ..common.tasks import Work
    from ..net.origins import Origin
    from .interfaces import SessionServer
    from .server_listening import ServerSessionEvents

__all__ = ["ServerHttp2Session"]


def _raw_headers(args: tuple[Any, ...]) -> object:
    """The last argument of ``stream``, made of those before it."""
    return args[1].raw


class ServerHttp2Session(Http2Session):
    """A server's session: comes with the event ``session`` of its server."""

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: ServerSessionEvents  # type: ignore[assignment]
        once: ServerSessionEvents  # type: ignore[assignment]
        add_listener: ServerSessionEvents  # type: ignore[assignment]
        prepend_listener: ServerSessionEvents  # type: ignore[assignment]
        prepend_once_listener: ServerSessionEvents  # type: ignore[assignment]

    type = NGHTTP2_SESSION_SERVER

    _pushes: Pushes | None = None
    # Requests that are handed out at the end of a batch, or when there is room for their
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
        # looked at for each request: see ServerHttp2Stream
        self._waiting = None

    def altsvc(self, alt: str, origin_or_stream: Origin | int) -> None:
        """Tell the client of an alternative service (RFC 7838 section 4).

        *alt* is an Alt-Svc field value, such as ``'h2=":8000"'`` or ``'clear'``.
        *origin_or_stream* says for what: a URL, of which the origin is taken, a `SplitResult`,
        an object whose ``origin`` is an origin in ASCII, or the id of an open stream, which
        stands for its own origin.

        Raises ERR_HTTP2_ALTSVC_INVALID_ORIGIN, ERR_HTTP2_ALTSVC_LENGTH (over 16,382
        bytes), ERR_INVALID_CHAR, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE,
        ERR_HTTP2_INVALID_SESSION.
        """
        self._check_alive()
        stream_id, origin, value = altsvc_arguments(alt, origin_or_stream)
        self._require().altsvc(stream_id, origin, value)
        self.wake()

    def origin(self, *origins: Origin) -> None:
        """Tell the client for which *origins* this session may be used (RFC 8336).

        Each is a URL, of which the origin is taken, a `SplitResult`, or an object whose
        ``origin`` is an origin in ASCII. Without any, nothing is sent. The client ignores
        it in the clear.

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
        stream = ServerHttp2Stream(self, stream_id, headers)
        self.streams[stream_id] = stream
        if headers[":method"] == HTTP2_METHOD_HEAD:
            stream._head_request = True
        if flags & NGHTTP2_FLAG_END_STREAM:
            stream.life = stream.life.on_peer_end
            stream.end_after_headers = True
            connection: Any = self.engine
            if not self._waiting and connection.admit():
                self._hand_out(stream, headers, flags)
                return
        # What of its body comes in the same read is there when its handler begins. And it may
        # have to wait for room.
        if self._waiting is None:
            self._waiting = deque()
        stream._is_waiting = True
        self._waiting.append((stream, headers, flags))

    def _hand_out_waiting(self) -> None:
        """Hand out the requests that wait, in order, as long as there is room."""
        waiting, connection = self._waiting, self.engine
        while waiting and connection is not None and connection.admit():
            stream, headers, flags = waiting.popleft()
            stream._is_waiting = False
            if stream.life.closed:
                continue
            self._hand_out(stream, headers, flags)
            trailers = stream._early_trailers
            if trailers is not None and not stream.life.destroyed:
                stream._early_trailers = None
                self._receive_headers(stream, *trailers)
            if self.destroyed:
                return

    def _hand_out_later(self) -> None:
        """Another turn of the loop has begun, and there may be room again."""
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
            # in the next turn: others on this loop come in between
            self._hand_out_scheduled = True
            self.loop.call_soon(self._hand_out_later)

    def _hand_out(self, stream: ServerHttp2Stream, headers: Headers, flags: int) -> None:
        """Give a request to its handlers."""
        if self._listeners is not None:
            self.emit_late("stream", (stream, headers, flags), _raw_headers)
        server = self._server
        # the everyday listener, without a detour
        if server is not None and not server.offer("stream", stream, headers):
            server.emit_late("stream", (stream, headers, flags), _raw_headers)

    def _on_stream_closed(self, stream_id: int, code: int, unsent: int | None) -> None:
        stream = self.streams.pop(stream_id, None)
        if stream is None:
            return
        if (
            code == NGHTTP2_NO_ERROR
            and unsent is None
            and stream.life.both_ended
            and not stream._watched
            and not stream._buffered
        ):
            # nobody has asked to be told
            stream.life = stream.life.on_done
        else:
            stream._stream_closed(code, unsent is not None)

    def _receive_headers(self, stream: Http2Stream, headers: Headers, flags: int) -> None:
        # a second block of a request: its trailers (RFC 9113 section 8.1)
        assert isinstance(stream, ServerHttp2Stream)
        if stream._is_waiting:
            # its handler hears of them
            stream._early_trailers = headers, flags
            return
        if stream._timer is not None:
            stream._timer.touch()
        stream._received_trailers = headers
        stream.emit("trailers", headers, flags)
        if flags & NGHTTP2_FLAG_END_STREAM and not stream.life.destroyed:
            stream._feed(b"", True)

    def _on_goaway_sent(self, last_stream_id: int, code: int, reason: bytes) -> None:
        super()._on_goaway_sent(last_stream_id, code, reason)
        if self._noticed and not self.closed and not self.destroyed:
            # not earlier: a PING would overtake the GOAWAY
            self.ping_unseen(lambda _: self._end_noticed())

    def shut_down(self) -> Completion:
        """Tell the client of the end, and `close` once it knows: no request is lost.

        RFC 9113 section 6.8: the first GOAWAY refuses nothing, and the last one follows when the
        client has answered a PING; what it has asked for until then is served. A `close`
        in between does not wait for the answer. Awaitable: until the session is destroyed and its
        socket closed.
        """
        if self.engine is None:
            return self.close()
        self.notice_end()
        return Completion(self)

    def notice_end(self) -> None:
        """Tell the client that the server is about to end (RFC 9113 section 6.8)."""
        if self.engine is not None and not self.closed and not self._noticed:
            self._noticed = True
            self.engine.shutdown_notice()
            self.wake()

    def _end_noticed(self) -> None:
        """The client knows that the server ends: requests under way have come by now."""
        self._noticed = False
        self.close()

    def adopt(self, tasks: set[asyncio.Task[object]]) -> None:
        if self._server is not None:
            self._server.adopt(tasks)
        else:
            super().adopt(tasks)

    def _cancel_waiters(self) -> None:
        super()._cancel_waiters()
        self._waiting = None
        if self._pushes is not None:
            self._pushes.cancel()

    def _handler_ended(self, coroutine: Work[object], event: str, args: tuple[object, ...]) -> None:
        if event == "stream":
            check_answered(coroutine, self, event, args)

    def _report_error(self, error: BaseException) -> None:
        server = self._server
        heard = self.emit("error", error)
        if server is not None:
            heard = server.emit("session_error", error, self) or heard
        if heard or self._error_seen:
            return
        if isinstance(error, ConnectionClosed) and error.__cause__ is None:
            # clients leave as they like: no log needs it
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


ServerHttp2Session._handlers = event_handlers(
    (events.REQUEST, ServerHttp2Session._on_request),
    (events.STREAM_CLOSED, ServerHttp2Session._on_stream_closed),
    (events.GOAWAY_SENT, ServerHttp2Session._on_goaway_sent),
)

lay_out(
    ServerHttp2Session,
    *LAID_OUT,
    *("_server", "_waiting", "write_paused"),
)
