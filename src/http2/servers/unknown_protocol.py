"""Handle connections to a secure server that did not negotiate HTTP/2 (ALPN, RFC 7301).

The listeners of ``unknown_protocol`` get them as an asyncio reader and writer. Without a
listener, the client gets an answer in HTTP/1.1, its most likely protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..net.socket import extra_info

if TYPE_CHECKING:
    from .server import Http2Server

__all__ = ["RawSocket", "UnknownProtocolSocket", "unknown_protocol"]

# Seconds that a client has to read the refusal and to close the connection.
LINGER = 2.0

TEXT = b"This server speaks HTTP/2 over TLS: the client has to offer h2 by ALPN.\n"
REFUSAL = (
    b"HTTP/1.1 403 Forbidden\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\n"
    b"connection: close\r\n\r\n%b"
) % (len(TEXT), TEXT)


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
        server: Http2Server,
        transport: asyncio.Transport,
        data: bytes = b"",
        addresses: dict[str, Any] | None = None,
    ) -> None:
        loop = server.loop
        self._server = server
        self._transport = transport
        self._addresses = addresses or {}
        self.reader = asyncio.StreamReader(loop=loop)
        protocol = _Protocol(self.reader, loop=loop)
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
    def server(self) -> Http2Server:
        """The server that accepted the connection."""
        return self._server

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


class UnknownProtocolSocket(RawSocket):
    """The connection for listeners of ``unknown_protocol``; it has no session.

    It belongs to the listener for at most `unknown_protocol_timeout` seconds.
    """

    _timer: asyncio.TimerHandle | None = None

    def __init__(self, server: Http2Server, transport: asyncio.Transport) -> None:
        super().__init__(server, transport)
        seconds = server.options.unknown_protocol_timeout
        if seconds:
            self._timer = server.loop.call_later(seconds, self.destroy)

    def _lost(self) -> None:
        super()._lost()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Protocol(asyncio.StreamReaderProtocol):
    """Reports the end of the connection to the server, which waits for it when it closes."""

    lost: Callable[[], None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        super().connection_lost(exc)
        lost, self.lost = self.lost, None
        if lost is not None:
            lost()


def unknown_protocol(server: Http2Server, transport: asyncio.Transport) -> None:
    """Pass *transport* to the server's listeners, or refuse it."""
    if server.listener_count("unknown_protocol"):
        server.emit("unknown_protocol", UnknownProtocolSocket(server, transport))
        return
    transport.write(REFUSAL)
    transport.close()
    seconds = server.options.unknown_protocol_timeout
    server.loop.call_later(min(seconds, LINGER) or LINGER, transport.abort)
