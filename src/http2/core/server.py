"""`Http2Server`, `Http2SecureServer` and `ServerHttp2Session`: the server's side."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from .. import events
from ..constants import (
    HTTP2_METHOD_HEAD,
    NGHTTP2_FLAG_END_STREAM,
    NGHTTP2_INTERNAL_ERROR,
    NGHTTP2_NO_ERROR,
    NGHTTP2_SESSION_SERVER,
)
from ..errors import new_error
from ..headers import Headers
from .duplex import Closable, Completion
from .emitter import logger
from .options import SessionOptions, reject_unknown
from .server_stream import ServerHttp2Stream
from .session import Http2Session, event_handlers
from .stream import Http2Stream
from .timers import check_timeout
from .tls import server_context
from .transport import SessionProtocol

if TYPE_CHECKING:
    import ssl

__all__ = [
    "Http2SecureServer",
    "Http2Server",
    "ServerHttp2Session",
    "create_secure_server",
    "create_server",
]


class ServerHttp2Session(Http2Session):
    """A server's session: comes with the event ``session`` of its server."""

    type = NGHTTP2_SESSION_SERVER

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        options: SessionOptions,
        server: Http2Server | None,
    ) -> None:
        super().__init__(loop, options)
        self._server = server

    @property
    def server(self) -> Http2Server | None:
        """The server that accepted the connection."""
        return self._server

    def _connected(self, transport: asyncio.Transport) -> None:
        server = self._server
        super()._connected(transport)
        if server is not None:
            server._sessions.add(self)
            if not self.destroyed:
                if server.timeout:
                    self.set_timeout(server.timeout)
                server.emit("session", self)
        if not self.destroyed:
            self.emit("connect", self, self.socket)

    def _on_request(self, stream_id: int, headers: Headers, flags: int) -> None:
        stream = ServerHttp2Stream(self, stream_id)
        self._streams[stream_id] = stream
        if flags & NGHTTP2_FLAG_END_STREAM:
            stream._read_ended = stream.end_after_headers = True
        if headers[":method"] == HTTP2_METHOD_HEAD:
            stream._head_request = True
        if self._listeners is not None:
            self._emit_stream(self, stream, headers, flags)
        server = self._server
        if server is not None and server._listeners is not None:
            found = server._listeners.get("stream")
            if found and len(found) == 1 and found[0].plain:
                # the everyday listener, without a detour
                try:
                    result = found[0].function(stream, headers)
                except Exception as error:
                    server._listener_failed(error, "stream", (stream,))
                else:
                    if result is not None:
                        server._returned(result, "stream", (stream,))
            elif found:
                self._emit_stream(server, stream, headers, flags)

    def _on_stream_closed(self, stream_id: int, code: int, _: None) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream is None:
            return
        if (
            code == NGHTTP2_NO_ERROR
            and stream._read_ended
            and stream.writable_ended
            and not stream._watched
            and not stream._buffered
            and not stream.closed
        ):
            # Request and response are complete, and nobody has asked to be told.
            stream.rst_code = NGHTTP2_NO_ERROR
            stream.closed = stream.destroyed = stream._off_the_wire = True
            stream.readable_ended = stream.writable_finished = stream._close_emitted = True
        else:
            stream._stream_closed(code)

    def _emit_stream(
        self,
        emitter: Http2Session | Http2Server,
        stream: ServerHttp2Stream,
        headers: Headers,
        flags: int,
    ) -> None:
        """Emit ``stream``: like `emit`, but the raw headers are made only for who takes them."""
        assert emitter._listeners is not None
        found = emitter._listeners.get("stream")
        if not found:
            return
        raw = None
        for entry in tuple(found):
            if 0 <= entry.arity < 4:
                emitter._call(entry, "stream", (stream, headers, flags))
            else:
                if raw is None:
                    raw = headers.raw
                emitter._call(entry, "stream", (stream, headers, flags, raw))

    def _receive_headers(self, stream: Http2Stream, headers: Headers, flags: int) -> None:
        # a second block of a request: its trailers (RFC 9113 section 8.1)
        if stream._timer is not None:
            stream._timer.touch()
        stream.emit("trailers", headers, flags)
        if flags & NGHTTP2_FLAG_END_STREAM and not stream.destroyed:
            stream._feed(b"", True)

    def _adopt(self, tasks: set[asyncio.Task[Any]]) -> None:
        if self._server is not None:
            self._server._adopt(tasks)
        else:
            super()._adopt(tasks)

    def _report_error(self, error: BaseException) -> None:
        server = self._server
        heard = self.emit("error", error)
        if server is not None:
            heard = server.emit("session_error", error, self) or heard
        if not heard:
            self._emit_error(error)

    def _emit_session_end(self) -> None:
        super()._emit_session_end()
        if self._server is not None:
            self._server._session_gone(self)

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
)


# The client connection preface (RFC 9113 section 3.4), and what an HTTP/1 request begins with.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
REQUEST_LINE = re.compile(rb"[!-~]{1,32} [^\r\n]{1,8192} HTTP/1\.[0-9]\r?\n")
MAYBE_REQUEST_LINE = re.compile(rb"[A-Za-z]{1,32}( [^\r\n]{0,8192}\r?)?")
# Seconds for a client to get its first line out once it is clear that it isn't HTTP/2.
FIRST_LINE_TIMEOUT = 10.0

WRONG_PROTOCOL = (
    b"HTTP/1.1 505 HTTP Version Not Supported\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\n"
    b"connection: close\r\n\r\n%b"
)
WRONG_PROTOCOL_TEXT = b"This port speaks HTTP/2 only: with prior knowledge (h2c), not HTTP/1.\n"


class ServerProtocol(SessionProtocol):
    """The first bytes of a connection: HTTP/2's preface, or an answer to HTTP/1.

    In the clear a session begins when the preface is there: until then not a byte is
    sent, because nobody knows what language the client would understand.
    """

    __slots__ = ("_first", "_server", "_timer", "_transport")

    def __init__(self, server: Http2Server, session: ServerHttp2Session) -> None:
        super().__init__(session)
        self._server = server
        self._first: bytes | None = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected, and over TLS the handshake is done."""
        stream = cast("asyncio.Transport", transport)
        if self._server._close_emitted:
            # the handshake took longer than the server has lived
            stream.abort()
            return
        self._transport = stream
        self._server._transports.add(stream)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._first = None
            if tls.selected_alpn_protocol() == "h2":
                self._session._connected(stream)
            else:
                self._server._unknown_protocol(stream)

    def buffer_updated(self, nbytes: int) -> None:
        """*nbytes* have come: look at the first ones, hand on the others."""
        if self._first is None:
            self._session._received(self._buffer[:nbytes])
            return
        data = self._first + bytes(self._buffer[:nbytes])
        if data.startswith(PREFACE) or PREFACE.startswith(data):
            if len(data) < len(PREFACE):
                self._first = data
                return
            self._hand_on(data)
        elif REQUEST_LINE.match(data):
            self._answer_http1()
        elif b"\n" not in data and MAYBE_REQUEST_LINE.fullmatch(data):
            self._first = data
            if self._timer is None:
                self._timer = self._server._loop.call_later(FIRST_LINE_TIMEOUT, self._give_up)
        else:
            self._hand_on(data)

    def _hand_on(self, data: bytes) -> None:
        self._first = None
        self._cancel_timer()
        assert self._transport is not None
        self._session._connected(self._transport)
        self._session._received(data)

    def _give_up(self) -> None:
        self._timer = None
        if self._first:
            self._hand_on(self._first)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _answer_http1(self) -> None:
        transport = self._transport
        assert transport is not None
        self._first = None
        self._cancel_timer()
        transport.write(WRONG_PROTOCOL % (len(WRONG_PROTOCOL_TEXT), WRONG_PROTOCOL_TEXT))
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._cancel_timer()
        if self._transport is not None:
            self._server._transports.discard(self._transport)
            self._transport = None
        self._session._connection_lost(exc)


class Http2Server(Closable):
    """A server that speaks HTTP/2 in the clear (h2c with prior knowledge).

    Events: ``close``, ``error(error)``, ``listening``, ``session(session)``,
    ``session_error(error, session)``, ``stream(stream, headers, flags, raw_headers)``,
    ``timeout(session)``.
    """

    listening: bool = False
    """Whether the server accepts connections."""

    timeout: float = 0
    """Seconds without activity after which a new session times out; 0 for never."""

    _server: asyncio.AbstractServer | None = None
    _loop: asyncio.AbstractEventLoop
    _closing = False
    _context: ssl.SSLContext | None = None

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        self._sessions: set[ServerHttp2Session] = set()
        self._transports: set[asyncio.Transport] = set()

    # --- listening ----------------------------------------------------------------------

    async def listen(
        self,
        port: int = 0,
        host: str | None = None,
        *,
        path: str | None = None,
        sock: socket.socket | None = None,
        backlog: int = 511,
        reuse_port: bool = False,
    ) -> Http2Server:
        """Accept connections on *port* (0: any free one) of *host* (None: every address).

        *path* is a Unix socket instead, *sock* a socket that is bound already. Emits
        ``listening``. Raises `OSError` when the address can't be had, and RuntimeError
        when the server is listening already.
        """
        if self._server is not None:
            raise RuntimeError("the server is listening already")
        loop = self._loop = asyncio.get_running_loop()
        self._closing = False
        self._close_emitted = False
        common: dict[str, Any] = {"backlog": backlog, "ssl": self._context}
        if path is not None:
            server: Any = await loop.create_unix_server(self._protocol, path, **common)
        elif sock is not None:
            if sock.family == getattr(socket, "AF_UNIX", None):
                server = await loop.create_unix_server(self._protocol, sock=sock, **common)
            else:
                server = await loop.create_server(self._protocol, sock=sock, **common)
        else:
            server = await loop.create_server(
                self._protocol, host, port, reuse_port=reuse_port or None, **common
            )
        self._server = server
        self.listening = True
        self.emit("listening")
        return self

    def _protocol(self) -> ServerProtocol:
        return ServerProtocol(self, ServerHttp2Session(self._loop, self._options, self))

    def address(self) -> Any:
        """``(host, port)`` that the server listens on (IPv6: and more), or the Unix path.

        None when it does not listen.
        """
        sockets = getattr(self._server, "sockets", None)
        return sockets[0].getsockname() if sockets else None

    async def serve_forever(self) -> None:
        """Listen (on a free port, unless `listen` was called) until the server is closed.

        When the task is cancelled the server is closed, its sessions ended.
        """
        if self._server is None and not self._closing:
            await self.listen()
        try:
            await self._wait_closed()
        except asyncio.CancelledError:
            self.close()
            self._destroy_sessions()
            raise

    # --- the end ------------------------------------------------------------------------

    def close(self) -> Completion:
        """Accept no more connections; awaitable: until every session is closed.

        Sessions go on until their clients leave: to end them too, use ``async with`` or
        `ServerHttp2Session.close`.
        """
        if not self._closing:
            self._closing = True
            self.listening = False
            server, self._server = self._server, None
            if server is not None:
                server.close()
                self._loop.call_soon(self._end_if_idle)
            else:
                self._emit_close()
        return Completion(self)

    def _destroy_sessions(self) -> None:
        for session in tuple(self._sessions):
            session.destroy()
        self._drop_silent()

    def _drop_silent(self) -> None:
        """End the connections on which no session has begun: nothing is lost there."""
        speaking = {session._transport for session in self._sessions}
        for transport in tuple(self._transports):
            if transport not in speaking:
                transport.close()

    def _session_gone(self, session: ServerHttp2Session) -> None:
        self._sessions.discard(session)
        if self._closing:
            self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._closing and not self._sessions and not self._transports:
            if self._tasks:
                # handlers whose streams ended well finish what they are doing
                for task in tuple(self._tasks):
                    task.add_done_callback(lambda _: self._loop.call_soon(self._end_if_idle))
                return
            self._emit_close()
        elif self._closing and not self._sessions:
            self._loop.call_later(0.01, self._end_if_idle)

    def _adopt(self, tasks: set[asyncio.Task[Any]]) -> None:
        if self._tasks is None:
            self._tasks = set()
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def __aenter__(self) -> Http2Server:
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        for session in tuple(self._sessions):
            if error is None:
                session.close()
            else:
                session.destroy()
        self._drop_silent()
        try:
            await self.close()
        except asyncio.CancelledError:
            # whoever set a deadline has had enough of waiting
            self._destroy_sessions()
            raise

    # --- settings -------------------------------------------------------------------------

    def set_timeout(
        self, seconds: float = 0, callback: Callable[..., Any] | None = None
    ) -> Http2Server:
        """Emit ``timeout(session)`` after *seconds* without activity on a new session.

        Without a listener the session is destroyed. *callback* becomes a listener.
        Raises ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """
        seconds = check_timeout(seconds)
        if callback is not None:
            if not callable(callback):
                raise new_error("ERR_INVALID_ARG_TYPE", "callback", "a callable", callback)
            self.on("timeout", callback)
        self.timeout = seconds
        return self

    def _unknown_protocol(self, transport: asyncio.Transport) -> None:
        transport.close()

    def _listener_failed(self, error: Exception, event: str, args: tuple[Any, ...]) -> None:
        if event == "stream" and args and isinstance(args[0], Http2Stream):
            args[0]._handler_failed(error, event)
            return
        logger.error("%r: a listener of %r raised", self, event, exc_info=error)
        if event == "session" and args and isinstance(args[0], Http2Session):
            args[0].destroy(None, NGHTTP2_INTERNAL_ERROR)


class Http2SecureServer(Http2Server):
    """A server that speaks HTTP/2 over TLS, chosen by ALPN (``h2``)."""

    def __init__(self, options: SessionOptions, context: ssl.SSLContext) -> None:
        super().__init__(options)
        self._context = context


def create_server(**options: Any) -> Http2Server:
    """Make a server for HTTP/2 in the clear; `Http2Server.listen` starts it.

    Options: those of `SessionOptions`. Raises ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE,
    ERR_HTTP2_INVALID_SETTING_VALUE, `TypeError` for unknown options.
    """
    session_options = SessionOptions.take(
        options, least_pairs=4, unused=("max_reserved_remote_streams",)
    )
    reject_unknown(options, "create_server")
    return Http2Server(session_options)


def create_secure_server(**options: Any) -> Http2SecureServer:
    """Make a server for HTTP/2 over TLS 1.2 or later; `Http2Server.listen` starts it.

    Options: those of `SessionOptions`, and the server's identity: ``ssl_context`` (an
    `ssl.SSLContext`; its ALPN is set to ``h2``), or ``cert`` and ``key`` (paths or PEM
    bytes), ``passphrase``, ``ca``, ``request_cert`` (ask clients for a certificate) and
    ``reject_unauthorized`` (True: refuse those without a valid one). Raises like
    `create_server`, and `ssl.SSLError`, `OSError` for the identity.
    """
    session_options = SessionOptions.take(
        options, least_pairs=4, unused=("max_reserved_remote_streams",)
    )
    context = server_context(options)
    reject_unknown(options, "create_secure_server")
    return Http2SecureServer(session_options, context)
