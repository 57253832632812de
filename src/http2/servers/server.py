"""Define `Http2Server`: listening and closing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ..common.checks import check_integer
from ..common.closing import Closable, Completion
from ..common.emitter import EventEmitter, logger
from ..common.futures import retrieve
from ..common.log_limit import limit
from ..common.references import Referenced, count_closed, interrupted
from ..common.tasks import start
from ..common.timers import check_timeout
from ..constants import NGHTTP2_INTERNAL_ERROR
from ..errors import Http2Error, new_error
from ..net.connections import Connections
from ..net.listener import Listener, SocketFile, has_file, open_path, open_port, take_socket
from ..net.raw_socket import RawSocket
from ..net.socket import shown_address
from ..sessions.options import SessionOptions
from ..sessions.server_session import ServerHttp2Session
from ..sessions.session import Http2Session
from ..sessions.upkeep.deadlines import Queue
from ..settings import Settings
from ..streams.stream import Http2Stream
from ..streams.unanswered import check_answered
from ..tls.contexts import HTTP1
from ..tunnels.carriers import bind, carry, identity
from .accept import ServerProtocol
from .runner import GRACE
from .shutdown import Shutdown
from .unknown_protocol import unknown_protocol

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from ..common.tasks import Work
    from ..listening import ServerEvents
    from ..net.proxy_protocol import Networks
    from ..tls.accept import TlsProtocol
    from ..tls.interfaces import Expires
    from ..tunnels.carriers import Carrying
    from .interfaces import Requested, ServedConnection, ServesHttp1

__all__ = ["Http2Server"]


# Events whose first argument is a request of the Compatibility API. The last argument of
# ``connect`` for an HTTP/1 client is bytes: its connection has left HTTP, its request is over.
OF_REQUESTS = frozenset({"request", "check_continue", "check_expectation", "connect"})


# Events of each request: they are emitted without a detour.
FREQUENT = frozenset({"stream", "request"})
# Events whose listeners answer a request.
ANSWERED = OF_REQUESTS | {"stream"}


class Http2Server(Closable, Referenced):
    """A server for HTTP/2 in the clear (h2c with prior knowledge).

    Events: ``check_continue(request, response)``, ``check_expectation(request, response)``,
    ``close``, ``connect(request, response)``, ``connection(socket)``, ``error(error)``,
    ``listening``, ``request(request, response)``, ``session(session)``,
    ``session_error(error, session)``, ``stream(stream, headers, flags, raw_headers)``,
    ``timeout(session)``, ``upgrade(request, socket, head)``.
    """

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: ServerEvents  # type: ignore[assignment]
        once: ServerEvents  # type: ignore[assignment]
        add_listener: ServerEvents  # type: ignore[assignment]
        prepend_listener: ServerEvents  # type: ignore[assignment]
        prepend_once_listener: ServerEvents  # type: ignore[assignment]

    # See `http2.common.interfaces.EmitsRequests`.
    everyday: dict[str, tuple[Callable[..., object], int]] = {}  # noqa: RUF012 (never changed in place)

    listening: bool = False
    """Whether the server accepts connections."""

    timeout: float = 0
    """Seconds without activity until a new session times out; 0 for never."""

    should_upgrade_callback: Callable[[Any], object] | None = None
    """A function that decides whether to accept an HTTP/1 client's ``Upgrade``.

    It may be set at any time. It is called with the `Http1IncomingMessage` for each offer while
    ``upgrade`` has listeners. If it returns a false value, the offer is ignored, and the request is
    served like others (RFC 9110 section 7.8). None: every offer is accepted. If it raises, the
    client gets 500.
    """

    _listener: Listener | None = None
    # `listen` while it is running.
    _beginning: asyncio.Task[Http2Server] | None = None
    _opening_port = False
    loop: asyncio.AbstractEventLoop
    closing = False
    tls_context: ssl.SSLContext | None = None
    origins: Sequence[str] = ()
    _shutdown: Shutdown | None = None
    # Set by the Compatibility API, which is above this module: the listener of ``stream`` that
    # emits ``request``, and the function that takes over connections of HTTP/1 clients.
    on_first_request: Callable[..., object] | None = None
    serves_http1: ServesHttp1 | None = None
    # Seconds that a client in the clear has to send the first bytes of its protocol; 0: no limit.
    first_bytes_timeout: float = 0

    # Networks of proxies that use the PROXY protocol; None: connections have no PROXY header.
    proxies: Networks | None = None

    def __init__(self, options: SessionOptions, max_connections: int | None = None) -> None:
        self.options = options
        self._max_connections = max_connections
        self.handshake_timeout = options.handshake_timeout
        self.open_connections = Connections(self._room_again)
        # callbacks for the beginning of `close`
        self._endless: set[Callable[[], object]] = set()
        self._sessions: set[ServedConnection] = set()
        # connections that wait for their PROXY header
        self._headers: set[asyncio.Task[None]] = set()
        # connections whose protocol is still unknown
        self._unproven: Queue[Expires] | None = None

    def __repr__(self) -> str:
        if self._listener is not None:
            state = f"on {shown_address(self.address())}"
        else:
            state = "closed" if self.closing else "not listening"
        return f"<{type(self).__name__} {state}, {self.connections} connections>"

    @property
    def connections(self) -> int:
        """The number of connections, of every protocol and in every state.

        Includes connections in a TLS handshake, and injected ones.
        """
        return len(self.open_connections)

    # --- listening ----------------------------------------------------------------------

    def listen(
        self,
        port: int = 0,
        host: str | None = None,
        *,
        path: str | None = None,
        sock: socket.socket | None = None,
        backlog: int = 511,
        reuse_port: bool = False,
        mode: int | None = None,
    ) -> asyncio.Task[Http2Server]:
        """Accept connections on *port* (0: any free one) of *host* (None: every address).

        Begins at the call, awaited or not; awaitable: until the server listens.

        Pauses at ``max_connections``, and when the system has no room for another connection,
        such as without open files to spare; clients wait in the *backlog* then.

        *path* is a Unix socket instead, whose file gets the permissions *mode* (such as 0o660; by
        default the umask applies) and is removed when the server stops listening. *sock* is an
        already bound socket. Emits ``listening``. Awaiting raises `OSError` if the
        address is not available, which is also emitted as ``error``; the call raises RuntimeError
        if the server is already listening, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE and
        ERR_OUT_OF_RANGE for a wrong *mode*.
        """
        if mode is not None:
            check_integer("mode", mode, 0, 0o777)
            if path is None or not has_file(path):
                raise new_error("ERR_INVALID_ARG_VALUE", "mode", mode)
        if self._listener is not None or self._opening_port:
            raise RuntimeError("the server is already listening")
        self.loop = asyncio.get_running_loop()
        self._opening_port = True
        beginning = start(self._listen(port, host, path, sock, backlog, reuse_port, mode))
        beginning.add_done_callback(retrieve)
        self._beginning = beginning
        return beginning

    async def _listen(
        self,
        port: int,
        host: str | None,
        path: str | None,
        sock: socket.socket | None,
        backlog: int,
        reuse_port: bool,
        mode: int | None,
    ) -> Http2Server:
        file: SocketFile | None = None
        loop = self.loop
        self.closing = False
        self.told = False
        self._shutdown = None
        try:
            if path is not None:
                bound, file = open_path(path, mode)
                sockets = [bound]
            elif sock is not None:
                sockets = [take_socket(sock)]
            else:
                sockets = await open_port(loop, host, port, reuse_port)
            if self.closing:
                # the server was closed during the name look-up
                for opened in sockets:
                    opened.close()
                return self
            listener = Listener(self, sockets, backlog, self._max_connections, file)
        except OSError as error:
            self.emit("error", error)  # a listener is optional: awaiting raises it
            raise
        finally:
            self._opening_port = False
        self._listener = listener
        self.listening = True
        self.count_open(loop)
        self.emit("listening")
        return self

    def _protocol(
        self, *, shake_hands: bool = True, known: bool = False
    ) -> ServerProtocol | TlsProtocol:
        """Create the protocol for a connection on which TLS, if used, has not begun.

        Without *shake_hands*, TLS has begun. *known*: the application has injected the connection.
        """
        session = ServerHttp2Session(self.loop, self.options, self)
        made = ServerProtocol(self, session, known=known)
        if self.tls_context is None or not shake_hands:
            return made
        # Python may lack `ssl`
        from ..tls.accept import TlsProtocol

        return TlsProtocol(self, made)

    def new_connection(self) -> asyncio.BufferedProtocol:
        """Return the protocol for an accepted connection, and count the connection."""
        protocol = self._protocol()
        self.open_connections.opening.add(protocol)
        return protocol

    def await_header(self, task: asyncio.Task[None]) -> None:
        """Record that the connection of *task* begins with a PROXY header."""
        self._headers.add(task)
        task.add_done_callback(self._headers.discard)

    async def learn_client(
        self, protocol: asyncio.BufferedProtocol, accepted: socket.socket
    ) -> None:
        """Read the PROXY header from *accepted*. Raises `OSError`."""
        from ..net.proxy_protocol import read_header

        assert self.proxies is not None
        seconds = self.options.handshake_timeout or self.first_bytes_timeout
        try:
            claimed = await read_header(self.loop, accepted, self.proxies, seconds)
        except ConnectionResetError:
            raise  # nothing was refused: health checks of proxies end like this
        except OSError as error:
            text = str(error) or f"no PROXY header received within {seconds:g} s"
            limit.warn("PROXY", None, "%r: connection refused: %s", self, text)
            raise
        if claimed is not None:
            cast("ServerProtocol | TlsProtocol", protocol).claim(claimed)

    def speaks(self, offered: Sequence[bytes]) -> bool:
        """Return whether the server supports one of the ALPN protocols of a client."""
        return b"h2" in offered or (
            self.serves_http1 is not None and any(name.encode() in offered for name in HTTP1)
        )

    def emit(self, event: str, *args: object) -> bool:
        """Emit *event*; ``emit("connection", x)`` injects a connection into the server.

        *x* is an asyncio ``(reader, writer)`` pair, a connected `socket.socket`, or a
        stream of this library; the server closes it. A secure server performs its TLS
        handshake on a socket; for a pair it must be done already. Raises
        ERR_HTTP2_SOCKET_BOUND if *x* already carries a session, ERR_INVALID_ARG_TYPE.
        """
        if event == "connection":
            self._inject(*cast("tuple[Carrying]", args))
            super().emit(event, *args)
            return True
        return super().emit(event, *args)

    def _listeners_changed(self, event: str, *, added: bool) -> None:
        if event in FREQUENT:
            others = {name: known for name, known in self.everyday.items() if name != event}
            found = (self._listeners or {}).get(event)
            if found and len(found) == 1 and not found[0].once:
                others[event] = found[0].function, found[0].arity
            self.everyday = others
        if event == "request" and self.on_first_request is not None:
            listener, self.on_first_request = self.on_first_request, None
            self.on("stream", listener)

    def introduce(self, transport: asyncio.Transport) -> None:
        """Emit ``connection`` for a connection that the server itself has accepted."""
        if self._listeners is not None:
            EventEmitter.emit(self, "connection", transport)

    def admit(self, protocol: object, transport: asyncio.Transport) -> bool:
        """Count the connection; abort it and return False if the server is already closed."""
        if self.told:
            # it was accepted after the server had closed its last connection
            self.open_connections.never_begun(protocol)
            transport.abort()
            return False
        self.open_connections.begun(protocol, transport)
        return True

    def _room_again(self) -> None:
        if self._listener is not None:
            self._listener.room_again()
        elif self.closing and not self.open_connections:
            # later: its session calls its own listeners first
            self.loop.call_soon(self._end_if_idle)

    def await_handshake(self, protocol: Expires) -> None:
        """Start the ``handshake_timeout`` of *protocol*, unless it is running."""
        seconds = self.handshake_timeout
        if seconds:
            if self._unproven is None:
                self._unproven = Queue(self.loop, seconds, lambda late: late.expire())
            self._unproven.add(protocol)

    def proven(self, protocol: Any) -> None:
        """Stop the time limit of *protocol*: its client uses another protocol, or has left."""
        if self._unproven is not None:
            self._unproven.discard(protocol)

    def _inject(self, connection: Carrying) -> None:
        loop = self.loop = asyncio.get_running_loop()
        carried = identity(connection)
        if (
            self.tls_context is not None
            and not isinstance(carried, socket.socket)
            and (
                not isinstance(carried, asyncio.StreamWriter)
                or carried.get_extra_info("ssl_object") is None
            )
        ):
            raise new_error("ERR_INVALID_ARG_VALUE", "connection", connection)
        bind(connection)

        if not isinstance(connection, socket.socket):
            carry(loop, connection, lambda: self._protocol(shake_hands=False, known=True))
            return
        under_way = carry(loop, connection, lambda: self._protocol(known=True), ssl=None)
        assert under_way is not None

        async def begin() -> None:
            try:
                await under_way
            except OSError as error:
                logger.debug("%r: an injected connection failed: %r", self, error)

        self.adopt({loop.create_task(begin())})

    def take_over(self, transport: asyncio.Transport, data: bytes = b"") -> ServerHttp2Session:
        """Serve HTTP/2 on *transport*, a connection accepted by another asyncio server.

        *transport* is established; over TLS its handshake is done, and ALPN has selected
        ``h2``. *data* are the bytes that were already read from it. The server, which need not
        listen, replaces its protocol. Returns the connection's session, after it has emitted
        `session` and the requests in *data*.
        """
        loop = self.loop = asyncio.get_running_loop()
        session = ServerHttp2Session(loop, self.options, self)
        protocol = ServerProtocol(self, session)
        protocol.begin(transport, data)
        return session

    def address(self) -> Any:
        """Return the ``(host, port)`` of the listening socket (longer for IPv6), or the Unix path.

        None when it does not listen.
        """
        return None if self._listener is None else self._listener.sockets[0].getsockname()

    async def serve_forever(self) -> None:
        """Listen (on a free port, unless `listen` was called) until the server is closed.

        If the task is cancelled, the server is closed and its sessions are destroyed at once; if a
        signal has ended `run`, requests in progress have 3 seconds first.
        """
        try:
            if self._opening_port and self._beginning is not None:
                await self._beginning
            elif self._listener is None and not self.closing:
                await self.listen()
            await self._wait_closed()
        except asyncio.CancelledError:
            if interrupted(self):
                await self._end_within(GRACE)
            self.close()
            self._destroy_sessions()
            raise

    # --- the end ------------------------------------------------------------------------

    def close(self, *, timeout: float | None = None) -> Completion:
        """Stop accepting connections; awaiting waits until every session is closed.

        Sessions continue until their clients leave; to end them too, use ``async with`` or
        *timeout*. WebSockets are closed with 1001 (going away) in any case. With *timeout*
        every client gets GOAWAY, in two steps so that no request is lost (RFC 9113 section
        6.8), streams may finish, and remaining sessions are destroyed after *timeout* seconds.
        Raises ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """
        if timeout is not None:
            timeout = check_timeout(timeout, "timeout")
        if not self.closing:
            self.closing = True
            self._tell_endless()
            self.listening = False
            listener, self._listener = self._listener, None
            if listener is not None:
                if timeout is not None:
                    listener.accept_waiting()
                listener.close()
            if listener is not None or self.open_connections.transports:
                self.loop.call_soon(self._end_if_idle)
            else:
                self._emit_close()
        if timeout is not None and not self.told:
            if self._shutdown is not None:
                self._shutdown.cancel()
            self._shutdown = Shutdown(
                self.loop,
                timeout,
                self._sessions,
                drop_silent=lambda: self._drop_silent(handed_over=False),
                destroy=self._end_late,
                abort=self._abort_all,
            )
        return Completion(self)

    async def _end_within(self, seconds: float) -> None:
        """Close within *seconds*, or at once if the task is cancelled meanwhile."""
        try:
            await self.close(timeout=seconds)
        except asyncio.CancelledError:
            self._destroy_sessions()
            raise

    def call_at_close(self, callback: Callable[[], object]) -> None:
        """Call *callback* once when the server begins to close, or soon if it already has.

        For exchanges without an end, such as WebSockets, which then end themselves.
        """
        if self.closing:
            self.loop.call_soon(callback)
        else:
            self._endless.add(callback)

    def forget_at_close(self, callback: Callable[[], object]) -> None:
        """Cancel *callback*, whose exchange has ended."""
        self._endless.discard(callback)

    def _tell_endless(self) -> None:
        endless, self._endless = self._endless, set()
        for callback in endless:
            callback()

    def _emit_close(self) -> None:
        super()._emit_close()
        count_closed(self)
        if self._shutdown is not None:
            self._shutdown.cancel()
        if self._unproven is not None:
            self._unproven.stop()
            self._unproven = None

    def end_gently(self) -> None:
        self._tell_endless()
        for session in tuple(self._sessions):
            session.close()
        self._drop_silent()
        self.close()

    def end_now(self) -> None:
        self.close()
        self._destroy_sessions()

    def _end_late(self) -> None:
        """Handle the expired deadline of `close`."""
        self._destroy_sessions()
        self._cancel_tasks()

    def _abort_all(self) -> None:
        for transport in tuple(self.open_connections.transports):
            transport.abort()

    def _destroy_sessions(self) -> None:
        for session in tuple(self._sessions):
            session.destroy()
        self._drop_silent()

    def _drop_silent(self, *, handed_over: bool = True) -> None:
        """End the connections without a session: nothing is lost there.

        Includes connections of ``unknown_protocol`` listeners and those in a TLS handshake,
        unless *handed_over* is False.
        """
        speaking: set[object] = {session.transport for session in self._sessions}
        if not handed_over:
            speaking.update(self.open_connections.handed_over)
            speaking.update(self.open_connections.handshakes)
        for transport in tuple(self.open_connections.transports):
            if transport not in speaking:
                transport.close()
        for task in self._headers:
            task.cancel()

    def serve(self, connection: ServedConnection) -> None:
        """Register *connection*, whose protocol is known: the server ends it when it closes."""
        self._sessions.add(connection)

    def end_with_others(self, connection: ServedConnection) -> None:
        """Begin the end of *connection* if the server ends with a deadline."""
        if self._shutdown is not None:
            self._shutdown.tell(connection)

    def session_begins(self, session: ServerHttp2Session) -> None:
        """Handle the established connection of *session*, and emit ``session``."""
        self.serve(session)
        if not session.destroyed:
            if self.timeout:
                session.set_timeout(self.timeout)
            if self.origins:
                session.origin(*self.origins)
            self.emit("session", session)
        self.end_with_others(session)

    def session_gone(self, session: ServedConnection) -> None:
        self._sessions.discard(session)
        if self.closing:
            self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self.closing and not self._sessions and not self.open_connections:
            if self._tasks:
                # handlers whose streams ended normally may finish
                for task in tuple(self._tasks):
                    task.add_done_callback(lambda _: self.loop.call_soon(self._end_if_idle))
                return
            self._emit_close()

    async def __aenter__(self) -> Http2Server:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tell_endless()
        if isinstance(error, asyncio.CancelledError) and interrupted(self):
            await self._end_within(GRACE)
            return
        for session in tuple(self._sessions):
            if error is None:
                session.close()
            else:
                session.destroy()
        self._drop_silent()
        try:
            await self.close()
        except asyncio.CancelledError:
            # the caller's deadline has passed: do not wait any longer
            self._destroy_sessions()
            raise

    # --- settings -------------------------------------------------------------------------

    def set_timeout(
        self, seconds: float = 0, callback: Callable[..., object] | None = None
    ) -> Http2Server:
        """Emit ``timeout(session)`` after *seconds* without activity on a new session.

        In the clear, a connection that sends nothing counts as a session too. Without a listener,
        the session is destroyed. *callback* becomes a listener.
        Raises ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """
        seconds = check_timeout(seconds)
        if callback is not None:
            if not callable(callback):
                raise new_error("ERR_INVALID_ARG_TYPE", "callback", "a callable", callback)
            self.on("timeout", callback)
        self.timeout = seconds
        return self

    def update_settings(self, settings: Settings | Mapping[str, object]) -> None:
        """Change the settings of future sessions; settings that are not given do not change.

        Established sessions keep theirs: see `Http2Session.settings`. Raises
        ERR_HTTP2_INVALID_SETTING_VALUE, ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS,
        ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE.
        """
        if settings is None:
            raise new_error("ERR_INVALID_ARG_TYPE", "settings", "a Settings or a mapping", settings)
        changes = Settings.of(settings)
        # a new object: the old one may still be in use
        self.options.settings = Settings.of(
            Settings.from_pairs([*self.options.settings.to_pairs(), *changes.to_pairs()])
        )

    def watch_http1(self, watcher: Any, begin: bool) -> None:
        """Start or stop reports about HTTP/1 exchanges to *watcher*."""
        if self.serves_http1 is not None:
            self.serves_http1.watch(watcher, begin)

    def take_unknown(self, transport: asyncio.Transport) -> None:
        """Handle a client that offers no protocol of the server: see `unknown_protocol`."""
        unknown_protocol(self, transport)

    def task_owner(self, event: str, args: tuple[Any, ...]) -> EventEmitter:
        if event in OF_REQUESTS and args and not isinstance(args[-1], bytes):
            stream: EventEmitter = args[0].stream
            return stream
        if args and event in ("stream", "session") and isinstance(args[0], EventEmitter):
            return args[0]
        return self

    def listener_ended(self, work: Work[object], event: str, args: tuple[object, ...]) -> None:
        # the ``connect`` of an HTTP/1 client has left HTTP: no response is expected
        if event in ANSWERED and args and not isinstance(args[-1], bytes):
            check_answered(work, self, event, args)

    def listener_raised(self, error: Exception, event: str, args: tuple[object, ...]) -> None:
        if event == "stream" and args and isinstance(args[0], Http2Stream):
            args[0].handler_failed(error, event)
            return
        if event in OF_REQUESTS and args and not isinstance(args[-1], bytes):
            cast("Requested", args[0]).stream.handler_failed(error, event)
            return
        handed_over = [arg for arg in args if isinstance(arg, RawSocket)]
        if isinstance(error, Http2Error) and any(
            socket.destroyed or socket.writer.is_closing() for socket in handed_over
        ):
            # as for a stream: the exception only reports the end of the connection
            logger.debug("%r: a listener of %r: %r", self, event, error)
            return
        logger.error("%r: a listener of %r raised", self, event, exc_info=error)
        for raw_socket in handed_over:
            raw_socket.destroy()
        if event == "session" and args and isinstance(args[0], Http2Session):
            args[0].destroy(None, NGHTTP2_INTERNAL_ERROR)
