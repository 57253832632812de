"""Define the interfaces that a TLS handshake requires above it. All names are internal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Sequence

    from ..net.connections import Connections
    from ..net.proxy_protocol import Addresses

__all__ = ["AboveTls", "Expires", "SecureAccepting"]


class Expires(Protocol):
    """An object with a time limit: a handshake."""

    def expire(self) -> None:
        """Handle the expired time limit."""


class AboveTls(Expires, Protocol):
    """The protocol of a connection above TLS, after the handshake."""

    claimed: Addresses | None
    """The addresses from a PROXY header."""

    handshake: Expires | None
    """TLS, during its handshake."""

    def claim(self, addresses: Addresses) -> None:
        """Use *addresses*, from a PROXY header, as those of the connection."""

    def introduce(self, transport: asyncio.Transport) -> None:
        """Emit the event for the connection, unless the application knows it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Handle established TLS."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle a connection that failed or has ended."""


class SecureAccepting(Protocol):
    """The server of a handshake."""

    loop: asyncio.AbstractEventLoop
    open_connections: Connections
    tls_context: ssl.SSLContext | None

    closing: bool
    """Whether it has begun to close."""

    handshake_timeout: float
    """Seconds that a client has until it has sent HTTP/2's preface."""

    def admit(self, protocol: object, transport: asyncio.Transport) -> bool:
        """Count the connection; abort it and return False if the server is already closed."""

    def await_handshake(self, protocol: Expires) -> None:
        """Start the ``handshake_timeout`` of *protocol*, unless it is running."""

    def speaks(self, offered: Sequence[bytes]) -> bool:
        """Return whether the server supports one of the ALPN protocols of a client."""

    def listener_count(self, event: str) -> int:
        """Return the number of listeners of *event*."""

    def emit(self, event: str, *args: object) -> bool:
        """Emit *event*."""
