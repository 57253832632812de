"""Define `PrometheusMetrics`, with `prometheus-client` and OpenTelemetry's names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from ..servers.server import Http2Server
from .server_metrics import DURATION_BUCKETS, SIZE_BUCKETS, Labels, Route, ServerMetrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["PrometheusMetrics"]

# The labels of an exchange, in the order of `Labels`, and those of one in progress. For
# Prometheus, an empty label is the same as a missing one.
OF_EXCHANGES = (
    "http_request_method", "url_scheme", "http_response_status_code", "network_protocol_version",
    "error_type", "http_route",
)  # fmt: skip
OF_ACTIVE = ("http_request_method", "url_scheme")
OF_SERVER = ("server_address",)


class _Instruments:
    """The instruments of one registry, which its servers share."""

    _known: ClassVar[WeakKeyDictionary[CollectorRegistry, _Instruments]] = WeakKeyDictionary()

    def __init__(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        exchanges = (*OF_EXCHANGES, *OF_SERVER)
        self.duration = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP server requests.",
            exchanges,
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self.request_size = Histogram(
            "http_server_request_body_size_bytes",
            "Size of HTTP server request bodies.",
            exchanges,
            buckets=SIZE_BUCKETS,
            registry=registry,
        )
        self.response_size = Histogram(
            "http_server_response_body_size_bytes",
            "Size of HTTP server response bodies.",
            exchanges,
            buckets=SIZE_BUCKETS,
            registry=registry,
        )

        # with several processes: the sum over the running ones
        def gauge(name: str, text: str, labels: Iterable[str]) -> Gauge:
            return Gauge(name, text, labels, registry=registry, multiprocess_mode="livesum")

        self.active = gauge(
            "http_server_active_requests",
            "Number of active HTTP server requests.",
            (*OF_ACTIVE, *OF_SERVER),
        )
        self.sessions = gauge("http2_server_open_sessions", "HTTP/2 sessions.", OF_SERVER)
        self.streams = gauge(
            "http2_server_open_streams", "Streams that HTTP/2 clients have open.", OF_SERVER
        )
        self.begun = Counter(
            "http2_server_sessions",
            "HTTP/2 sessions that have begun.",
            OF_SERVER,
            registry=registry,
        )

    @classmethod
    def of(cls, registry: CollectorRegistry) -> _Instruments:
        """Return the instruments of *registry*."""
        found = cls._known.get(registry)
        if found is None:
            found = cls._known[registry] = cls(registry)
        return found


class PrometheusMetrics(ServerMetrics):
    """Measures *server* in *registry*, by default that of `prometheus_client`.

    Histograms, in seconds and bytes: ``http_server_request_duration_seconds``,
    ``http_server_request_body_size_bytes``, ``http_server_response_body_size_bytes``, with the
    labels ``http_request_method``, ``url_scheme``, ``http_response_status_code``,
    ``network_protocol_version``, ``error_type``, ``http_route``; gauges:
    ``http_server_active_requests``, with the first two, ``http2_server_open_sessions``,
    ``http2_server_open_streams``; a counter: ``http2_server_sessions_total``. Each has the label
    ``server_address`` too. Servers with the same registry share the metrics.

    *route* is called with the method and the target of each completed request, and returns
    ``http_route``, which must have few different values; without it there is no route, because
    paths are unlimited. *server_address* is the label of that name: the name that clients use is
    not trusted. *known_methods* are the methods with their own label, by default those of RFC
    9110, PATCH and QUERY; others are ``_OTHER``.

    Connections that begin from now on are measured. Raises ERR_INVALID_ARG_TYPE, `ImportError`
    without ``prometheus-client``, and `ValueError` for a registry that has others by these names.
    """

    def __init__(
        self,
        server: Http2Server,
        *,
        registry: CollectorRegistry | None = None,
        route: Route | None = None,
        server_address: str | None = None,
        known_methods: Iterable[str] | None = None,
    ) -> None:
        try:
            import prometheus_client
        except ImportError as error:
            raise ImportError(
                "PrometheusMetrics needs the package prometheus-client:"
                " pip install 'http2[prometheus]'"
            ) from error
        if registry is None:
            registry = prometheus_client.REGISTRY
        self._instruments = _Instruments.of(registry)
        # the results of `labels`, by its arguments
        self._children: dict[Labels, tuple[Any, Any, Any]] = {}
        self._active_ones: dict[tuple[str, str], Any] = {}
        super().__init__(
            server, route=route, server_address=server_address, known_methods=known_methods
        )
        self._address = address = server_address or ""
        self._sessions = self._instruments.sessions.labels(address)
        self._streams = self._instruments.streams.labels(address)
        self._sessions_begun = self._instruments.begun.labels(address)

    def _active(self, method: str, scheme: str, more: int) -> None:
        key = method, scheme
        child = self._active_ones.get(key)
        if child is None:
            child = self._instruments.active.labels(*key, self._address)
            self._active_ones[key] = child
        child.inc(more)

    def _measured(self, labels: Labels, seconds: float, received: int, sent: int) -> None:
        children = self._children.get(labels)
        if children is None:
            texts = ["" if value is None else str(value) for value in labels]
            instruments = self._instruments
            children = self._children[labels] = (
                instruments.duration.labels(*texts, self._address),
                instruments.request_size.labels(*texts, self._address),
                instruments.response_size.labels(*texts, self._address),
            )
        children[0].observe(seconds)
        children[1].observe(received)
        children[2].observe(sent)

    def streams_changed(self, more: int) -> None:
        self._streams.inc(more)

    def sessions_changed(self, more: int) -> None:
        self._sessions.inc(more)
        if more > 0:
            self._sessions_begun.inc(more)
