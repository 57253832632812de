"""Handle connections to a secure server that did not negotiate HTTP/2 (ALPN, RFC 7301).

The listeners of ``unknown_protocol`` get them as an asyncio reader and writer. Without a
listener, the client gets an answer in HTTP/1.1, its most likely protocol.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..net.raw_socket import RawSocket

if TYPE_CHECKING:
    from .server import Http2Server

__all__ = ["UnknownProtocolSocket", "unknown_protocol"]

# Seconds that a client has to read the refusal and to close the connection.
LINGER = 2.0

TEXT = b"This server speaks HTTP/2 over TLS: the client has to offer h2 by ALPN.\n"
REFUSAL = (
    b"HTTP/1.1 403 Forbidden\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\n"
    b"connection: close\r\n\r\n%b"
) % (len(TEXT), TEXT)


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


def unknown_protocol(server: Http2Server, transport: asyncio.Transport) -> None:
    """Pass *transport* to the server's listeners, or refuse it."""
    if server.listener_count("unknown_protocol"):
        server.emit("unknown_protocol", UnknownProtocolSocket(server, transport))
        return
    transport.write(REFUSAL)
    transport.close()
    seconds = server.options.unknown_protocol_timeout
    server.loop.call_later(min(seconds, LINGER) or LINGER, transport.abort)
