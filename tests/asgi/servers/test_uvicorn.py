"""uvicorn's options and shutdown with `Http2Protocol`, compared with uvicorn's own protocols."""

from __future__ import annotations

import asyncio
import functools
import json
import signal
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import websockets
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import http2
from http2.asgi.scope import FORWARDED
from http2.uvicorn import _within_proxy_headers

from ...support import raw
from ...support.running import execute
from ...support.self_signed import Certificate
from ..asking import ask, port_of
from .uvicorns import VERSIONS, Process, uvicorn

pytestmark = pytest.mark.interop

versions = pytest.mark.parametrize("version", VERSIONS)


async def get(session: http2.ClientHttp2Session, path: str) -> tuple[int, bytes]:
    """Return the status and the body of *path*."""
    async with session.request({":path": path}) as stream:
        status = (await stream.response())[":status"]
        return status, await stream.read()


def told(process: Process, path: str, *options: str, **more: Any) -> Any:
    """Return the application's scope of a request."""
    return asyncio.run(ask(process.url, *options, path=path, **more)).json()


@pytest.mark.row("beyond.uvicorn")
@versions
def test_the_same_over_both(version: str) -> None:
    """HTTP/2 requests get the same scope as HTTP/1.1 requests on uvicorn's own protocol."""
    options = ["--root-path", "/api", "--header", "x-more:yes"]
    with uvicorn("tests.asgi.programs.bare:app", *options, version=version) as process:
        answers = {
            v: asyncio.run(ask(process.url, path="/scope?a", version=v)) for v in ("2", "1.1")
        }
        over_2, over_1 = (answer.json() for answer in answers.values())
        for scope in (over_2, over_1):
            for name in ("client", "asgi", "http_version", "extensions", "headers"):
                scope.pop(name, None)
        assert over_2 == over_1
        assert over_2["path"] == "/api/scope"
        assert over_2["raw_path"] == "b'/api/scope'"
        assert over_2["state"] == {"started": True}
        for answer in answers.values():
            assert answer.headers["server"] == "uvicorn"
            assert answer.headers["x-more"] == "yes"
            assert [name for name, _ in answer.raw].count("date") == 1
        log = process.stop()
    for http in ("2", "1.1"):
        assert f'- "GET /api/scope?a HTTP/{http}" 200 OK' in log
    assert "the application shuts down" in log
    assert "Finished server process" in log


@versions
@pytest.mark.parametrize("trusted", [True, False])
def test_behind_a_proxy(version: str, trusted: bool) -> None:
    """As over HTTP/1.1, also between requests without such headers on the same connection."""
    proto, client = ("x-forwarded-proto", "https"), ("x-forwarded-for", "192.0.2.1, 127.0.0.1")
    cases = [[], [proto, client], [], [client], [proto], [("x-forwarded-host", "h")], []]

    async def seen_by(url: str) -> list[Any]:
        found = []
        async with http2.connect(url) as session:
            for fields in cases:
                own = [(":method", "GET"), (":path", "/scope"), (":authority", "localhost")]
                async with session.request([*own, *fields]) as stream:
                    found.append(json.loads(await stream.read()))
        return found

    options = [] if trusted else ["--no-proxy-headers"]
    with uvicorn("tests.asgi.programs.bare:app", *options, version=version) as process:
        seen = asyncio.run(seen_by(process.url))
        for fields, scope in zip(cases, seen, strict=True):
            given = [option for name, value in fields for option in ("-H", f"{name}: {value}")]
            expected = told(process, "/scope", *given, version="1.1")
            assert scope["scheme"] == expected["scheme"]
            assert scope["scheme"] == ("https" if trusted and proto in fields else "http")
            assert ("192.0.2.1" in scope["client"]) == ("192.0.2.1" in expected["client"])
            assert ("192.0.2.1" in scope["client"]) == (trusted and client in fields)


def test_the_middleware_for_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests pass by it if they have none of the fields that it reads, unless it is replaced."""

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    function: Any = ProxyHeadersMiddleware.__call__
    names = {name.decode() for name in function.__code__.co_consts if isinstance(name, bytes)}
    assert names - {", "} <= set(FORWARDED)
    assert {"x-forwarded-for", "x-forwarded-proto"} <= names
    whole: Any = ProxyHeadersMiddleware(app)
    assert _within_proxy_headers(whole) is app
    assert _within_proxy_headers(app) is None
    assert _within_proxy_headers(ProxyHeadersMiddleware(functools.partial(app))) is None

    async def measured(self: Any, scope: Any, receive: Any, send: Any) -> None: ...

    monkeypatch.setattr(ProxyHeadersMiddleware, "__call__", measured)
    assert _within_proxy_headers(whole) is None


@versions
def test_headers_that_are_off(version: str) -> None:
    options = ["--no-server-header", "--no-date-header", "--no-access-log"]
    with uvicorn("tests.asgi.programs.bare:app", *options, version=version) as process:
        answer = asyncio.run(ask(process.url))
        assert answer.raw == [("content-length", "5")]
        own = asyncio.run(ask(process.url, path="/own"))
        assert own.raw == [("date", "mine"), ("server", "mine"), ("content-length", "0")]
        assert '"GET' not in process.stop()


@versions
def test_errors_and_trailers(version: str) -> None:
    async def main(url: str) -> None:
        async with http2.connect(url) as session:
            assert await get(session, "/error") == (500, b"Internal Server Error")
            async with session.request({":path": "/trailers", "te": "trailers"}) as stream:
                assert await stream.read() == b"x"
                assert await stream.trailers() == {"x-end": "1"}
            tunnel = session.request({":method": "CONNECT", ":authority": "example.org:443"})
            assert (await tunnel.response())[":status"] == 405
            tunnel.close()

    with uvicorn("tests.asgi.programs.bare:app", version=version) as process:
        asyncio.run(main(process.url))
        log = process.stop()
    assert log.count("Exception in ASGI application") == 1
    assert log.count("ValueError: of mine") == 1


@versions
def test_expect_100_continue(version: str) -> None:
    with uvicorn("tests.asgi.programs.site:app", version=version) as process:
        options = ["-H", "expect: 100-continue", "--json", '{"name": "a", "price": 1}']
        answer = asyncio.run(ask(process.url, *options, path="/items"))
        assert answer.status == 201
        assert [status for status, _ in answer.informational] == [100]


@versions
def test_limit_concurrency(version: str) -> None:
    async def main(url: str) -> None:
        async with http2.connect(url) as session:
            slow = [session.request({":path": "/until_gone"}) for _ in range(3)]
            # a request that has just ended may still count
            async with asyncio.timeout(10):
                while await get(session, "/") != (503, b"Service Unavailable"):
                    slow.append(session.request({":path": "/until_gone"}))
            for stream in slow:
                stream.close()
            async with asyncio.timeout(10):
                while (await get(session, "/"))[0] != 200:
                    pass

    with uvicorn(
        "tests.asgi.programs.bare:app", "--limit-concurrency", "5", version=version
    ) as process:
        asyncio.run(main(process.url))
        assert "Exceeded concurrency limit." in process.stop()


@versions
def test_limit_max_requests(version: str) -> None:
    async def main(url: str) -> None:
        async with http2.connect(url) as session:
            for _ in range(5):
                assert (await get(session, "/"))[0] == 200

    with uvicorn(
        "tests.asgi.programs.bare:app", "--limit-max-requests", "5", version=version
    ) as process:
        asyncio.run(main(process.url))
        log = process.wait()
    assert "Maximum request limit of 5 exceeded. Terminating process." in log


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_timeout_keep_alive(loop: str) -> None:
    """A connection without requests is ended; one with a long request is not."""

    async def main(url: str) -> None:
        async with await raw.RawPeer.connect(port_of(url)) as peer:
            began = time.monotonic()
            peer.send(raw.get(1, "/slow?1.5"))
            assert await peer.body(1) == b"begun and ended"
            assert (await peer.until(raw.GOAWAY)).code == 0
            assert 2.4 < time.monotonic() - began < 6
            assert {frame.type for frame in await peer.rest()} <= {raw.GOAWAY}

    with uvicorn("tests.asgi.programs.bare:app", "--timeout-keep-alive", "1", loop=loop) as process:
        asyncio.run(main(process.url))


@versions
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_graceful_shutdown(version: str, number: int) -> None:
    """RFC 9113 section 6.8: requests before the first GOAWAY, or crossing it, are answered."""

    async def main(process: Process) -> None:
        port = port_of(process.url)
        async with (
            await raw.RawPeer.connect(port) as busy,
            await raw.RawPeer.connect(port) as idle,
            http2.connect(process.url) as session,
        ):
            await session
            # connections that have not sent anything yet; one of them sends at the last moment
            _, silent = await asyncio.open_connection("127.0.0.1", port)
            late_2 = await raw.RawPeer.dial(port)
            reader_1, late_1 = await asyncio.open_connection("127.0.0.1", port)
            busy.send(raw.get(1, "/slow?1.5"))
            await busy.until(raw.HEADERS, 1)
            process.process.send_signal(number)
            first = await busy.until(raw.GOAWAY)
            assert (first.code, first.last_stream_id) == (0, 2**31 - 1)
            late_2.send(raw.PREFACE, raw.settings(), raw.get())
            late_1.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert await late_2.body(1) == b"hello"
            answer = await reader_1.read()
            assert b"connection: close\r\n" in answer
            assert answer.endswith(b"hello")
            late_1.close()
            await late_2.close()
            busy.send(raw.get(3, "/"))
            for peer in (busy, idle):
                notice = await peer.until(raw.PING)
                peer.send(raw.ping(notice.payload, ack=True))
            ended = {1: b"", 3: b""}
            last = None
            for frame in await busy.rest():
                if frame.type == raw.DATA:
                    ended[frame.stream_id] += frame.payload
                elif frame.type == raw.GOAWAY:
                    last = frame
            ended[1] = b"begun and ended" if ended[1] == b" and ended" else ended[1]
            assert ended == {1: b"begun and ended", 3: b"hello"}
            assert last is not None
            assert (last.code, last.last_stream_id) == (0, 3)
            silent.close()

    with uvicorn("tests.asgi.programs.bare:app", version=version) as process:
        asyncio.run(main(process))
        log = process.wait()
    assert "Finished server process" in log


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_handshake_during_the_shutdown(certificate: Certificate, loop: str) -> None:
    """Accepted connections are served, and ended like all others."""

    async def main(process: Process) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        port = port_of(process.url)
        async with (
            await raw.RawPeer.connect(port, context) as busy,
            await raw.RawPeer.dial(port) as late,
        ):
            busy.send(raw.get(1, "/slow?2"))
            await busy.until(raw.HEADERS, 1)
            process.process.send_signal(signal.SIGTERM)
            await busy.until(raw.GOAWAY)
            await late.start_tls(context)
            late.send(raw.PREFACE, raw.settings(), raw.get())
            assert await late.body(1) == b"hello"
            goaways = [frame.last_stream_id for frame in late.seen if frame.type == raw.GOAWAY]
            assert goaways[0] == 2**31 - 1
            assert await busy.body(1) in (b"begun and ended", b" and ended")

    options = ["--ssl-certfile", certificate.cert, "--ssl-keyfile", certificate.key]
    with uvicorn("tests.asgi.programs.bare:app", *options, loop=loop) as process:
        asyncio.run(main(process))
        assert "Finished server process" in process.wait()


def test_shutdown_with_clients_that_do_not_answer() -> None:
    """The process ends in time, even if an idle client does not answer."""

    async def main(process: Process) -> None:
        async with await raw.RawPeer.connect(port_of(process.url)) as peer:
            peer.send(raw.get())
            await peer.body(1)
            began = time.monotonic()
            process.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait)
            assert time.monotonic() - began < 8

    with uvicorn("tests.asgi.programs.bare:app") as process:
        asyncio.run(main(process))


@versions
def test_timeout_graceful_shutdown(version: str) -> None:
    """After the deadline, requests are cancelled: they get 500 or a reset, and the process ends."""

    async def main(process: Process) -> None:
        async with http2.connect(process.url) as session:
            stream = session.request({":path": "/slow?60"})
            await stream.response()
            waiting = session.request({":path": "/until_gone"})
            await get(session, "/")
            process.process.send_signal(signal.SIGTERM)
            with pytest.raises(http2.Http2Error):
                await stream.read()
            assert (await waiting.response())[":status"] == 500

    with uvicorn(
        "tests.asgi.programs.bare:app", "--timeout-graceful-shutdown", "1", version=version
    ) as process:
        asyncio.run(main(process))
        log = process.wait()
    assert "timeout graceful shutdown exceeded" in log
    assert "the application shuts down" in log


@versions
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_first_bytes(version: str, loop: str) -> None:
    """First bytes in pieces, of every kind: HTTP/2, HTTP/1.1, and neither."""

    async def main(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in raw.PREFACE + raw.settings():
            writer.write(bytes([byte]))
            await writer.drain()
        writer.write(raw.get())
        assert b"hello" in await until(reader, b"hello")
        writer.close()
        for start in (b"P", b"PR", b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if start:
                writer.write(start)
                await asyncio.sleep(0.02)
            rest = (b"PROPFIND / HTTP/1.1\r\n\r\n" if start else b"GET / HTTP/1.1\r\n\r\n")[
                len(start) :
            ]
            writer.write(rest)
            assert (await until(reader, b"hello")).startswith(b"HTTP/1.1 200 OK\r\n")
            writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()

    async def until(reader: asyncio.StreamReader, wanted: bytes) -> bytes:
        seen = b""
        async with asyncio.timeout(10):
            while wanted not in seen:
                more = await reader.read(1000)
                assert more, seen
                seen += more
        return seen

    with uvicorn("tests.asgi.programs.bare:app", version=version, loop=loop) as process:
        asyncio.run(main(port_of(process.url)))


@versions
def test_websockets_over_http1(version: str) -> None:
    """They are handled by uvicorn, as without this protocol."""

    async def main(url: str) -> None:
        async with websockets.connect(url.replace("http", "ws")) as ws:
            await ws.send("hello")
            assert await ws.recv() == "you said: hello"

    with uvicorn("tests.asgi.programs.bare:app", version=version) as process:
        asyncio.run(main(process.url))


def test_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with uvicorn(
        "tests.asgi.programs.bare:app", "--uds", path, said=r"Uvicorn running on unix socket"
    ) as process:
        process.url = "http://localhost:1"
        scope = told(process, "/scope", "--unix-socket", path)
        assert scope["client"] is None
        assert scope["server"] == [path, None]
        over_1 = told(process, "/scope", "--unix-socket", path, version="1.1")
        assert (over_1["client"], over_1["server"]) == (scope["client"], scope["server"])


def test_old_tls(certificate: Certificate) -> None:
    """A TLS 1.2 cipher suite that HTTP/2 forbids ends the connection, and nothing else."""
    options = ["--ssl-certfile", certificate.cert, "--ssl-keyfile", certificate.key]
    curl = ["curl", "-sk", "--max-time", "10", "--tls-max", "1.2"]
    with uvicorn(
        "tests.asgi.programs.bare:app", *options, "--ssl-ciphers", "AES128-SHA"
    ) as process:
        with pytest.raises(AssertionError):
            asyncio.run(execute(*curl, "--http2", process.url))
        assert asyncio.run(execute(*curl, "--http1.1", process.url)) == b"hello"
        process.stop()
    with uvicorn(
        "tests.asgi.programs.bare:app", *options, "--ssl-ciphers", "ECDHE+AESGCM"
    ) as process:
        assert asyncio.run(execute(*curl, "--http2", process.url)) == b"hello"
        scope = json.loads(asyncio.run(execute(*curl, "--http2", process.url + "/scope")))
        assert scope["http_version"] == "2"
        assert scope["scheme"] == "https"
        assert scope["extensions"]["tls"]["tls_version"] == 0x0303


def test_client_certificates(certificate: Certificate) -> None:
    """A client without a certificate is refused; the application gets a client's certificate."""
    options = ["--ssl-certfile", certificate.cert, "--ssl-keyfile", certificate.key]
    options += ["--ssl-ca-certs", certificate.cert, "--ssl-cert-reqs", str(int(ssl.CERT_REQUIRED))]
    mine = ["--cert", certificate.cert, "--key", certificate.key]
    curl = ["curl", "-sk", "--max-time", "10"]
    with uvicorn("tests.asgi.programs.bare:app", *options) as process:
        for option in ("--http2", "--http1.1"):
            with pytest.raises(AssertionError):
                asyncio.run(execute(*curl, option, process.url))
        scope = json.loads(asyncio.run(execute(*curl, *mine, "--http2", process.url + "/scope")))
        told = scope["extensions"]["tls"]
        assert told["client_cert_name"] == "CN=localhost"
        (pem,) = told["client_cert_chain"]
        assert pem.split() == Path(certificate.cert).read_text().split()
        process.stop()


def test_the_example(certificate: Certificate) -> None:
    """`examples/fastapi_app.py`, run as its docstring says, over both versions of HTTP."""
    options = ["--ssl-certfile", certificate.cert, "--ssl-keyfile", certificate.key]

    def curl(version: str, path: str, *more: str) -> Any:
        http = "--http2" if version == "2" else "--http1.1"
        return asyncio.run(execute("curl", "-skN", http, *more, process.url + path))

    with uvicorn("examples.fastapi_app:app", *options) as process:
        for version in ("2", "1.1"):
            hello = json.loads(curl(version, "/hello/world"))
            assert hello == {"text": "Hello, world!", "http_version": version}
            assert curl(version, "/ticks?count=2&seconds=0") == b"data: tick 0\n\ndata: tick 1\n\n"
            assert json.loads(curl(version, "/sum", "-T", __file__))["bytes"] > 1000
            form = ["-F", f"file=@{__file__}", "-F", "title=a title"]
            assert json.loads(curl(version, "/upload", *form))["title"] == "a title"
            assert curl(version, "/checked") == b"something to be sure of\n"
        out = asyncio.run(execute("nghttp", "-nv", "-H", "te: trailers", process.url + "/checked"))
        assert b"x-sha256: 08e281a4" in out
