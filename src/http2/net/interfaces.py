"""The doors of `http2.net`: what its objects call on those above them. All names are internal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable

    from .connections import Connections
    from .proxy_protocol import Networks

__all__ = ["Accepting", "Carried", "OwnsSocket"]


class Carried(Protocol):
    """What a connection carries: a session. Its protocol tells it of the transport and of bytes."""

    write_paused: bool
    """Whether the transport's buffer is full."""

    def connected(self, transport: asyncio.Transport) -> None:
        """Handle an established *transport*."""

    def received(self, data: bytes | memoryview) -> None:
        """Handle received bytes."""

    def resume_writing(self) -> None:
        """Resume writing: the transport accepts data again."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is closed: by the peer or by us (None), or because of *exc*."""


class OwnsSocket(Protocol):
    """What a `SocketProxy` shows the socket of: a session."""

    transport: asyncio.Transport | None

    addresses: dict[str, Any]
    """Both ends, by ``peername`` and ``sockname``, also after the end; empty before it begins."""

    def set_timeout(self, seconds: float, callback: Callable[[], object] | None = None) -> Any:
        """See `Http2Session.set_timeout`."""


class Accepting(Protocol):
    """What a `Listener` accepts connections for: a server."""

    loop: asyncio.AbstractEventLoop

    open_connections: Connections
    """Those that were accepted, and are not over."""

    proxies: Networks | None
    """Who may say for whom it speaks, by the PROXY protocol; None: no connection begins so."""

    def new_connection(self) -> asyncio.BufferedProtocol:
        """The protocol of a connection that was accepted, which counts from now on."""

    def await_header(self, task: asyncio.Task[None]) -> None:
        """Record that the connection of *task* begins with a PROXY header."""

    async def learn_client(
        self, protocol: asyncio.BufferedProtocol, accepted: socket.socket
    ) -> None:
        """Read that header from *accepted*. Raises `OSError`."""
