"""Connections to a secure server that did not agree on HTTP/2 (ALPN, RFC 7301).

They go to the listeners of ``unknown_protocol``, as a reader and a writer of asyncio. When there
are none, the client is told in HTTP/1.1, the likeliest of its languages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..net.socket import extra_info

if TYPE_CHECKING:
    from .server import Http2Server

__all__ = ["RawSocket", "UnknownProtocolSocket", "unknown_protocol"]

# Seconds that a client has to take the refusal and to say goodbye.
LINGER = 2.0

TEXT = b"This server speaks HTTP/2 over TLS: the client has to offer h2 by ALPN.\n"
REFUSAL = (
    b"HTTP/1.1 403 Forbidden\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\n"
    b"connection: close\r\n\r\n%b"
) % (len(TEXT), TEXT)


class RawSocket:
    """A connection that HTTP has left, or never had: it belongs to the program.

    Comes with the events ``upgrade`` and ``connect`` of HTTP/1 clients (RFC 9110 sections 7.8
    and 9.3.6), and as `UnknownProtocolSocket`.
    """

    reader: asyncio.StreamReader
    """What the client sends, from the first byte that is not HTTP."""

    writer: asyncio.StreamWriter
    """What it gets; `asyncio.StreamWriter.close` ends the connection."""

    destroyed: bool = False
    """Whether the connection is over."""

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
        # asyncio holds the reader weakly: somebody has to keep it
        server.open_connections.handed_over[transport] = self
        if data:
            self.reader.feed_data(data)

    def __repr__(self) -> str:
        """Show who is there, and whether it still is."""
        state = "destroyed" if self.destroyed else "open"
        return f"<{type(self).__name__} {self.get_extra_info('peername')} {state}>"

    @property
    def server(self) -> Http2Server:
        """The server that the connection came to."""
        return self._server

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """What the transport knows under *name*, as `asyncio.BaseTransport.get_extra_info`."""
        return extra_info(self._addresses, self._transport, name, default)

    def destroy(self) -> None:
        """End the connection at once; what was not sent yet is lost."""
        self.destroyed = True
        self._transport.abort()

    def _lost(self) -> None:
        self.destroyed = True
        self._server.open_connections.gone(self._transport)


class UnknownProtocolSocket(RawSocket):
    """What ``unknown_protocol`` listeners get: a connection that no session has.

    It belongs to the listener, for `unknown_protocol_timeout` seconds at most.
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
    """Tells the server of the end, which it waits for when it closes."""

    lost: Callable[[], None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        super().connection_lost(exc)
        lost, self.lost = self.lost, None
        if lost is not None:
            lost()


def unknown_protocol(server: Http2Server, transport: asyncio.Transport) -> None:
    """Give *transport* to the server's listeners, or refuse it."""
    if server.listener_count("unknown_protocol"):
        server.emit("unknown_protocol", UnknownProtocolSocket(server, transport))
        return
    transport.write(REFUSAL)
    transport.close()
    seconds = server.options.unknown_protocol_timeout
    server.loop.call_later(min(seconds, LINGER) or LINGER, transport.abort)
