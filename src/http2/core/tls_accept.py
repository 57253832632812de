"""From a connection that a secure server has accepted to TLS on it, or to the reason why not.

The server does this itself rather than let its loop do it: programs are told of a connection
before its handshake, and of every handshake that fails; and a client that offers
only protocols which nobody speaks here is told so (RFC 7301 section 3.2). The loop's own
protocol for TLS takes over with the ClientHello, and nothing of this is in the way of a connection
that stands.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

from .client_hello import read_client_hello
from .deadlines import Queue
from .emitter import logger
from .transport import _read_buffer

if TYPE_CHECKING:
    import ssl

    from .accept import ServerProtocol
    from .server import Http2Server

__all__ = ["HandshakeSocket", "TlsProtocol"]

# Seconds for a handshake, unless the server's `handshake_timeout` says otherwise: asyncio's own.
HANDSHAKE_TIMEOUT = 60.0

# A record with the fatal alert no_application_protocol, 120 (RFC 8446 section 6).
NO_APPLICATION_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"

EVENT = "tls_client_error"


def _no_protocol(offered: tuple[bytes, ...] | None) -> ssl.SSLError:
    """As OpenSSL would have said it."""
    import ssl

    said = "nobody knows what the client speaks"
    if offered is not None:
        names = ", ".join(repr(name.decode("latin-1")) for name in offered)
        said = f"the client speaks only {names}"
    error = ssl.SSLError(ssl.SSL_ERROR_SSL, f"[SSL: NO_APPLICATION_PROTOCOL] {said}")
    error.library, error.reason = "SSL", "NO_APPLICATION_PROTOCOL"
    return error


class HandshakeSocket:
    """What ``tls_client_error`` listeners get with the error: a connection, to look at."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        # asked for early: once a connection has been reset its addresses are forgotten
        self._addresses = {
            name: transport.get_extra_info(name) for name in ("peername", "sockname")
        }

    def __repr__(self) -> str:
        """Show who it was."""
        return f"<{type(self).__name__} {self._addresses['peername']}>"

    @property
    def destroyed(self) -> bool:
        """Whether the connection is over; it is, as a rule."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows under *name*, as `asyncio.BaseTransport.get_extra_info`."""
        if name in self._addresses:
            return self._addresses[name]
        return self._transport.get_extra_info(name, default)

    def destroy(self) -> None:
        """End the connection at once."""
        self._transport.abort()


class TlsProtocol(asyncio.BufferedProtocol):
    """Waits for the ClientHello, and hands over to TLS, above which is *inner*."""

    __slots__ = (
        "_buffer", "_error", "_hello", "_inner", "_offered", "_queue", "_server", "_socket",
        "_task", "_transport",
    )  # fmt: skip

    def __init__(self, server: Http2Server, inner: ServerProtocol) -> None:
        self._server = server
        self._inner = inner
        self._buffer = _read_buffer()
        self._hello = b""
        # what it offers by ALPN; None: it could not be read
        self._offered: tuple[bytes, ...] | None = None
        self._transport: asyncio.Transport | None = None
        self._socket: HandshakeSocket | None = None
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None

    # --- the ClientHello ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        server = self._server
        stream = cast("asyncio.Transport", transport)
        if server._close_emitted:
            stream.abort()
            return
        self._transport = stream
        server._transports.add(stream)
        if server._handshake_queue is None:
            seconds = server._options.handshake_timeout or HANDSHAKE_TIMEOUT
            server._handshake_queue = Queue(server._loop, seconds, TlsProtocol._expire)
        self._queue = server._handshake_queue
        self._queue.add(self)
        if server.listener_count(EVENT) or logger.isEnabledFor(logging.DEBUG):
            self._socket = HandshakeSocket(stream)
        inner = self._inner
        if not inner._known:
            inner._known = True
            if server._listeners is not None:
                server._accepted(stream)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """*nbytes* have come."""
        server, transport = self._server, self._transport
        if transport is None or self._error is not None:
            return
        server._handshakes.add(transport)
        self._hello += bytes(self._buffer[:nbytes])
        if self._task is not None:
            return
        whole, offered = read_client_hello(self._hello)
        if not whole:
            return
        if offered and not server._speaks(offered):
            self._error = _no_protocol(offered)
            transport.write(NO_APPLICATION_PROTOCOL)
            transport.close()
            return
        self._offered = offered
        self._task = server._loop.create_task(self._shake_hands(transport))
        server._adopt({self._task})

    def eof_received(self) -> bool:
        """The client has nothing more to say: there will be no handshake."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over, and TLS has not begun."""
        self._failed(exc)

    # --- the handshake ------------------------------------------------------------------

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        if transport.is_closing():
            return
        server = self._server
        loop = server._loop
        assert server._context is not None
        # `start_tls` lets TLS begin in the next turn; this comes before it
        loop.call_soon(self._feed, transport)
        try:
            tls = await loop.start_tls(
                transport,
                self._inner,
                server._context,
                server_side=True,
                ssl_handshake_timeout=self._queue.seconds + 1,  # ours comes first
            )
        except asyncio.CancelledError:
            transport.abort()
            self._failed(None)
            raise
        except Exception as error:
            transport.abort()
            self._failed(error)
            return
        if tls is None or transport.is_closing():
            # that is how a connection that was closed meanwhile looks
            if tls is not None:
                tls.abort()
            self._failed(None)
            return
        if (
            self._offered is None
            and tls.get_extra_info("ssl_object").selected_alpn_protocol() is None
        ):
            # OpenSSL takes what was not understood here, such as a ClientHello in small pieces,
            # which anybody on the way can make of a whole one: that must not undo ALPN
            self._error = _no_protocol(None)
            tls.abort()
            self._failed(None)
            return
        self._queue.discard(self)
        self._inner.connection_made(tls)
        server._handshakes.discard(transport)
        server._transports.discard(transport)
        # uvloop keeps the first protocol of a connection for as long as there is that connection
        self._transport = self._task = self._socket = None

    def _feed(self, transport: asyncio.Transport) -> None:
        """Give what has been read to the loop's protocol for TLS, which finds it when it begins."""
        data, self._hello = memoryview(self._hello), b""
        tls = transport.get_protocol()
        if tls is self:
            return  # there will be no TLS
        tls = cast("asyncio.BufferedProtocol", tls)
        while data:
            room = cast("memoryview", tls.get_buffer(len(data)))
            size = min(len(data), len(room))
            room[:size] = data[:size]
            tls.buffer_updated(size)
            data = data[size:]

    # --- the end ------------------------------------------------------------------------

    def _expire(self) -> None:
        if self._transport is not None and self._error is None:
            seconds = self._queue.seconds
            self._error = TimeoutError(f"the TLS handshake took more than {seconds:g} s")
            self._transport.abort()

    def _failed(self, error: Exception | None) -> None:
        """There is no TLS, because of *error*, or because the connection was closed."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        self._queue.discard(self)
        server = self._server
        server._handshakes.discard(transport)
        server._transports.discard(transport)
        self._inner.connection_lost(None)
        error = self._error or error
        if error is None and server._closing:
            return  # it was the server's own end
        if error is None or not str(error):
            # what a loop has to say of a client that hangs up
            error = ConnectionResetError("the connection was closed during the TLS handshake")
        socket = self._socket or HandshakeSocket(transport)
        logger.debug("%r: the handshake with %r failed: %r", server, socket, error)
        server.emit(EVENT, error, socket)
