"""The requests of the client, as received by Node, nghttpd and this library's server."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import http2

from ..support.nghttp2_versions import KNOWS_RFC_7540
from ..support.peers import (
    Flag,
    Peer,
    serving_url,
    start_nghttpd,
    start_node,
    starting,
    tls_options,
)
from ..support.running import Run
from ..support.self_signed import Certificate


class Word(enum.StrEnum):
    VALUE = "from an enum"


class Number(enum.IntEnum):
    VALUE = 7


@pytest.fixture(scope="module", params=["h2c", "tls"])
def peer(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[Peer]:
    with starting() as start:
        if request.param == "tls":
            yield start_node(start, cert=certificate.cert, key=certificate.key)
        else:
            yield start_node(start)


def connect(peer: Peer, **options: Any) -> http2.ClientHttp2Session:
    return http2.connect(peer.origin, **tls_options(peer), **options)


async def seen_by(session: http2.ClientHttp2Session, headers: Any, **options: Any) -> Any:
    """Return what Node's server has received for a request with *headers*."""
    stream = session.request(headers, **options)
    if not stream.writable_ended:
        stream.end()
    await stream.response()
    return json.loads(await stream.read())


@pytest.mark.interop
@pytest.mark.row("client_session.request.defaults", "client_session.request")
def test_defaults(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            seen = await seen_by(session, {":path": "/headers"})
            assert seen["headers"] == {
                ":method": "GET",
                ":scheme": peer.scheme,
                ":authority": f"127.0.0.1:{peer.port}",
                ":path": "/headers",
            }
            assert seen["endStream"]
            # without headers: GET / of the connected authority
            stream = session.request()
            assert (await stream.response())[":status"] == 404
            assert dict(stream.sent_headers or {}).get(":path", "/") == "/"
            await stream.read()

    run(main())


@pytest.mark.row(
    "client_session.request.option.end_stream", "stream.writable", "duplex.writable_ended"
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS"])
def test_end_stream_by_method(run: Run, method: str) -> None:
    async def main() -> None:
        flags: dict[str, bool] = {}

        def respond(stream: Any, headers: Any, received: int) -> None:
            flags[headers[":path"]] = bool(received & 1)
            stream.respond()
            stream.resume()
            stream.end()

        async with serving_url(respond) as (_, origin), http2.connect(origin) as session:
            by_default = method not in ("GET", "HEAD", "DELETE")
            for path, options, body in (
                ("/default", {}, by_default),
                ("/with", {"end_stream": False}, True),
                ("/without", {"end_stream": True}, False),
            ):
                stream = session.request({":method": method, ":path": path}, **options)
                assert stream.writable_ended is not body
                assert stream.writable is body
                if body:
                    stream.end()
                assert (await stream.response())[":status"] == 200
                assert await stream.read() == b""
                assert flags[path] is not body

    run(main())


@pytest.mark.interop
@pytest.mark.row("headers.outgoing", "headers.pairs", "headers.lower_case")
@pytest.mark.parametrize(
    "headers",
    [
        {":path": "/headers", "X-Upper": "1", "x-list": ["a", "b"], "x-int": 7, "x-float": 0.5},
        MappingProxyType(
            {":path": "/headers", "x-upper": "1", "x-list": ("a", "b"), "x-int": 7, "x-float": 0.5}
        ),
        [(":path", "/headers"), ("x-upper", "1"), ("x-list", "a"), ("x-list", "b"),
         ("x-int", "7"), ("x-float", 0.5)],
        iter([(":path", "/headers"), (b"X-UPPER", b"1"), ("x-list", ["a", "b"]),
              ("x-int", 7), ("x-float", 0.5)]),
    ],
    ids=["dict", "mapping", "pairs", "iterator"],
)  # fmt: skip
def test_forms_of_headers(run_asyncio: Run, headers: Any) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start)
            async with connect(peer) as session:
                seen = await seen_by(session, headers)
        raw = seen["raw"]
        pairs = list(zip(raw[::2], raw[1::2], strict=True))
        assert [pair for pair in pairs if not pair[0].startswith(":")] == [
            ("x-upper", "1"),
            ("x-list", "a"),
            ("x-list", "b"),
            ("x-int", "7"),
            ("x-float", "0.5"),
        ]

    run_asyncio(main())


@pytest.mark.interop
@pytest.mark.row("headers.outgoing")
def test_values_of_headers(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            seen = await seen_by(
                session,
                {
                    ":path": "/headers",
                    "x-enum": Word.VALUE,
                    "x-number": Number.VALUE,
                    "x-empty": "",
                    "x-none": None,
                    "x-nothing": [],
                    "x-latin": "caf\xe9",
                    "x-bytes": b"\xe9",
                    "te": "trailers",
                    "cookie": ["a=1", "b=2"],
                    "x-long": "v" * 20000,
                },
            )
            headers = seen["headers"]
            assert headers["x-enum"] == "from an enum"
            assert headers["x-number"] == "7"
            assert headers["x-empty"] == ""
            assert "x-none" not in headers
            assert "x-nothing" not in headers
            assert headers["x-latin"] == "caf\xe9"
            assert headers["x-bytes"] == "\xe9"
            assert headers["te"] == "trailers"
            assert headers["cookie"] == "a=1; b=2"
            assert headers["x-long"] == "v" * 20000

    run(main())


@pytest.mark.interop
@pytest.mark.row("module.sensitive_headers", "headers.sensitive_by_itself")
def test_sensitive_headers(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            for headers in (
                {":path": "/headers", "X-Key": "k", "x-open": "o",
                 http2.sensitive_headers: ["X-KEY"], "authorization": "Basic c2VjcmV0"},
                [(":path", "/headers"), ("x-key", "k"), ("x-open", "o"),
                 (http2.sensitive_headers, ["x-key"]), ("authorization", "Basic c2VjcmV0")],
            ):  # fmt: skip
                seen = await seen_by(session, headers)
                assert seen["headers"]["x-key"] == "k"
                assert "x-key" in seen["sensitive"]
                assert "authorization" in seen["sensitive"]
                assert "x-open" not in seen["sensitive"]

    run(main())


@pytest.mark.interop
def test_what_a_received_block_marks_stays_sensitive_when_it_is_sent_on(
    run: Run, peer: Peer
) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            received = await session.request({":path": "/cookies"}).response()
            assert received.sensitive == ["x-secret"]
            onward = received.copy()
            del onward[":status"]
            onward[":path"] = "/headers"
            stream = session.request(onward)
            assert stream.sent_headers is not None
            assert stream.sent_headers.sensitive == ["x-secret"]
            seen = await seen_by(session, onward)
            assert "x-secret" in seen["sensitive"]
            assert "x-many" not in seen["sensitive"]

    run(main())


@pytest.mark.interop
def test_own_pseudo_headers(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            seen = await seen_by(
                session,
                {
                    "x-first": "1",  # a mapping has no order: the pseudo-headers are sent first
                    ":method": "SEARCH",
                    ":scheme": "ftp",
                    ":authority": "example.org:1",
                    ":path": "/headers",
                },
            )
            assert seen["raw"][:8:2] == [":method", ":scheme", ":authority", ":path"]
            assert seen["headers"][":method"] == "SEARCH"
            assert seen["headers"][":scheme"] == "ftp"
            assert seen["headers"][":authority"] == "example.org:1"
            # a host field replaces :authority
            seen = await seen_by(session, {":path": "/headers", "host": "example.org"})
            assert seen["headers"]["host"] == "example.org"
            assert ":authority" not in seen["headers"]

    run(main())


def test_default_port_is_left_out(run_asyncio: Run) -> None:
    async def main() -> None:
        # no server listens there: only the sent headers matter
        for origin, authority in (
            ("http://127.0.0.1:80", "127.0.0.1"),
            ("http://[::1]:80", "[::1]"),
            ("http://[::1]:81", "[::1]:81"),
            ("http://127.0.0.1:81/path?query", "127.0.0.1:81"),
            ("http://user:pass@127.0.0.1:81", "127.0.0.1:81"),
        ):
            session = http2.connect(origin)
            session.on("error", lambda error: None)
            assert session.authority == authority
            session.destroy()
            await session.close()

    run_asyncio(main())


@pytest.mark.row("stream.sent_headers")
def test_sent_headers(run: Run) -> None:
    async def main() -> None:
        async with serving_url(lambda stream: stream.respond(end_stream=True)) as (_, origin):
            session = http2.connect(origin)
            early = session.request({":path": "/early", "X-Case": "kept"})
            await session
            late = session.request([(":path", "/late"), ("X-Case", "1"), ("x-case", "2")])
            for stream in (early, late):
                await stream.response()
                sent = stream.sent_headers
                assert sent is not None
                assert sent[":method"] == "GET"
                assert sent[":scheme"] == "http"
                assert sent[":authority"] == origin.removeprefix("http://")
            assert early.sent_headers[":path"] == "/early"  # type: ignore[index]
            assert early.sent_headers["x-case"] == "kept"  # type: ignore[index]
            assert late.sent_headers["X-Case"] == ["1", "2"]  # type: ignore[index]
            await session.close()

    run(main())


@pytest.mark.row(
    "stream.event.ready",
    "stream.pending",
    "stream.id",
    "stream.session",
    "stream.closed",
    "stream.destroyed",
    "stream.end_after_headers",
    "stream.rst_code",
    "module.Http2Stream",
    "module.ClientHttp2Stream",
)
def test_states_of_a_stream(run: Run) -> None:
    async def main() -> None:
        def respond(stream: Any, headers: Any) -> None:
            if headers[":path"] == "/body":
                stream.respond()
                stream.end("body")
            else:
                stream.respond(end_stream=True)

        async with serving_url(respond) as (_, origin):
            session = http2.connect(origin)
            stream = session.request({":path": "/body"})
            ready = Flag()
            stream.on("ready", lambda: ready.set(stream.id))
            assert stream.pending
            assert stream.id is None
            assert session.connecting
            await ready
            assert not stream.pending
            assert stream.id == 1
            assert stream.session is session
            await stream.response()
            assert not stream.end_after_headers
            assert await stream.read() == b"body"
            assert stream.readable_ended
            await stream.close()
            assert stream.destroyed
            assert stream.closed
            assert not stream.aborted
            assert stream.rst_code == http2.constants.NGHTTP2_NO_ERROR
            assert stream.session is None

            stream = session.request({":path": "/none"})
            assert stream.id == 3
            assert not stream.pending
            await stream.response()
            assert stream.end_after_headers
            assert await stream.read() == b""
            await session.close()

    run(main())


def test_headers_are_taken_at_the_call(run: Run) -> None:
    async def main() -> None:
        async with serving_url(lambda stream: stream.respond(end_stream=True)) as (server, origin):
            seen: list[Any] = []
            server.on("stream", lambda stream, headers: seen.append(headers["x-value"]))
            session = http2.connect(origin)
            headers = {"x-value": "before"}
            first = session.request(headers)
            headers["x-value"] = "after"
            await first.response()
            headers["x-value"] = "before"
            second = session.request(headers)
            headers["x-value"] = "after"
            await second.response()
            assert seen == ["before", "before"]
            assert second.sent_headers["x-value"] == "before"  # type: ignore[index]
            await session.close()

    run(main())


@pytest.mark.interop
@pytest.mark.row(
    "client_session.request.option.wait_for_trailers",
    "stream.event.want_trailers",
    "stream.send_trailers",
    "stream.sent_trailers",
)
def test_request_trailers(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            stream = session.request(
                {":method": "POST", ":path": "/their-trailers"}, wait_for_trailers=True
            )
            wanted = Flag()

            @stream.on("want_trailers")
            def send() -> None:
                wanted.set()
                stream.send_trailers({"x-sum": 42, "X-List": ["a", "b"]})

            with pytest.raises(http2.Http2Error) as caught:
                stream.send_trailers({"x-sum": 1})
            assert caught.value.code == "ERR_HTTP2_TRAILERS_NOT_READY"
            stream.end("before the trailers")
            await wanted
            with pytest.raises(http2.Http2Error) as caught:
                stream.send_trailers({"x-sum": 1})
            assert caught.value.code == "ERR_HTTP2_TRAILERS_ALREADY_SENT"
            assert stream.sent_trailers["x-sum"] == 42  # type: ignore[index]
            await stream.response()
            assert json.loads(await stream.read()) == {
                "body": "before the trailers",
                "trailers": {"x-sum": "42", "x-list": "a, b"},
            }
            assert stream.writable_finished

    run(main())


@pytest.mark.interop
def test_request_trailers_later_or_never(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            headers = {":method": "POST", ":path": "/their-trailers"}
            # long after the event
            stream = session.request(headers, wait_for_trailers=True)
            wanted = Flag()
            stream.on("want_trailers", wanted.set)
            stream.end()
            await wanted
            with pytest.raises(http2.Http2TypeError) as caught:
                stream.send_trailers({":path": "/"})
            assert caught.value.code == "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED"
            stream.send_trailers({"x-late": "yes"})
            await stream.response()
            seen = json.loads(await stream.read())
            assert seen == {"body": "", "trailers": {"x-late": "yes"}}
            # without a listener the stream just ends
            stream = session.request(headers, wait_for_trailers=True)
            stream.end("alone")
            await stream.response()
            assert json.loads(await stream.read()) == {"body": "alone", "trailers": None}
            # trailers without fields end it too
            stream = session.request(headers, wait_for_trailers=True)
            stream.on("want_trailers", lambda: stream.send_trailers({}))
            stream.end("empty")
            await stream.response()
            assert json.loads(await stream.read()) == {"body": "empty", "trailers": None}
            # a request without a body may have trailers too
            stream = session.request(
                {":method": "GET", ":path": "/their-trailers"}, wait_for_trailers=True
            )
            stream.on("want_trailers", lambda: stream.send_trailers({"x-get": "1"}))
            await stream.response()
            seen = json.loads(await stream.read())
            assert seen == {"body": "", "trailers": {"x-get": "1"}}

    run(main())


@pytest.mark.interop
def test_trailers_of_a_request_before_the_connection(run: Run, peer: Peer) -> None:
    async def main() -> None:
        session = connect(peer)
        stream = session.request(
            {":method": "POST", ":path": "/their-trailers"}, wait_for_trailers=True
        )
        stream.on("want_trailers", lambda: stream.send_trailers({"x-early": "1"}))
        stream.end("early")
        await stream.response()
        seen = json.loads(await stream.read())
        assert seen == {"body": "early", "trailers": {"x-early": "1"}}
        await session.close()

    run(main())


@pytest.mark.interop
@pytest.mark.row(
    "client_session.request.option.weight",
    "client_session.request.option.parent",
    "client_session.request.option.exclusive",
)
def test_priority_reaches_the_server(run_asyncio: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start)
            async with connect(peer) as session:
                seen = await seen_by(session, {":path": "/headers"}, weight=200)
                assert seen["weight"] == (200 if KNOWS_RFC_7540 else 16)

    run_asyncio(main())


@pytest.mark.interop
@pytest.mark.parametrize("secure", [False, True], ids=["h2c", "tls"])
def test_nghttpd(run: Run, secure: bool, tmp_path: Path, certificate: Certificate) -> None:
    async def main() -> None:
        (tmp_path / "file.txt").write_bytes(b"from a file\n")
        with starting() as start:
            peer = start_nghttpd(
                start, tmp_path, "--echo-upload", "--trailer", "x-end: yes",
                certificate=certificate if secure else None,
            )  # fmt: skip
            async with connect(peer) as session:
                stream = session.request({":path": "/file.txt"})
                trailers = Flag()
                stream.on("trailers", lambda headers: trailers.set(headers))
                headers = await stream.response()
                assert headers[":status"] == 200
                assert headers["content-length"] == "12"
                assert headers["SERVER"].startswith("nghttpd")
                assert await stream.read() == b"from a file\n"
                assert (await trailers)[0]["x-end"] == "yes"

                stream = session.request({":method": "HEAD", ":path": "/file.txt"})
                headers = await stream.response()
                assert headers["content-length"] == "12"
                assert await stream.read() == b""

                stream = session.request({":path": "/missing"})
                assert (await stream.response())[":status"] == 404
                assert b"404" in await stream.read()

                stream = session.request({":method": "POST", ":path": "/echo"})
                stream.end("uploaded")
                assert (await stream.response())[":status"] == 200
                assert await stream.read() == b"uploaded"
                assert session.alpn_protocol == ("h2" if secure else "h2c")
                assert session.encrypted is secure

    run(main())


@pytest.mark.parametrize("early", [True, False], ids=["early", "late"])
def test_headers_that_can_be_read_only_once(run_asyncio: Run, early: bool) -> None:
    async def main() -> None:
        async with serving_url(lambda stream: stream.respond(end_stream=True)) as (server, origin):
            seen: list[Any] = []
            server.on("stream", lambda stream, headers: seen.append(headers["x-value"]))
            session = http2.connect(origin)
            if not early:
                await session
            stream = session.request(pair for pair in [("x-value", "once")])
            await stream.response()
            assert seen == ["once"]
            assert stream.sent_headers["x-value"] == "once"  # type: ignore[index]
            await session.close()

    run_asyncio(main())
