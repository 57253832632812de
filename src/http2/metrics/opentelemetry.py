"""Define `OpenTelemetryMetrics`, with OpenTelemetry's API and its semantic conventions."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..servers.server import Http2Server
from .server_metrics import DURATION_BUCKETS, SIZE_BUCKETS, Labels, Route, ServerMetrics

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

__all__ = ["OpenTelemetryMetrics"]

# The attributes of an exchange, in the order of `Labels`.
ATTRIBUTES = (
    "http.request.method", "url.scheme", "http.response.status_code", "network.protocol.version",
    "error.type", "http.route",
)  # fmt: skip

# The environment variable with the known methods.
METHODS_VARIABLE = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"
SCHEMA = "https://opentelemetry.io/schemas/1.27.0"

Attributes = dict[str, str | int]


class OpenTelemetryMetrics(ServerMetrics):
    """Measures *server* with a meter ``http2`` of *meter_provider*, by default the global one.

    Histograms: ``http.server.request.duration`` (s), ``http.server.request.body.size`` and
    ``http.server.response.body.size`` (By), with the attributes ``http.request.method``,
    ``url.scheme``, ``http.response.status_code``, ``network.protocol.version``, ``error.type``,
    ``http.route``, as far as an exchange has them; up-down counters:
    ``http.server.active_requests``, with the first two, ``http2.server.open_sessions``,
    ``http2.server.open_streams``; a counter: ``http2.server.sessions``. Each has
    ``server.address``, if it is given.

    *route*, *server_address* and *known_methods* are as for `PrometheusMetrics`; without the last,
    the environment variable OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS may list them, with commas.

    Connections that begin from now on are measured. Raises ERR_INVALID_ARG_TYPE, and `ImportError`
    without ``opentelemetry-api``.
    """

    def __init__(
        self,
        server: Http2Server,
        *,
        meter_provider: MeterProvider | None = None,
        route: Route | None = None,
        server_address: str | None = None,
        known_methods: Iterable[str] | None = None,
    ) -> None:
        try:
            from opentelemetry.metrics import get_meter
        except ImportError as error:
            raise ImportError(
                "OpenTelemetryMetrics needs the package opentelemetry-api:"
                " pip install 'http2[opentelemetry]'"
            ) from error
        if known_methods is None:
            given = os.environ.get(METHODS_VARIABLE, "")
            known_methods = [word for part in given.split(",") if (word := part.strip())] or None
        from .. import __version__

        meter = get_meter("http2", __version__, meter_provider, SCHEMA)
        self._duration = meter.create_histogram(
            "http.server.request.duration",
            unit="s",
            description="Duration of HTTP server requests.",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS,
        )
        self._request_size = meter.create_histogram(
            "http.server.request.body.size",
            unit="By",
            description="Size of HTTP server request bodies.",
            explicit_bucket_boundaries_advisory=SIZE_BUCKETS,
        )
        self._response_size = meter.create_histogram(
            "http.server.response.body.size",
            unit="By",
            description="Size of HTTP server response bodies.",
            explicit_bucket_boundaries_advisory=SIZE_BUCKETS,
        )
        self._active_requests = meter.create_up_down_counter(
            "http.server.active_requests",
            unit="{request}",
            description="Number of active HTTP server requests.",
        )
        self._sessions = meter.create_up_down_counter(
            "http2.server.open_sessions", unit="{session}", description="HTTP/2 sessions."
        )
        self._streams = meter.create_up_down_counter(
            "http2.server.open_streams",
            unit="{stream}",
            description="Streams that HTTP/2 clients have open.",
        )
        self._sessions_begun = meter.create_counter(
            "http2.server.sessions",
            unit="{session}",
            description="HTTP/2 sessions that have begun.",
        )
        self._of_server: Attributes = {}
        if server_address:
            self._of_server["server.address"] = server_address
        # created once for each set of attributes
        self._attributes: dict[Labels, Attributes] = {}
        self._active_attributes: dict[tuple[str, str], Attributes] = {}
        super().__init__(
            server, route=route, server_address=server_address, known_methods=known_methods
        )

    def _active(self, method: str, scheme: str, more: int) -> None:
        key = method, scheme
        attributes = self._active_attributes.get(key)
        if attributes is None:
            attributes = {"http.request.method": method, "url.scheme": scheme, **self._of_server}
            self._active_attributes[key] = attributes
        self._active_requests.add(more, attributes)

    def _measured(self, labels: Labels, seconds: float, received: int, sent: int) -> None:
        attributes = self._attributes.get(labels)
        if attributes is None:
            pairs = zip(ATTRIBUTES, labels, strict=True)
            attributes = {name: value for name, value in pairs if value is not None}
            attributes |= self._of_server
            self._attributes[labels] = attributes
        self._duration.record(seconds, attributes)
        self._request_size.record(received, attributes)
        self._response_size.record(sent, attributes)

    def streams_changed(self, more: int) -> None:
        self._streams.add(more, self._of_server)

    def sessions_changed(self, more: int) -> None:
        self._sessions.add(more, self._of_server)
        if more > 0:
            self._sessions_begun.add(more, self._of_server)
