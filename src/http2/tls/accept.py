"""Perform the TLS handshake of a connection that a secure server has accepted.

The server does this itself instead of the event loop, so that applications get an event for a
connection before its handshake, and for every failed handshake; and so that a client that offers
only unsupported protocols gets an alert (RFC 7301 section 3.2).
"""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING, cast

from ..common.emitter import logger
from ..common.log_limit import limit
from ..net.handshake_socket import HandshakeSocket
from .client_hello import read_client_hello
from .handshake import Handshake

if TYPE_CHECKING:
    import asyncio

    from ..net.proxy_protocol import Addresses
    from .interfaces import AboveTls, SecureAccepting

__all__ = ["TlsProtocol"]

# A record with the fatal alert no_application_protocol, 120 (RFC 8446 section 6).
NO_APPLICATION_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"

EVENT = "tls_client_error"


def _no_protocol(offered: tuple[bytes, ...] | None) -> ssl.SSLError:
    """Return the error that OpenSSL would have raised."""
    said = "the protocols that the client supports are unknown"
    if offered is not None:
        names = ", ".join(repr(name.decode("latin-1")) for name in offered)
        said = f"the client offers only {names}"
    error = ssl.SSLError(ssl.SSL_ERROR_SSL, f"[SSL: NO_APPLICATION_PROTOCOL] {said}")
    vars(error).update(library="SSL", reason="NO_APPLICATION_PROTOCOL")
    return error


class TlsProtocol(Handshake):
    """Waits for the ClientHello, then performs the handshake; *inner* is the protocol above TLS."""

    __slots__ = ("_error", "_hello", "_inner", "_offered", "_server", "_socket")

    def __init__(self, server: SecureAccepting, inner: AboveTls) -> None:
        super().__init__()
        self._server = server
        self._inner = inner
        self._hello = b""
        # the ALPN protocols that it offers; None if they could not be read
        self._offered: tuple[bytes, ...] | None = None
        self._socket: HandshakeSocket | None = None
        self._error: Exception | None = None

    def claim(self, addresses: Addresses) -> None:
        """Use *addresses*, from a PROXY header, as those of the connection."""
        self._inner.claim(addresses)

    # --- the ClientHello ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Handle an accepted connection."""
        server = self._server
        stream = cast("asyncio.Transport", transport)
        if not server.admit(self, stream):
            return
        self._transport = stream
        self._inner.handshake = self
        server.await_handshake(self._inner)
        if server.listener_count(EVENT) or logger.isEnabledFor(logging.DEBUG):
            self._socket = HandshakeSocket(stream, self._inner.claimed)
        self._inner.introduce(stream)

    def buffer_updated(self, nbytes: int) -> None:
        """Process *nbytes* received bytes."""
        transport = self._transport
        if transport is None or self._error is not None:
            return
        data = self._buffer[:nbytes]
        if self._tls is None:
            self._server.open_connections.handshakes.add(transport)
            self._hello += bytes(data)
            whole, offered = read_client_hello(self._hello)
            if not whole:
                return
            if offered and not self._server.speaks(offered):
                self._error = _no_protocol(offered)
                transport.write(NO_APPLICATION_PROTOCOL)
                transport.close()
                return
            context = self._server.tls_context
            assert context is not None
            self._offered = offered
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
            data = memoryview(self._hello)
        self._shake_hands(transport, self._tls, data)

    def eof_received(self) -> bool:
        """Fail: the client has ended its side before the handshake."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection before TLS was established."""
        self._failed(exc)

    # --- the handshake ------------------------------------------------------------------

    def _shake_hands(
        self, transport: asyncio.Transport, tls: ssl.SSLObject, data: memoryview
    ) -> None:
        try:
            if not self._step(transport, tls, data):
                return
        except ssl.SSLError as error:
            self._error = error
        if self._error is None and self._offered is None and tls.selected_alpn_protocol() is None:
            # OpenSSL accepts ClientHellos that were not parsed here, such as one in small pieces,
            # which an attacker on the path can create: that must not bypass ALPN
            self._error = _no_protocol(None)
        if self._error is not None:
            transport.close()
            return
        server = self._server
        if self._offered and tls.selected_alpn_protocol() is None:
            # chosen by the application's `sni_callback`: the first context was checked before
            limit.warn(
                "no ALPN", None, "%r: an ssl_context selected none of the ALPN protocols that "
                "a client offers: call its set_alpn_protocols(['h2'])", server,
            )  # fmt: skip
        self._inner.handshake = None
        server.open_connections.replaced(transport)
        self._socket = None
        self._establish(
            server.loop, cast("asyncio.BaseProtocol", self._inner), self._inner.claimed or {}
        )

    # --- the end ------------------------------------------------------------------------

    def expire(self) -> None:
        """Fail after ``handshake_timeout``."""
        if self._transport is not None and self._error is None:
            seconds = self._server.handshake_timeout
            self._error = TimeoutError(f"TLS handshake not complete within {seconds:g} s")
            self._transport.abort()

    def _failed(self, error: Exception | None) -> None:
        """Report a failed handshake: *error*, or the end of the connection."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        self._inner.handshake = None
        server = self._server
        server.open_connections.gone(transport)
        self._inner.connection_lost(None)
        error = self._error or error
        if error is None and server.closing:
            return  # it was the server's own end
        if error is None or not str(error):
            # the loop's error for a client that disconnects
            error = ConnectionResetError("the connection was closed during the TLS handshake")
        socket = self._socket or HandshakeSocket(transport, self._inner.claimed)
        logger.debug("%r: TLS handshake with %r failed: %r", server, socket, error)
        server.emit(EVENT, error, socket)
