"""Run ASGI 3 applications on this library's server: `Handler` is a server's handler.

::

    handler = http2.asgi.Handler(app)
    server = http2.create_server(handler, allow_http1=True)
    async with handler.lifespan():
        await server.listen(8000)
        await server.serve_forever()
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary

from .. import (
    Headers,
    Http1IncomingMessage,
    Http1ServerResponse,
    Http2Server,
    Http2ServerRequest,
    Http2ServerResponse,
    RawSocket,
)
from .exchange import ClientDisconnected, Exchange
from .lifespan import Lifespan, LifespanError
from .shared_scope import SharedScope
from .steps import StreamListenerBase
from .types import Application

__all__ = ["ClientDisconnected", "Handler", "LifespanError"]

REFUSAL = b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Handler(StreamListenerBase):
    """A listener of ``request`` that answers with an ASGI 3 application.

    *app* is called once for each request, in a separate task. *root_path* is the prefix that a
    proxy has removed from the paths: it is added to ``path`` again, and is the scope's
    ``root_path``. *state* is the lifespan's state, of which each request gets a copy.

    If the client disconnects, the application is not cancelled: it gets ``http.disconnect``, and
    `send` raises `ClientDisconnected`. An exception in an application is logged once, on the logger
    ``http2.asgi``, and answered with 500, or with a reset if the response has begun.
    """

    app: Application
    """The application."""

    root_path: str
    """The prefix of every path."""

    state: dict[str, Any]
    """The lifespan's state, of which each request gets a copy."""

    def __init__(
        self, app: Application, *, root_path: str = "", state: dict[str, Any] | None = None
    ) -> None:
        if not callable(app):
            raise TypeError(f"an ASGI application must be a callable, not {app!r}")
        self.app = app
        self.root_path = root_path.rstrip("/")
        self.state = {} if state is None else state
        self._tasks: set[asyncio.Task[None]] = set()
        # requests over HTTP/2 need no objects of the Compatibility API, unless a subclass does
        self._takes_streams = type(self).__call__ is Handler.__call__
        # by connection of HTTP/1, which does not report its end
        self._http1_connections: WeakKeyDictionary[object, SharedScope] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.app!r}, {len(self._tasks)} running>"

    def __call__(
        self,
        request: Http2ServerRequest | Http1IncomingMessage,
        response: Http2ServerResponse | Http1ServerResponse,
    ) -> None:
        """Start the application, which answers *request*."""
        stream = request.stream
        session: object = stream.session
        if session is None:
            connection = self._http1_connection(request)
        else:
            connection = self._http2_connection(session, stream)
        Exchange.begin(connection, stream, request.headers, request.method, request.url, response)

    def attached(self, server: Http2Server) -> None:
        """Serve the WebSockets of *server* too; `create_server` calls this method.

        Announces WebSockets over HTTP/2 to clients (RFC 8441), unless the package ``wsproto``
        is missing. With ``allow_http1``, WebSockets over HTTP/1.1 are served as well; offers of
        other protocols are ignored, unless ``upgrade`` has other listeners or
        `Http2Server.should_upgrade_callback` was set before.
        """
        if find_spec("wsproto") is not None:
            from ..websocket import is_websocket_request

            server.update_settings({"enable_connect_protocol": True})
            server.on("connect", self._on_connect)

            def others_listen() -> bool:
                return server.listener_count("upgrade") > 1

            def on_upgrade(request: Http1IncomingMessage, socket: RawSocket) -> None:
                if is_websocket_request(request) or not others_listen():
                    self._on_upgrade(request, socket)

            server.on("upgrade", on_upgrade)
            if server.should_upgrade_callback is None:
                # other offers may be for the application's own listeners
                server.should_upgrade_callback = lambda request: (
                    is_websocket_request(request) or others_listen()
                )

    def _on_connect(self, request: Any, response: Any) -> None:
        from ..websocket import ServerHandshake, is_websocket_request
        from .websocket import WebSocketExchange

        if isinstance(response, RawSocket):
            # HTTP/1: this server is not a proxy
            response.writer.write(REFUSAL)
            response.writer.close()
        elif is_websocket_request(request):
            handshake = ServerHandshake(request)
            if handshake.problem is not None:
                handshake.reject()
                return
            session: object = request.stream.session
            connection = self._http2_connection(session, request.stream)
            WebSocketExchange.begin(connection, handshake, request.stream)
        else:
            response.status_code = 405
            response.end()

    def _on_upgrade(self, request: Http1IncomingMessage, socket: RawSocket) -> None:
        from ..websocket import ServerHandshake
        from .websocket import WebSocketExchange

        handshake = ServerHandshake(request)
        if handshake.problem is not None:
            handshake.reject()
            return
        peer, local = socket.get_extra_info("peername"), socket.get_extra_info("sockname")
        connection = self._connection(
            socket,
            request.http_version,
            False,
            client=tuple(peer[:2]) if isinstance(peer, tuple) else None,
            server=tuple(local[:2]) if isinstance(local, tuple) else (local, None),
        )
        WebSocketExchange.begin(connection, handshake)

    def _take_other(self, stream: Any, headers: Headers) -> None:
        connection = self._http2_connection(stream.session, stream)
        Exchange.begin(connection, stream, headers, headers[":method"], headers[":path"])

    def _http2_connection(self, session: Any, stream: Any) -> SharedScope:
        """Return the common data of the requests of *session*, of which *stream* is one."""
        known = self._connections.get(session)
        if isinstance(known, SharedScope):
            return known
        ends = _ends(session.socket)
        made = self._connection(session.socket, "2", stream.push_allowed, **ends)
        if not session.destroyed:
            self._connections[session] = made
            session.once("close", lambda: self._connections.pop(session, None))
        return made

    def _http1_connection(self, request: Any) -> SharedScope:
        """Return the common data of the requests of an HTTP/1 connection."""
        owner = request.stream.owner
        known = self._http1_connections.get(owner)
        if known is None or known.http_version != request.http_version:
            socket = request.socket
            known = self._connection(socket, request.http_version, False, **_ends(socket))
            self._http1_connections[owner] = known
        return known

    def _connection(
        self, socket: Any, http_version: str, push: bool, *, client: Any, server: Any
    ) -> SharedScope:
        return SharedScope(
            self.app,
            socket,
            http_version=http_version,
            root_path=self.root_path,
            state=self.state,
            tasks=self._tasks,
            client=client,
            server=server,
            push=push,
        )

    @asynccontextmanager
    async def lifespan(
        self, *, startup_timeout: float | None = 120, shutdown_timeout: float | None = 30
    ) -> AsyncIterator[dict[str, Any]]:
        """Start the application, and shut it down at the end of the block; yields its state.

        At the end of the block, running requests, including background
        tasks, have *shutdown_timeout* seconds to finish, and then the application has the same time
        to shut down; the rest is cancelled. None means no limit.

        Raises `LifespanError` if the application reports that it cannot start or shut down, or
        takes too long. Applications without lifespan support are served too.
        """
        lifespan = Lifespan(self.app, self.state)
        await lifespan.startup(startup_timeout)
        try:
            yield self.state
        finally:
            try:
                await self.finish(shutdown_timeout)
            finally:
                await lifespan.shutdown(shutdown_timeout)

    async def finish(self, timeout: float | None = None) -> None:
        """Wait for running requests; cancel those that remain after *timeout* seconds."""
        current = asyncio.current_task()
        tasks = {task for task in self._tasks if task is not current}
        if tasks:
            try:
                _, left = await asyncio.wait(tasks, timeout=timeout)
            except asyncio.CancelledError:
                for task in tasks:
                    task.cancel()
                raise
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=timeout)


def _ends(socket: Any) -> dict[str, object]:
    """Return the addresses of *socket*, of a session or a request, in ASGI's form."""
    client, server = socket.remote_address, socket.local_address
    return {
        "client": None if socket.remote_port is None else (client, socket.remote_port),
        "server": (server, socket.local_port) if server else None,
    }
