"""HTTP/2 for uvicorn: ``uvicorn app:app --http http2.uvicorn:Http2Protocol``.

Processes, reload, signals, logging, the lifespan and all options remain uvicorn's. HTTP/2
connections, by ALPN over TLS or with prior knowledge without TLS, are served here. HTTP/1.1
connections are passed to uvicorn's own protocol, and nothing changes for them, WebSockets
included.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, cast
from weakref import WeakKeyDictionary, WeakSet

from uvicorn.logging import TRACE_LOG_LEVEL
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.utils import (
    get_client_addr,
    get_local_addr,
    get_path_with_query_string,
    get_remote_addr,
)

from . import Headers, ServerHttp2Session, ServerHttp2Stream, create_server
from .asgi.exchange import Exchange
from .asgi.shared_scope import SharedScope, only_creates
from .asgi.steps import StreamListenerBase
from .asgi.types import Scope

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from .asgi.websocket import WebSocketExchange

__all__ = ["Http2Protocol"]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Seconds that a client has to acknowledge the first GOAWAY of a shutdown.
PATIENCE = 1.0
# Seconds that a connection has to send its first bytes when the server shuts down: it was accepted
# already, so a request may be on its way.
LAST_MOMENT = 0.5
# Idle seconds for ``timeout_keep_alive=0``, which means "at once" for uvicorn.
AT_ONCE = 0.001

logger = logging.getLogger("uvicorn.error")
access_logger = logging.getLogger("uvicorn.access")


# The servers that are shutting down.
_ending: WeakSet[ServerState] = WeakSet()


class Http2Protocol(asyncio.Protocol):
    """A connection that uvicorn has accepted, until its protocol is known."""

    alpn_protocols: ClassVar[list[str]] = ["h2", "http/1.1"]
    """The protocols that uvicorn offers by ALPN."""

    _transport: asyncio.Transport
    _session: ServerHttp2Session | None = None
    # created for the first request: then the client's SETTINGS are known
    _requests: _Requests | None = None

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self.config = config
        self.server_state = server_state
        self.app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        # the client's first bytes, while they are incomplete
        self._first = b""
        # whether the server is shutting down
        self._ending = False
        self._websockets: set[WebSocketExchange] = set()

    @property
    def transport(self) -> asyncio.Transport:
        """The connection's transport, as in uvicorn's own protocols."""
        return self._transport

    # --- asyncio's side ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Choose the protocol by ALPN; without TLS, wait for the first bytes."""
        # uvloop's transports do not inherit from asyncio's
        self._transport = cast("asyncio.Transport", transport)
        # the shutdown may have begun during the TLS handshake
        self._ending = self.server_state in _ending
        tls = transport.get_extra_info("ssl_object")
        if tls is None:
            # the first bytes decide
            self.server_state.connections.add(cast("Any", self))
            if self._ending:
                self.shutdown()
        elif tls.selected_alpn_protocol() == "h2":
            self._speak_http2()
        else:
            self._speak_http1()

    def data_received(self, data: bytes) -> None:
        """Choose the protocol by the first bytes of a connection without TLS."""
        self._first += data
        if self._first.startswith(PREFACE):
            self._speak_http2()
        elif not PREFACE.startswith(self._first):
            self._speak_http1()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection that was lost before its protocol was known."""
        self._forget()

    # --- the connection's protocol -----------------------------------------------------------

    def _speak_http1(self) -> None:
        self._forget()
        protocol: Any = AutoHTTPProtocol
        http1 = protocol(
            config=self.config,
            server_state=self.server_state,
            app_state=self.app_state,
            _loop=self._loop,
        )
        self._transport.set_protocol(http1)
        http1.connection_made(self._transport)
        if self._first:
            http1.data_received(self._first)
        if self._ending:
            http1.shutdown()

    def _speak_http2(self) -> None:
        self.server_state.connections.add(cast("Any", self))
        first, self._first = self._first, b""
        _Sessions.of(self).begin(self, self._transport, first)

    def begun(self, session: ServerHttp2Session) -> None:
        """Store the *session* of the connection."""
        self._session = session
        session.once("close", self._ended)
        self._trace("HTTP/2 connection made")
        if self._ending:
            self.shutdown()

    def on_stream(self, stream: ServerHttp2Stream, headers: Headers) -> None:
        """Start the application for a request."""
        method = headers[":method"]
        requests = self._requests
        config = self.config
        if requests is None:
            requests = self._requests = _Requests(self, stream, self._transport)
            if config.limit_concurrency is None and not config.reset_contextvars:
                _Sessions.of(self).skip_protocol(self._session, requests)
        limit = config.limit_concurrency
        app = None
        if limit is not None:
            state = self.server_state
            if len(state.connections) >= limit or len(state.tasks) >= limit:
                app = service_unavailable
                logger.warning("Exceeded concurrency limit.")
        if method == "CONNECT":
            self._connect(requests, stream, headers, full=app is not None)
            return
        Exchange.begin(
            requests,
            stream,
            headers,
            method,
            headers[":path"],
            app=app,
            context=Context() if config.reset_contextvars else None,
        )

    def _connect(
        self, requests: _Requests, stream: ServerHttp2Stream, headers: Headers, *, full: bool
    ) -> None:
        """Answer a request for a WebSocket; any other CONNECT is refused, as this is no proxy."""
        config = self.config
        if headers.get(":protocol") != "websocket" or not _serves_websockets(config):
            stream.respond({":status": 405}, end_stream=True)
            return
        from .asgi.websocket import WebSocketExchange
        from .websocket import ServerHandshake

        handshake = ServerHandshake(
            stream,
            max_size=config.ws_max_size,
            max_queue=config.ws_max_queue,
            compression=config.ws_per_message_deflate,
            ping_interval=config.ws_ping_interval or None,
            ping_timeout=config.ws_ping_timeout or None,
        )
        if full or handshake.problem is not None:
            handshake.reject(503 if full else None)
            return
        context = Context() if config.reset_contextvars else None
        exchange = WebSocketExchange.begin(requests, handshake, stream, context=context)
        self._websockets.add(exchange)
        stream.once("close", lambda: self._websockets.discard(exchange))

    def _ended(self) -> None:
        self._trace("HTTP/2 connection lost")
        self._forget()

    def _forget(self) -> None:
        self.server_state.connections.discard(cast("Any", self))

    def _trace(self, message: str) -> None:
        if logger.level <= TRACE_LOG_LEVEL:
            client = get_remote_addr(self._transport)
            name = f"{client[0]}:{client[1]} - " if client else ""
            logger.log(TRACE_LOG_LEVEL, "%s%s", name, message)

    # --- uvicorn's side ------------------------------------------------------------------------

    def shutdown(self) -> None:
        """Close the connection for the server's shutdown, without losing a request.

        The client gets GOAWAY in two steps (RFC 9113 section 6.8). It has at most `PATIENCE`
        seconds to answer the first. Requests in progress are answered, however long that takes.
        """
        self._ending = True
        _ending.add(self.server_state)
        session = self._session
        if session is None:
            self._loop.call_later(LAST_MOMENT, self._give_up)
        else:
            session.shut_down()
            for websocket in tuple(self._websockets):
                websocket.shutdown()
            hurry = self._loop.call_later(PATIENCE, session.close)
            session.once("close", hurry.cancel)

    def _give_up(self) -> None:
        """Close the connection if it has sent nothing."""
        if self._transport.get_protocol() is self:
            self._transport.close()


class _Requests(SharedScope):
    """The requests of one connection, with uvicorn's logs, counters and headers."""

    def __init__(
        self, protocol: Http2Protocol, stream: ServerHttp2Stream, transport: asyncio.Transport
    ) -> None:
        config = protocol.config
        super().__init__(
            config.loaded_app,
            transport,
            http_version="2",
            root_path=config.root_path,
            state=protocol.app_state,
            tasks=protocol.server_state.tasks,
            # as in uvicorn's own protocols, also for Unix sockets
            client=get_remote_addr(transport),
            server=get_local_addr(transport),
            push=stream.push_allowed,
        )
        self._inner = _within_proxy_headers(config.loaded_app)
        self._server_state = protocol.server_state
        self._access_log = access_logger.hasHandlers()

    def responding(self, scope: Scope, status: int) -> None:
        """Write the line of the access log."""
        told: Any = scope
        access_logger.info(
            '%s - "%s %s HTTP/%s" %d',
            get_client_addr(told),
            scope["method"],
            get_path_with_query_string(told),
            scope["http_version"],
            status,
        )

    def opened(self, scope: Scope, status: int) -> None:
        """Write uvicorn's line for a WebSocket."""
        told: Any = scope
        result = "[accepted]" if status == 101 else status
        path = get_path_with_query_string(told)
        logger.info('%s - "WebSocket %s" %s', get_client_addr(told), path, result)

    def failed(self, scope: Scope, message: str, error: BaseException | None) -> None:
        """Log the failure; if the application has raised, with uvicorn's message."""
        if error is None:
            method = scope.get("method", "WebSocket")
            logger.error("%s: %s %s", message, method, scope["path"][:200])
        else:
            logger.error("Exception in ASGI application\n", exc_info=error)


def _within_proxy_headers(app: Any) -> Any:
    """Return the application in uvicorn's middleware for the headers of proxies; None without it.

    Most requests have no such header: then they need not pass through the middleware.
    """
    if type(app) is not ProxyHeadersMiddleware or not only_creates(app):
        return None
    # not if it was replaced, by a tool that measures
    function: Any = ProxyHeadersMiddleware.__call__
    if function.__globals__["__name__"] != ProxyHeadersMiddleware.__module__:
        return None
    return app.app if only_creates(app.app) else None


def _serves_websockets(config: Config) -> bool:
    """Return whether WebSockets are served: not with ``--ws none``, nor without ``wsproto``."""
    return config.ws_protocol_class is not None and find_spec("wsproto") is not None


class _Sessions(StreamListenerBase):
    """The HTTP/2 connections of one uvicorn server."""

    _known: ClassVar[WeakKeyDictionary[ServerState, _Sessions]] = WeakKeyDictionary()

    def __init__(self, config: Config) -> None:
        self._protocols: dict[object, Http2Protocol] = {}
        # the connection that creates its session at present
        self._beginning: Http2Protocol | None = None
        server = self._server = create_server(
            idle_timeout=config.timeout_keep_alive or AT_ONCE,
            # as over HTTP/1.1: the application's responses are not checked more strictly
            strict_single_value_fields=False,
            settings={"enable_connect_protocol": _serves_websockets(config)},
        )
        server.on("session", self._begun)
        server.on("stream", self._on_stream)

    @classmethod
    def of(cls, protocol: Http2Protocol) -> _Sessions:
        """Return the object for *protocol*'s server."""
        found = cls._known.get(protocol.server_state)
        if found is None:
            found = cls._known[protocol.server_state] = cls(protocol.config)
        return found

    def begin(self, protocol: Http2Protocol, transport: asyncio.Transport, data: bytes) -> None:
        """Create the session of *protocol*, whose first bytes are *data*."""
        self._beginning = protocol
        session = self._server.take_over(transport, data)
        self._beginning = None
        if session not in self._protocols:
            # TLS does not meet HTTP/2's requirements: no session was reported
            session.once("close", lambda: protocol.connection_lost(None))

    def _begun(self, session: ServerHttp2Session) -> None:
        protocol = self._beginning
        assert protocol is not None
        self._protocols[session] = protocol
        session.once("close", lambda: self._forget(session))
        protocol.begun(session)

    def skip_protocol(self, session: ServerHttp2Session | None, requests: _Requests) -> None:
        """Pass further requests of *session* to the application, without a call of its protocol."""
        if session in self._protocols:
            self._connections[session] = requests

    def _forget(self, session: ServerHttp2Session) -> None:
        del self._protocols[session]
        self._connections.pop(session, None)

    def _take_other(self, stream: ServerHttp2Stream, headers: Headers) -> None:
        self._protocols[stream.session].on_stream(stream, headers)
