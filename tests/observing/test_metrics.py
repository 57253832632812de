"""`http2.metrics`: the measurements of exchanges over both protocols, in both systems."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

import http2
import http2.metrics

from ..support import http1, raw
from ..support.both_protocols import PROTOCOLS, told
from ..support.http1 import Http1Peer
from ..support.raw import RawPeer
from ..support.running import Run, execute
from ..support.self_signed import Certificate
from ..support.serving import eventually, listening
from .measured import Exchanges, OpenTelemetry, Prometheus, System, told_apart

VERSION = {"h2c": "2", "http/1.1": "1.1"}
SEMCONV_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


@pytest.fixture(params=[Prometheus, OpenTelemetry])
def system(request: pytest.FixtureRequest) -> System:
    found: System = request.param()
    return found


async def answer(request: Any, response: Any) -> None:
    """Answer as the path says."""
    match request.url.split("?")[0]:
        case "/fails":
            raise LookupError("of the test")
        case "/cut":
            response.write_head(200, {"content-length": 10})
            response.write("123")
            response.stream.close(8)
        case "/none":
            response.write_head(204)
            response.end()
        case "/length":
            body = await request.read()
            response.end(str(len(body)))
        case _:
            response.end("hello")


async def measured(system: System, count: int = 1) -> list[Exchanges]:
    """Return the values as soon as *count* exchanges are over."""
    await eventually(lambda: sum(entry.count for entry in system.exchanges()) >= count)
    found = system.exchanges()
    assert sum(entry.count for entry in found) == count
    return found


@pytest.mark.row("http2_metrics.PrometheusMetrics", "http2_metrics.OpenTelemetryMetrics")
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("method", "path", "status", "sent", "shown", "error"),
    [
        ("GET", "/?a=b", "200", 5, "GET", ""),
        ("HEAD", "/", "200", 0, "HEAD", ""),
        ("GET", "/none", "204", 0, "GET", ""),
        ("PROPFIND", "/", "200", 5, "_OTHER", ""),
        ("GET", "/fails", "500", 0, "GET", "500"),
    ],
)
def test_what_went_out(
    run: Run, system: System, protocol: str, method: str, path: str,
    status: str, sent: int, shown: str, error: str,
) -> None:  # fmt: skip
    async def main() -> None:
        server = http2.create_server(answer, allow_http1=True)
        system.measure(server)
        async with listening(server) as port:
            assert (await told(port, protocol, method, path)).status == int(status)
            (entry,) = await measured(system)
        assert told_apart(entry.labels) == (shown, status, VERSION[protocol], "http", error)
        assert not entry.labels.keys() & {"http_route", "server_address"}
        assert (entry.received, entry.sent) == (0, sent)
        assert 0 < entry.seconds < 10
        assert entry.bounds == SEMCONV_BOUNDS

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bodies_of_curl(run: Run, system: System, protocol: str) -> None:
    """Their bytes, without frames and chunks, with and without a declared length."""
    option = "--http2-prior-knowledge" if protocol == "h2c" else "--http1.1"

    async def main() -> None:
        server = http2.create_server(answer, allow_http1=True)
        system.measure(server)
        async with listening(server) as port:
            url = f"http://127.0.0.1:{port}/length"
            for more in ([], ["-H", "transfer-encoding: chunked"]):
                if protocol == "h2c" and more:
                    continue
                out = await execute(
                    "curl", "-sS", option, *more, "-T", "-", "-X", "POST", url, stdin=b"x" * 100_000
                )
                assert out == b"100000"
            count = 1 if protocol == "h2c" else 2
            (entry,) = await measured(system, count)
        assert told_apart(entry.labels) == ("POST", "200", VERSION[protocol], "http", "")
        assert (entry.received, entry.sent) == (100_000 * count, 6 * count)

    run(main())


def test_our_client_over_tls(run: Run, system: System, certificate: Certificate) -> None:
    """Many requests on a connection; the scheme is the connection's, whatever a client claims."""

    async def main() -> None:
        server = http2.create_secure_server(answer, cert=certificate.cert, key=certificate.key)
        system.measure(server)
        async with listening(server) as port:
            url = f"https://localhost:{port}"
            async with http2.connect(url, ca=certificate.cert) as session:
                posts = [
                    session.request({":method": "POST", ":path": "/length", ":scheme": "http"})
                    for _ in range(5)
                ]
                for post in posts:
                    post.end(b"x" * 70_000)
                assert [await post.read() for post in posts] == [b"70000"] * 5
                (entry,) = await measured(system, 5)
                assert system.gauge("http2.server.open_sessions") == {(): 1}
            await eventually(lambda: not system.gauge("http2.server.open_sessions"))
        assert told_apart(entry.labels) == ("POST", "200", "2", "https", "")
        assert (entry.received, entry.sent) == (350_000, 25)
        assert system.count("http2.server.sessions") == 1

    run(main())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_requests_under_way(run: Run, system: System, protocol: str) -> None:
    async def main() -> None:
        go = asyncio.Event()

        async def waits(request: Any, response: Any) -> None:
            await go.wait()
            response.end()

        server = http2.create_server(waits, allow_http1=True)
        system.measure(server)
        http2_too = protocol == "h2c"
        async with listening(server) as port:
            asking = asyncio.create_task(told(port, protocol, "DELETE"))
            await eventually(lambda: bool(system.gauge("http.server.active_requests")))
            assert system.gauge("http.server.active_requests") == {("DELETE", "http"): 1}
            assert bool(system.gauge("http2.server.open_sessions")) is http2_too
            assert bool(system.gauge("http2.server.open_streams")) is http2_too
            assert system.exchanges() == []
            go.set()
            await asking
            await measured(system)
            for name in ("http.server.active_requests", "http2.server.open_streams"):
                assert not system.gauge(name)

    run(main())


@pytest.mark.parametrize(
    ("protocol", "code", "error"),
    [("h2c", 8, "CANCEL"), ("h2c", 0x7777, "_OTHER"), ("http/1.1", 0, "CANCEL")],
)
def test_a_client_that_leaves(
    run: Run, system: System, protocol: str, code: int, error: str
) -> None:
    async def main() -> None:
        came = asyncio.Event()

        async def waits(request: Any, response: Any) -> None:
            came.set()
            await asyncio.sleep(60)

        server = http2.create_server(waits, allow_http1=True)
        system.measure(server)
        async with listening(server) as port:
            if protocol == "h2c":
                async with await RawPeer.connect(port) as peer:
                    peer.send(raw.get())
                    await came.wait()
                    peer.send(raw.rst_stream(1, code))
                    (entry,) = await measured(system)
            else:
                async with await Http1Peer.dial(port) as other:
                    other.send(http1.request("GET"))
                    await came.wait()
                (entry,) = await measured(system)
            assert told_apart(entry.labels) == ("GET", "", VERSION[protocol], "http", error)
            assert not system.gauge("http.server.active_requests")

    run(main())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_exchange_that_is_cut(run: Run, system: System, protocol: str) -> None:
    async def main() -> None:
        server = http2.create_server(answer, allow_http1=True)
        system.measure(server)
        async with listening(server) as port:
            answered = await told(port, protocol, "GET", "/cut")
            assert not answered.whole
            (entry,) = await measured(system)
        status = str(answered.status or "")
        assert told_apart(entry.labels) == ("GET", status, VERSION[protocol], "http", "CANCEL")
        assert entry.sent == len(answered.body)

    run(main())


def test_a_connection_that_is_lost(run: Run, system: System) -> None:
    """With streams that never reached a handler, and others that wait for their bodies."""

    async def main() -> None:
        async def reads(request: Any, response: Any) -> None:
            await request.read()

        server = http2.create_server(reads)
        system.measure(server)
        async with listening(server) as port:
            async with await RawPeer.connect(port) as peer:
                # begun and reset in one read: no handler gets the last one
                peer.send(raw.post(1), raw.post(3), raw.post(5) + raw.rst_stream(5))
                await eventually(lambda: system.gauge("http2.server.open_streams") == {(): 2})
                assert system.gauge("http.server.active_requests") == {("POST", "http"): 2}
                await peer.abort()
            (entry,) = await measured(system, 2)
            await eventually(lambda: not system.gauge("http2.server.open_sessions"))
        assert entry.labels["error_type"] in ("CANCEL", "INTERNAL_ERROR")
        for name in ("http.server.active_requests", "http2.server.open_streams"):
            assert not system.gauge(name)

    run(main())


def test_what_clients_make_up(run: Run, system: System) -> None:
    """Any number of unknown methods or codes shares one series."""

    async def main() -> None:
        server = http2.create_server(answer)
        system.measure(server)
        async with listening(server) as port, await RawPeer.connect(port) as peer:
            for number in range(50):
                fields = [
                    (":method", f"M{number}"), (":path", f"/{number}"), (":scheme", f"s{number}"),
                    (":authority", f"host{number}"),
                ]  # fmt: skip
                peer.send(raw.headers(2 * number + 1, fields, end_stream=True))
            (entry,) = await measured(system, 50)
        assert told_apart(entry.labels) == ("_OTHER", "200", "2", "http", "")

    run(main())


@pytest.mark.row(
    "http2_metrics.prometheus.__init__.option.route",
    "http2_metrics.opentelemetry.__init__.option.route",
)
def test_routes(run: Run, system: System, caplog: pytest.LogCaptureFixture) -> None:
    def route(method: str, target: str) -> str | None:
        if target == "/raises":
            raise LookupError("of the test")
        return f"{method} /users/{{id}}" if target.startswith("/users/") else None

    async def main() -> None:
        server = http2.create_server(answer, allow_http1=True)
        system.measure(server, route=route, server_address="example.org")
        async with listening(server) as port:
            for path in ("/users/1", "/users/2", "/raises", "/other"):
                await told(port, "h2c", "GET", path)
            found = await measured(system, 4)
        counts = {entry.labels.get("http_route"): entry.count for entry in found}
        assert counts == {"GET /users/{id}": 2, None: 2}
        assert {entry.labels["server_address"] for entry in found} == {"example.org"}

    run(main())
    assert "of the test" in caplog.text


@pytest.mark.row(
    "http2_metrics.prometheus.__init__.option.known_methods",
    "http2_metrics.opentelemetry.__init__.option.known_methods",
)
def test_known_methods(run: Run, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "PURGE, GET")

    async def main() -> None:
        server = http2.create_server(answer)
        given = {} if isinstance(system, OpenTelemetry) else {"known_methods": ["PURGE", "GET"]}
        system.measure(server, **given)
        async with listening(server) as port:
            for method in ("PURGE", "GET", "POST"):
                await told(port, "h2c", method)
            found = await measured(system, 3)
        assert {entry.labels["http_request_method"] for entry in found} == {
            "PURGE", "GET", "_OTHER",
        }  # fmt: skip

    run(main())


@pytest.mark.row("http2_metrics.prometheus.close", "http2_metrics.opentelemetry.close")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_end_of_measuring(run: Run, system: System, protocol: str) -> None:
    """A request in progress is not counted, and does not remain among the active requests."""

    async def main() -> None:
        go = asyncio.Event()

        async def waits(request: Any, response: Any) -> None:
            await go.wait()
            response.end()

        server = http2.create_server(waits, allow_http1=True)
        metrics = system.measure(server)
        async with listening(server) as port:
            asking = asyncio.create_task(told(port, protocol))
            await eventually(lambda: bool(system.gauge("http.server.active_requests")))
            metrics.close()
            metrics.close()
            go.set()
            assert (await asking).whole
            await eventually(lambda: not system.gauge("http.server.active_requests"))
            await told(port, protocol)
        await eventually(lambda: not system.gauge("http2.server.open_sessions"))
        assert not system.gauge("http2.server.open_streams")
        assert system.exchanges() == []

    run(main())


@pytest.mark.row(
    "http2_metrics.prometheus.__init__.option.server_address",
    "http2_metrics.opentelemetry.__init__.option.server_address",
    "http2_metrics.opentelemetry.__init__.option.meter_provider",
)
def test_servers_that_share_a_system(run: Run, system: System) -> None:
    """Together with others and an access log; `server_address` distinguishes them."""

    async def main() -> None:
        servers = [http2.create_server(answer, allow_http1=True) for _ in range(2)]
        http2.AccessLog(servers[0])
        for server, name in zip(servers, ("one", "two"), strict=True):
            system.measure(server, server_address=name)
        async with listening(servers[0]) as first, listening(servers[1]) as second:
            for port in (first, second, second):
                await told(port, "http/1.1")
            found = await measured(system, 3)
        counts = {entry.labels["server_address"]: entry.count for entry in found}
        assert counts == {"one": 1, "two": 2}

    run(main())


@pytest.mark.interop
@pytest.mark.row("http2_metrics.prometheus.__init__.option.registry")
@pytest.mark.parametrize("version", ["--http2-prior-knowledge", "--http1.1"])
def test_a_scrape(run: Run, version: str) -> None:
    """Requested with curl, on the measured server."""

    async def main() -> None:
        registry = CollectorRegistry()

        def expose(request: Any, response: Any) -> None:
            response.set_header("content-type", CONTENT_TYPE_LATEST)
            response.end(generate_latest(registry))

        server = http2.create_server(expose, allow_http1=True)
        http2.metrics.PrometheusMetrics(server, registry=registry)
        async with listening(server) as port:
            url = f"http://127.0.0.1:{port}/metrics"
            await execute("curl", "-sSf", version, url)
            scraped = (await execute("curl", "-sSf", version, url)).decode()
        number = "2" if "2" in version else "1.1"
        assert (
            'http_server_request_duration_seconds_count{error_type="",http_request_method="GET",'
            f'http_response_status_code="200",http_route="",network_protocol_version="{number}",'
            'server_address="",url_scheme="http"} 1.0\n'
        ) in scraped
        assert (
            'http_server_active_requests{http_request_method="GET",server_address="",'
            'url_scheme="http"} 1.0\n'
        ) in scraped

    run(main())


def test_units_of_opentelemetry(run: Run) -> None:
    async def main() -> InMemoryMetricReader:
        system = OpenTelemetry()
        server = http2.create_server(answer)
        system.measure(server)
        async with listening(server) as port:
            await told(port, "h2c")
            await measured(system)
        return system.reader

    data = run(main()).get_metrics_data()
    units = {
        metric.name: metric.unit
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert units == {
        "http.server.request.duration": "s",
        "http.server.request.body.size": "By",
        "http.server.response.body.size": "By",
        "http.server.active_requests": "{request}",
        "http2.server.open_sessions": "{session}",
        "http2.server.open_streams": "{stream}",
        "http2.server.sessions": "{session}",
    }


def test_unused_it_is_not_there(run: Run, python: str) -> None:
    """Nothing is imported, and sessions and connections do nothing for it."""
    code = "import sys, http2; print([n for n in sys.modules if 'metric' in n or 'prom' in n])"

    async def main() -> None:
        assert (await execute(python, "-c", code)).strip() == b"[]"
        server = http2.create_server(answer, allow_http1=True)
        layers: list[Any] = []
        server.on(
            "session",
            lambda session: layers.append(
                (session.handlers.current is session.own_handlers, session._listeners)
            ),
        )
        system = Prometheus()
        system.measure(server).close()
        async with listening(server) as port:
            for protocol in PROTOCOLS:
                await told(port, protocol)
        assert layers == [(True, None)]
        assert system.exchanges() == []

    run(main())


CLASSES = [http2.metrics.PrometheusMetrics, http2.metrics.OpenTelemetryMetrics]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "options",
    [{"route": "/"}, {"server_address": 1}, {"known_methods": "GET"},
                {"known_methods": [1]}, {"known_methods": 1}],
)  # fmt: skip
def test_wrong_options(cls: Any, options: dict[str, Any]) -> None:
    with pytest.raises(http2.Http2TypeError) as caught:
        cls(http2.create_server(), **options)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


@pytest.mark.parametrize("cls", CLASSES)
def test_what_is_no_server(cls: Any) -> None:
    with pytest.raises(http2.Http2TypeError) as caught:
        cls("server")
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


@pytest.mark.parametrize(
    ("cls", "package", "extra"),
    [
        (CLASSES[0], "prometheus_client", "http2[prometheus]"),
        (CLASSES[1], "opentelemetry.metrics", "http2[opentelemetry]"),
    ],
)
def test_a_package_that_is_missing(
    cls: Any, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=extra.replace("[", r"\[")):
        cls(http2.create_server())
