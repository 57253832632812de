"""The doors of `http2.tls`: what a handshake calls on what is above it. All names are internal."""

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
    """What has only so much time: a handshake."""

    def expire(self) -> None:
        """The time is up."""


class AboveTls(Expires, Protocol):
    """The protocol of a connection, which speaks above TLS once the handshake is done."""

    claimed: Addresses | None
    """The addresses that a proxy has told of."""

    handshake: Expires | None
    """TLS, while its handshake is under way."""

    def claim(self, addresses: Addresses) -> None:
        """Use *addresses*, from a PROXY header, as those of the connection."""

    def introduce(self, transport: asyncio.Transport) -> None:
        """Tell the program of the connection, unless it knows of it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is established."""

    def connection_lost(self, exc: Exception | None) -> None:
        """There is no connection, or not any more."""


class SecureAccepting(Protocol):
    """The server that a handshake is done for."""

    loop: asyncio.AbstractEventLoop
    open_connections: Connections
    tls_context: ssl.SSLContext | None

    closing: bool
    """Whether it has begun to close."""

    handshake_timeout: float
    """Seconds that a connection has until its client has shown that it speaks HTTP/2."""

    def admit(self, protocol: object, transport: asyncio.Transport) -> bool:
        """Count the connection; False, and it is aborted, when the server has closed already."""

    def await_handshake(self, protocol: Expires) -> None:
        """Start the ``handshake_timeout`` of *protocol*, unless it is running."""

    def speaks(self, offered: Sequence[bytes]) -> bool:
        """Return whether the server supports one of the ALPN protocols of a client."""

    def listener_count(self, event: str) -> int:
        """Return the number of listeners of *event*."""

    def emit(self, event: str, *args: object) -> bool:
        """Tell the program."""
