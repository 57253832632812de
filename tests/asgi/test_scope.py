"""The scope of a request: each key, over each version of HTTP."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

import http2
import http2.asgi

from ..support import http1, raw
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import listening
from .asking import ask, handling, port_of


class Recorder:
    """An application that records its scopes and answers with 204."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Record *scope*."""
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


@pytest.mark.interop
@pytest.mark.row("asgi.Handler", "asgi.handler.app", "asgi.handler.state")
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_scope(run: Run, version: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with handling(app, state={"db": 1}) as (handler, url):
            assert handler.app is app
            answer = await ask(
                url, "-X", "PATCH", "-H", "X-Two: a", "-H", "x-two: b", "-H", "User-Agent: me",
                path="/caf%C3%A9/%2F?q=%20x&y", version=version,
            )  # fmt: skip
            assert answer.status == 204
        [scope] = app.scopes
        address, port = scope.pop("client")
        assert address == "127.0.0.1"
        assert isinstance(port, int)
        assert {"http.response.trailers", "http.response.early_hint", "http.response.pathsend",
                "http.response.zerocopysend"} == set(scope.pop("extensions"))  # fmt: skip
        assert scope == {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": version,
            "method": "PATCH",
            "scheme": "http",
            "path": "/café//",
            "raw_path": b"/caf%C3%A9/%2F",
            "query_string": b"q=%20x&y",
            "root_path": "",
            "headers": [
                (b"host", url.removeprefix("http://").encode()),
                (b"accept", b"*/*"),
                (b"x-two", b"a"),
                (b"x-two", b"b"),
                (b"user-agent", b"me"),
            ],
            "server": ("127.0.0.1", port_of(url)),
            "state": {"db": 1},
        }

    run(main())


@pytest.mark.interop
@pytest.mark.row("asgi.handler.root_path")
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_root_path(run: Run, version: str) -> None:
    async def main() -> None:
        app = Recorder()
        async with handling(app, root_path="/api/") as (handler, url):
            assert handler.root_path == "/api"
            await ask(url, path="/users", version=version)
        scope = app.scopes[0]
        assert (scope["root_path"], scope["path"], scope["raw_path"]) == (
            "/api", "/api/users", b"/api/users",
        )  # fmt: skip

    run(main())


def test_each_request_has_a_state_and_a_scope_of_its_own(run_asyncio: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((dict(scope["state"]), dict(scope["extensions"]), scope["asgi"].copy()))
        scope["state"]["user"] = scope["extensions"]["mine"] = scope["asgi"]["x"] = 1
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    seen: list[Any] = []

    async def main() -> None:
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            for stream_id in (1, 3):
                peer.send(raw.get(stream_id))
                await peer.until(raw.HEADERS, stream_id)

    run_asyncio(main())
    assert seen[0] == seen[1]
    assert seen[0][0] == {}


def test_cookie_crumbs_and_host(run_asyncio: Run) -> None:
    """RFC 9113 section 8.2.3, and `host` from `:authority`, once and first."""

    async def main() -> None:
        app = Recorder()
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            fields = [*raw.request_fields(), ("cookie", "a=1"), ("x", "y"), ("host", "localhost"),
                      ("cookie", "b=2"), ("cookie", "c=\xe9")]  # fmt: skip
            peer.send(raw.headers(1, fields, end_stream=True))
            await peer.until(raw.HEADERS, 1)
        assert app.scopes[0]["headers"] == [
            (b"host", b"localhost"),
            (b"cookie", b"a=1; b=2; c=\xe9"),
            (b"x", b"y"),
        ]

    run_asyncio(main())


BLOCKS: list[list[tuple[str, str]]] = [
    [("accept", "*/*"), ("user-agent", "a")],
    [("accept", "*/*"), ("user-agent", "b")],
    [("user-agent", "b"), ("accept", "*/*"), ("cookie", "a=1")],
    [("accept", "*/*"), ("cookie", "a=1"), ("cookie", "b=2")],
    [("accept", "text/plain"), ("accept", "*/*")],
    [("host", "localhost"), ("accept", "*/*")],
    [("accept", "*/*"), ("host", "localhost")],
    [("host", "localhost"), ("accept", "*/*")],
    [],
    [("long", "x" * 5000), ("accept", "*/*")],
    [(f"x-{n}", str(n)) for n in range(60)],
]


def as_pairs(fields: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return *fields* in ASGI's form, with cookies joined."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        found.setdefault(name.encode(), []).append(value.encode())
    if b"cookie" in found:
        found[b"cookie"] = [b"; ".join(found[b"cookie"])]
    return [(name, value) for name, values in found.items() for value in values]


def without_host(pairs: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [pair for pair in pairs if pair[0] != b"host"]


@pytest.mark.parametrize("every", [1, 2, 1000])
def test_headers_of_later_requests(run: Run, every: int) -> None:
    """Each request has its own, although parts of an earlier block are used again."""
    app = Recorder()

    async def main() -> None:
        async with handling(app) as (_, url), http2.connect(url) as session:
            for number, fields in enumerate([*BLOCKS, *BLOCKS, *reversed(BLOCKS)]):
                authority = number % every == every - 1
                known = [(":authority", f"h{number // 4}")] if authority else []
                own = [(":method", "GET"), (":path", f"/{number}"), (":scheme", "http"), *known]
                stream = session.request([*own, *fields])
                assert (await stream.response())[":status"] == 204
                await stream.read()
                scope = app.scopes.pop()
                assert scope["path"] == f"/{number}"
                expected = as_pairs(fields)
                if authority or ("host", "localhost") not in fields:
                    # the client adds `:authority` unless there is a `host`
                    host = known[0][1] if authority else url.removeprefix("http://")
                    expected = [(b"host", host.encode()), *without_host(expected)]
                assert scope["headers"] == expected
                # it is the application's
                scope["headers"].clear()

    run(main())


def test_odd_targets(run_asyncio: Run) -> None:
    async def main() -> None:
        app = Recorder()
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            for number, path in enumerate(("*", "/%ff%", "/a?b?c", "/?")):
                fields = raw.request_fields("OPTIONS", path)
                peer.send(raw.headers(2 * number + 1, fields, end_stream=True))
                await peer.until(raw.HEADERS, 2 * number + 1)
        told = [(s["path"], s["raw_path"], s["query_string"]) for s in app.scopes]
        assert told == [
            ("*", b"*", b""),
            ("/\ufffd%", b"/%ff%", b""),
            ("/a", b"/a", b"b?c"),
            ("/", b"/", b""),
        ]

    run_asyncio(main())


def test_absolute_form_and_http_10(run_asyncio: Run) -> None:
    """RFC 9112 section 3.2.2: a server accepts the absolute form."""

    async def main() -> None:
        app = Recorder()
        async with handling(app) as (_, url):
            peer = await http1.Http1Peer.dial(port_of(url))
            async with peer:
                peer.send("GET http://elsewhere/a/b?c HTTP/1.0\r\n\r\n")
                assert (await peer.reader.readline()).split()[1] == b"204"
        scope = app.scopes[0]
        assert (scope["path"], scope["query_string"], scope["http_version"], scope["headers"]) == (
            "/a/b", b"c", "1.0", [],
        )  # fmt: skip

    run_asyncio(main())


def test_requests_of_one_http1_connection(run_asyncio: Run) -> None:
    """Two versions share the connection's values; each request has its own scope."""

    async def main() -> None:
        app = Recorder()
        async with handling(app) as (_, url):
            peer = await http1.Http1Peer.dial(port_of(url))
            async with peer:
                for version in ("1.1", "1.0", "1.1"):
                    await peer.ask(http1.get("/", version, connection="keep-alive"))
                    assert app.scopes[-1]["extensions"]
                    assert app.scopes[-1]["state"] == {}
                    # the application may change it
                    app.scopes[-1]["extensions"].clear()
                    app.scopes[-1]["state"]["seen"] = True
                client = peer.writer.get_extra_info("sockname")
            other = await http1.Http1Peer.dial(port_of(url))
            async with other:
                await other.ask(http1.get())
                assert app.scopes[-1]["client"] == other.writer.get_extra_info("sockname")
                assert app.scopes[-1]["extensions"]
                assert app.scopes[-1]["state"] == {}
        assert [scope["http_version"] for scope in app.scopes] == ["1.1", "1.0", "1.1", "1.1"]
        assert {scope["client"] for scope in app.scopes[:3]} == {client}

    run_asyncio(main())


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_tls(run: Run, certificate: Certificate, version: str) -> None:
    """The extension `tls`, with the client's certificate; the scheme is that of the connection."""
    der = ssl.PEM_cert_to_DER_cert(Path(certificate.cert).read_text())

    async def main() -> None:
        app = Recorder()
        server = http2.create_secure_server(
            http2.asgi.Handler(app), allow_http1=True, cert=certificate.cert, key=certificate.key,
            ca=certificate.cert, request_cert=True, reject_unauthorized=False,
        )  # fmt: skip
        option = "--http2" if version == "2" else "--http1.1"
        async with listening(server) as port:
            url = f"https://localhost:{port}"
            await ask(url, option, version="1.1")
            await ask(
                url, option, "--cert", certificate.cert, "--key", certificate.key, version="1.1"
            )
        for scope in app.scopes:
            assert (scope["scheme"], scope["http_version"]) == ("https", version)
        without, with_one = (scope["extensions"]["tls"] for scope in app.scopes)
        assert without == {
            "server_cert": None,
            "client_cert_chain": [],
            "client_cert_name": None,
            "client_cert_error": None,
            "tls_version": 0x0304,
            "cipher_suite": without["cipher_suite"],
        }
        assert without["cipher_suite"] in (0x1301, 0x1302, 0x1303)
        assert with_one["client_cert_chain"] == [ssl.DER_cert_to_PEM_cert(der)]
        assert with_one["client_cert_name"] == "CN=localhost"

    run(main())


def test_no_application(run_asyncio: Run) -> None:
    with pytest.raises(TypeError, match="an ASGI application must be a callable, not 'app:app'"):
        http2.asgi.Handler("app:app")  # type: ignore[arg-type]
