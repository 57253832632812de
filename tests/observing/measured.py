"""Read the metrics of a server, for both systems in the same form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import http2
import http2.metrics

Labels = dict[str, str]


@dataclass
class Exchanges:
    """The values of one set of labels."""

    labels: Labels
    count: int
    seconds: float
    received: int
    sent: int
    # the bounds of the buckets of their durations, without infinity
    bounds: list[float]


def told_apart(labels: Labels) -> tuple[str, ...]:
    """Return the labels as a row: method, status, protocol, scheme, error."""
    names = (
        "http_request_method", "http_response_status_code", "network_protocol_version",
        "url_scheme", "error_type",
    )  # fmt: skip
    return tuple(labels.get(name, "") for name in names)


class Prometheus:
    """Return the text that a registry exposes, as Prometheus reads it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

    def measure(self, server: http2.Http2Server, **options: Any) -> Any:
        return http2.metrics.PrometheusMetrics(server, registry=self.registry, **options)

    def samples(self) -> Iterator[tuple[str, Labels, float]]:
        for family in text_string_to_metric_families(generate_latest(self.registry).decode()):
            for sample in family.samples:
                labels = {name: value for name, value in sample.labels.items() if value}
                yield sample.name, labels, sample.value

    def gauge(self, name: str) -> dict[tuple[str, ...], int]:
        """Return the values that are not 0, by their labels."""
        return {
            tuple(labels.values()): int(value)
            for found, labels, value in self.samples()
            if found == name.replace(".", "_") and value
        }

    def count(self, name: str) -> int:
        return sum(int(v) for n, _, v in self.samples() if n == name.replace(".", "_") + "_total")

    def exchanges(self) -> list[Exchanges]:
        found: dict[tuple[tuple[str, str], ...], Exchanges] = {}
        for name, labels, value in self.samples():
            bound = labels.pop("le", None)
            rest, _, part = name.removeprefix("http_server_").rpartition("_")
            if part not in ("bucket", "count", "sum") or not name.startswith("http_server_re"):
                continue
            key = tuple(sorted(labels.items()))
            entry = found.setdefault(key, Exchanges(labels, 0, 0.0, 0, 0, []))
            match rest, part:
                case "request_duration_seconds", "bucket":
                    if bound not in (None, "+Inf"):
                        entry.bounds.append(float(str(bound)))
                case "request_duration_seconds", "count":
                    entry.count = int(value)
                case "request_duration_seconds", "sum":
                    entry.seconds = value
                case "request_body_size_bytes", "sum":
                    entry.received = int(value)
                case "response_body_size_bytes", "sum":
                    entry.sent = int(value)
        return list(found.values())


class OpenTelemetry:
    """Return what a reader of the SDK collects."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)

    def measure(self, server: http2.Http2Server, **options: Any) -> Any:
        provider = self.provider
        return http2.metrics.OpenTelemetryMetrics(server, meter_provider=provider, **options)

    def points(self, name: str) -> Iterator[tuple[Labels, Any]]:
        data = self.reader.get_metrics_data()
        for resource in () if data is None else data.resource_metrics:
            for scope in resource.scope_metrics:
                assert scope.scope.name == "http2"
                for metric in scope.metrics:
                    if metric.name == name:
                        for point in metric.data.data_points:
                            pairs = (point.attributes or {}).items()
                            yield {k.replace(".", "_"): str(v) for k, v in pairs}, point

    def gauge(self, name: str) -> dict[tuple[str, ...], int]:
        return {tuple(lab.values()): p.value for lab, p in self.points(name) if p.value}

    def count(self, name: str) -> int:
        return sum(point.value for _, point in self.points(name))

    def exchanges(self) -> list[Exchanges]:
        found = [
            Exchanges(labels, point.count, point.sum, 0, 0, list(point.explicit_bounds))
            for labels, point in self.points("http.server.request.duration")
        ]
        for entry in found:
            for labels, point in self.points("http.server.request.body.size"):
                if labels == entry.labels:
                    assert point.count == entry.count
                    entry.received = point.sum
            for labels, point in self.points("http.server.response.body.size"):
                if labels == entry.labels:
                    entry.sent = point.sum
        return found


System = Prometheus | OpenTelemetry
