"""Provide metrics of a server, for Prometheus and for OpenTelemetry.

::

    import http2.metrics

    server = http2.create_server(handler, allow_http1=True)
    http2.metrics.PrometheusMetrics(server)      # extra: prometheus
    http2.metrics.OpenTelemetryMetrics(server)   # extra: opentelemetry

Names and attributes are those of OpenTelemetry's semantic conventions for HTTP servers. The
required packages are imported when an instance is created.
"""

from .opentelemetry import OpenTelemetryMetrics
from .prometheus import PrometheusMetrics
from .server_metrics import Route

__all__ = ["OpenTelemetryMetrics", "PrometheusMetrics", "Route"]
