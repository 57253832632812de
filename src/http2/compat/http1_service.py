"""`Http1Service`: what a server does with the connections of HTTP/1 clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .http1 import Http1Connection
from .http1_options import Http1Options

if TYPE_CHECKING:
    from ..core.server import Http2Server
    from .dispatch import Dispatcher

__all__ = ["Http1Service"]


class Http1Service:
    """Takes over connections of HTTP/1 clients: the value of a server's ``_serve_http1``."""

    def __init__(self, options: Http1Options, dispatcher: Dispatcher, server: Http2Server) -> None:
        """Make the one of *server*; what comes of requests is the *dispatcher*'s."""
        self.options = options
        self.dispatcher = dispatcher
        self.dispatch = dispatcher.http1(server)
        seconds = int(options.keep_alive_timeout)
        self.keep_alive = "connection: keep-alive\r\n"
        if seconds:
            # so that no client begins a request that crosses our goodbye
            self.keep_alive += f"keep-alive: timeout={seconds}\r\n"

    def __call__(self, server: Http2Server, transport: asyncio.Transport, data: bytes) -> None:
        """Serve *transport*, on which *data* has come."""
        connection = Http1Connection(self, server, transport)
        transport.set_protocol(connection)
        connection._begin(data)
