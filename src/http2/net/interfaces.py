"""Define the interfaces that `http2.net` requires of the objects above it. All are internal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable

    from .connections import Connections
    from .proxy_protocol import Networks

__all__ = ["Accepting", "Carried", "Diverting", "Output", "OwnsSocket"]


class Carried(Protocol):
    """The user of a connection: a session, which gets its bytes and the transport's events."""

    write_paused: bool
    """Whether the transport's buffer is full."""

    def connected(self, transport: asyncio.Transport) -> None:
        """Handle an established *transport*."""

    def received(self, data: bytes | memoryview) -> None:
        """Handle received bytes."""

    def resume_writing(self) -> None:
        """Resume writing: the transport accepts data again."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle a closed transport; *exc* is the error, or None if either side closed it."""


class Output(Protocol):
    """What an `Outlet` writes: the output of the engine, for either protocol."""

    def send(self, fd: int) -> list[bytes | memoryview] | None:
        """Write a batch to the socket *fd*; return the rest, or None if there was nothing.

        Raises `OSError`.
        """

    def data_to_send(self) -> list[bytes | memoryview]:
        """Return the next batch."""


class Diverting(Protocol):
    """A connection with a reader, which need not take part in every read: a `RawSocket`."""

    def divert(self, received: Callable[[bytes], None]) -> None:
        """Pass later data to *received* instead of the reader, which gets only its end.

        Call it while the reader has no data.
        """


class OwnsSocket(Protocol):
    """The owner of the socket behind a `SocketProxy`: a session."""

    transport: asyncio.Transport | None

    addresses: dict[str, Any]
    """Both addresses, by ``peername`` and ``sockname``, also after the end; empty before it."""

    def set_timeout(self, seconds: float, callback: Callable[[], object] | None = None) -> Any:
        """See `Http2Session.set_timeout`."""


class Accepting(Protocol):
    """The owner of a `Listener`: a server."""

    loop: asyncio.AbstractEventLoop

    open_connections: Connections
    """The accepted connections that have not ended."""

    proxies: Networks | None
    """The proxies whose PROXY headers are trusted; None: connections have no PROXY header."""

    def new_connection(self) -> asyncio.BufferedProtocol:
        """Return the protocol for an accepted connection, and count the connection."""

    def await_header(self, task: asyncio.Task[None]) -> None:
        """Record that the connection of *task* begins with a PROXY header."""

    async def learn_client(
        self, protocol: asyncio.BufferedProtocol, accepted: socket.socket
    ) -> None:
        """Read the PROXY header from *accepted*. Raises `OSError`."""
