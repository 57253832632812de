"""Define `RawSocket`: a connection that belongs to the application, as a reader and a writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .socket import extra_info

if TYPE_CHECKING:
    from .interfaces import Accepting

__all__ = ["RawSocket"]


class RawSocket:
    """A connection that does not use HTTP, or no longer does; it belongs to the application.

    From the events ``upgrade`` and ``connect`` of HTTP/1 clients (RFC 9110 sections 7.8
    and 9.3.6), and as `UnknownProtocolSocket`.
    """

    reader: asyncio.StreamReader
    """The client's data, from the first byte that is not HTTP."""

    writer: asyncio.StreamWriter
    """The data for the client; `asyncio.StreamWriter.close` ends the connection."""

    destroyed: bool = False
    """Whether the connection has ended."""

    def __init__(
        self,
        server: Accepting,
        transport: asyncio.Transport,
        data: bytes = b"",
        addresses: dict[str, object] | None = None,
    ) -> None:
        loop = server.loop
        self._server = server
        self._transport = transport
        self._addresses = addresses or {}
        self.reader = asyncio.StreamReader(loop=loop)
        protocol = self._protocol = _Protocol(self.reader, loop=loop)
        protocol.lost = self._lost
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        self.writer = asyncio.StreamWriter(transport, protocol, self.reader, loop)
        # asyncio has only a weak reference to the reader
        server.open_connections.handed_over[transport] = self
        if data:
            self.reader.feed_data(data)

    def __repr__(self) -> str:
        """Show the peer's address and the state."""
        state = "destroyed" if self.destroyed else "open"
        return f"<{type(self).__name__} {self.get_extra_info('peername')} {state}>"

    @property
    def server(self) -> Any:
        """The `Http2Server` that accepted the connection."""
        # its class is above this room, and its events have this class in their types
        return self._server

    def divert(self, received: Callable[[bytes], None]) -> None:
        """See `http2.net.interfaces.Diverting`."""
        self._protocol.received = received

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """Return the transport's information *name*; see `asyncio.BaseTransport.get_extra_info`."""
        return extra_info(self._addresses, self._transport, name, default)

    def destroy(self) -> None:
        """End the connection at once; unsent data is lost."""
        self.destroyed = True
        self._transport.abort()

    def _lost(self) -> None:
        self.destroyed = True
        self._server.open_connections.gone(self._transport)


class _Protocol(asyncio.StreamReaderProtocol):
    """Reports the end of the connection to the server, which waits for it when it closes."""

    lost: Callable[[], None] | None = None
    # gets the data instead of the reader
    received: Callable[[bytes], None] | None = None

    def data_received(self, data: bytes) -> None:
        """Pass *data* on."""
        if self.received is None:
            super().data_received(data)
        else:
            self.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the closed connection."""
        super().connection_lost(exc)
        self.received = None
        lost, self.lost = self.lost, None
        if lost is not None:
            lost()
