"""Define `ServerMetrics`: the measurements of a server and their attributes, for any system.

Follows OpenTelemetry's semantic conventions for HTTP servers. Clients must not be able to create
time series: only known methods and the error codes of RFC 9113 are attributes, the scheme
is that of the connection, and paths are not used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeAlias

from ..common.log_limit import limit
from ..compat.watched import Watched
from ..constants import ERROR_CODE_NAMES
from ..errors import error_code_name, new_error
from ..observing.exchanges import ExchangeWatch
from ..servers.server import Http2Server

__all__ = ["DURATION_BUCKETS", "SIZE_BUCKETS", "Labels", "Route", "ServerMetrics"]

Route: TypeAlias = Callable[[str, str], str | None]
"""A function of a request's method and target that returns its route, or None."""

# The known methods of the conventions: RFC 9110, RFC 5789 and httpbis's QUERY.
METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
OTHER: Final = "_OTHER"

# In seconds, as in the conventions.
DURATION_BUCKETS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
# In bytes; the conventions define none.
SIZE_BUCKETS: Final = (
    0.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0, 100_000_000.0, 1e9,
)  # fmt: skip


class Labels(NamedTuple):
    """The attributes of a completed exchange; None for missing ones."""

    method: str
    """``http.request.method``"""
    scheme: str
    """``url.scheme``"""
    status: int | None
    """``http.response.status_code``"""
    version: str
    """``network.protocol.version``"""
    error: str | None
    """``error.type``: the status from 500 on, the error code's name of an exchange that was cut."""
    route: str | None
    """``http.route``"""


class ServerMetrics(ExchangeWatch):
    """The base class of `PrometheusMetrics` and `OpenTelemetryMetrics`."""

    def __init__(
        self,
        server: Http2Server,
        *,
        route: Route | None,
        server_address: str | None,
        known_methods: Iterable[str] | None,
    ) -> None:
        if route is not None and not callable(route):
            raise new_error("ERR_INVALID_ARG_TYPE", "route", "a callable or None", route)
        if server_address is not None and not isinstance(server_address, str):
            raise new_error(
                "ERR_INVALID_ARG_TYPE", "server_address", "a str or None", server_address
            )
        self._methods = METHODS if known_methods is None else _checked(known_methods)
        self._route = route
        super().__init__(server)

    def close(self) -> None:
        """Stop measuring; requests in progress are still removed from the active ones."""
        super().close()

    # --- implemented by subclasses -------------------------------------------------------------

    def _active(self, method: str, scheme: str, more: int) -> None:
        """Change the number of active requests with this method and scheme."""
        raise NotImplementedError

    def _measured(self, labels: Labels, seconds: float, received: int, sent: int) -> None:
        """Record a completed exchange."""
        raise NotImplementedError

    # --- reports --------------------------------------------------------------------------------

    def _method(self, exchange: Watched) -> str:
        return exchange.method if exchange.method in self._methods else OTHER

    def begun(self, exchange: Watched) -> None:
        self._active(self._method(exchange), exchange.scheme, 1)

    def over(self, exchange: Watched) -> None:
        seconds = time.monotonic() - exchange.began
        method = self._method(exchange)
        self._active(method, exchange.scheme, -1)
        if self._closed:
            return
        status, reset = exchange.status, exchange.reset
        error = None
        if reset is not None:
            # a client may send any number
            error = error_code_name(reset) if reset in ERROR_CODE_NAMES else OTHER
        elif status is not None and status >= 500:
            error = str(status)
        labels = Labels(
            method, exchange.scheme, status, exchange.version, error, self._route_of(exchange)
        )
        self._measured(labels, seconds, exchange.received, exchange.sent)

    def _route_of(self, exchange: Watched) -> str | None:
        if self._route is None:
            return None
        try:
            return self._route(exchange.method, exchange.target)
        except Exception as error:
            limit.warn("route", None, "%r: route() raised for a request: %r", self, error)
            return None


def _checked(methods: Iterable[str]) -> frozenset[str]:
    if isinstance(methods, (str, bytes)) or not isinstance(methods, Iterable):
        raise new_error("ERR_INVALID_ARG_TYPE", "known_methods", "a list of str", methods)
    known = frozenset(methods)
    for method in known:
        if not isinstance(method, str):
            raise new_error("ERR_INVALID_ARG_TYPE", "known_methods", "a list of str", method)
    return known
