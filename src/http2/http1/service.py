"""Define `Http1Service`, which handles a server's connections of HTTP/1 clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..engine.http1.fields import Http1FieldRules
from ..engine.http1.head import Http1Limits
from .connection import Http1Connection
from .options import Http1Options
from .stream import Http1Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..compat.dispatch import Dispatcher
    from ..engine.http1.head import Http1Head
    from ..net.proxy_protocol import Addresses
    from ..servers.server import Http2Server
    from .interfaces import DrivenExchange, Http1Owner
    from .watched import Watcher

__all__ = ["Http1Service"]


class Http1Service:
    """Takes over connections of HTTP/1 clients: the value of a server's ``serves_http1``."""

    exchange: Callable[[Http1Owner, Http1Head], DrivenExchange]
    """Creates the stream of a request."""

    def __init__(self, options: Http1Options, dispatcher: Dispatcher, server: Http2Server) -> None:
        """Create the service of *server*; *dispatcher* handles the requests."""
        self.options = options
        self.limits = Http1Limits(
            url_size=options.max_url_size,
            section_size=options.max_header_size,
            fields=options.max_headers_count,
        )
        self.field_rules = Http1FieldRules(
            strict_whitespace=server.options.strict_field_whitespace_validation,
            strict_single_value=server.options.strict_single_value_fields,
        )
        self.dispatch = dispatcher.http1(server)
        self.exchange = Http1Stream
        self.leaving = dispatcher.leaving
        self._watchers: tuple[Watcher, ...] = ()
        seconds = int(options.keep_alive_timeout)
        self.keep_alive = b"connection: keep-alive\r\n"
        if seconds:
            # so that no client begins a request that crosses the end of the connection
            self.keep_alive += b"keep-alive: timeout=%d\r\n" % seconds

    def __call__(
        self,
        server: Http2Server,
        transport: asyncio.Transport,
        data: bytes,
        claimed: Addresses | None = None,
    ) -> None:
        """Serve *transport* after it received *data*; *claimed* comes from a PROXY header."""
        connection = Http1Connection(self, server, transport)
        if claimed is not None:
            connection.addresses = claimed
        transport.set_protocol(connection)
        connection.begin(data)

    def watch(self, watcher: Watcher, begin: bool) -> None:
        """Start or stop reports about each exchange to *watcher*.

        Begins with the next request.
        """
        if begin:
            self._watchers = (*self._watchers, watcher)
        else:
            self._watchers = tuple(other for other in self._watchers if other is not watcher)
        if not self._watchers:
            self.exchange = Http1Stream
            return
        from .watched import watched

        self.exchange = watched(self._watchers)
