"""The extensions of ASGI: trailers, early hints, push, and files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.running import Run, execute
from ..support.serving import Events
from .asking import VERSIONS, ask, handling, port_of

START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}
BODY: dict[str, Any] = {"type": "http.response.body", "body": b"x"}
MORE: dict[str, Any] = {**BODY, "more_body": True}

File = Callable[[int], Path]


async def with_trailers(scope: Any, receive: Any, send: Any) -> None:
    """Answer with a body and trailers, in two messages."""
    await send({**START, "trailers": True})
    await send(MORE)
    await send(BODY)
    trailer = {"type": "http.response.trailers", "headers": [(b"x-one", b"1")]}
    await send({**trailer, "more_trailers": True})
    await send({**trailer, "headers": [(b"x-two", b"2")]})


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_trailers(run: Run, version: str) -> None:
    """Trailers are sent to clients that send `te: trailers`, and to no others."""

    async def main() -> None:
        async with handling(with_trailers) as (_, url):
            for te, expected in (("trailers", b"x-one: 1\r\nx-two: 2\r\n"), ("deflate;q=0", b"")):
                if version == "2" and te != "trailers":
                    continue  # HTTP/2 forbids other values
                out = await execute(
                    "curl", "-si", "--max-time", "20", VERSIONS[version], "-H", f"te: {te}", url
                )
                _, _, body = out.partition(b"\r\n\r\n")
                assert body == b"xx" + expected
            assert (await ask(url, version=version)).body == b"xx"

    run(main())


def test_trailers_without_a_body(run: Run) -> None:
    """Errors of gRPC: two HEADERS frames, the second one ends the stream."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "trailers": True})
        await send({"type": "http.response.body"})
        await send({"type": "http.response.trailers", "headers": [(b"grpc-status", b"12")]})

    async def main() -> None:
        async with (
            handling(app) as (_, url),
            http2.connect(url) as session,
            session.request({"te": "trailers"}) as stream,
        ):
            await stream.response()
            assert await stream.read() == b""
            trailers = await stream.trailers()
            assert trailers == {"grpc-status": "12"}

    run(main())


@pytest.mark.parametrize("ended", [True, False])
def test_trailers_of_who_reads_nothing(run: Run, ended: bool) -> None:
    """If the request's body is not received, the trailers are sent before the reset."""

    async def main() -> None:
        async with (
            handling(with_trailers) as (_, url),
            await raw.RawPeer.connect(port_of(url)) as peer,
        ):
            peer.send(raw.post(te="trailers"), raw.data(1, b"body", end_stream=ended))
            await peer.until(raw.HEADERS, 1)
            trailers = await peer.until(raw.HEADERS, 1)
            assert trailers.ends_stream
            if not ended:
                assert (await peer.until(raw.RST_STREAM, 1)).code == 0

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_early_hints(run: Run, version: str) -> None:
    """Early hints are sent before the start and before the first body; later it is too late."""
    hint = {"type": "http.response.early_hint", "links": [b"</a>; rel=preload", b"</b>"]}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(hint)
        await send(START)
        await send(hint)
        await send(MORE)
        await send(hint)
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url):
            answer = await ask(url, version=version)
            links = [("link", "</a>; rel=preload"), ("link", "</b>")]
            assert answer.informational == [(103, links), (103, links)]
            assert answer.body == b"xx"

    run(main())


def test_push(run: Run) -> None:
    """The application answers the pushed request like others, with its own scope and response."""
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        push = {"type": "http.response.push", "path": "/a ü?b", "headers": [(b"x", b"y")]}
        if scope["path"] == "/first":
            await send(push)  # as Starlette does
        await send(START)
        if scope["path"] == "/":
            assert "http.response.push" in scope["extensions"]
            await send(push)
        if scope["path"] in ("/", "/first"):
            await send(BODY)
        else:
            assert (await receive())["body"] == b""
            await send({**BODY, "body": b"pushed"})

    async def main() -> None:
        events = Events()

        def on_push(stream: http2.ClientHttp2Stream, headers: http2.Headers) -> None:
            events.add("promised", headers[":path"], stream)

        async with handling(app) as (_, url), http2.connect(url) as session:
            session.on("stream", on_push)
            async with session.request() as stream:
                assert await stream.read() == b"x"
                _, path, pushed = await events.expect("promised")
                assert path == "/a%20%C3%BC?b"
                assert await pushed.read() == b"pushed"
            async with session.request({":path": "/first"}) as stream:
                assert await stream.read() == b"x"
                assert (await events.expect("promised", 2))[1] == path
        scope = scopes[1]
        assert (scope["method"], scope["path"], scope["raw_path"], scope["query_string"]) == (
            "GET", "/a ü", b"/a%20%C3%BC", b"b",
        )  # fmt: skip
        host = url.removeprefix("http://").encode()
        assert scope["headers"] == [(b"host", host), (b"x", b"y")]

    run(main())


@pytest.mark.interop
def test_no_push_for_who_wants_none(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert "http.response.push" not in scope["extensions"]
        await send(START)
        await send({"type": "http.response.push", "path": "/a", "headers": []})
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url):
            async with await raw.RawPeer.connect(port_of(url), values={2: 0}) as peer:
                peer.send(raw.get())
                assert await peer.body(1) == b"x"
                assert raw.PUSH_PROMISE not in [frame.type for frame in peer.seen]
            assert (await ask(url, version="1.1")).body == b"x"

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
@pytest.mark.parametrize(("size", "cached"), [(0, 1), (10, 1), (3_000_000, 1), (1_000_000, 0)])
def test_pathsend(
    run: Run,
    file: File,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    size: int,
    cached: int,
) -> None:
    """Also without a system that tells what its cache has."""
    path = file(size)
    if not cached:
        monkeypatch.setattr("http2.asgi.files.NO_WAIT", 0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"%d" % size)] if scope["path"] == "/known" else []
        await send({**START, "headers": headers})
        await send({"type": "http.response.pathsend", "path": str(path)})

    async def main() -> None:
        async with handling(app) as (_, url):
            for where in ("/known", "/unknown"):
                answer = await ask(url, path=where, version=version)
                assert answer.body == path.read_bytes()
            head = await ask(url, "--head", path="/known", version=version)
            assert head.headers["content-length"] == str(size)

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_a_file_that_is_not_there(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    """Nothing was sent yet: the application may send another answer, or the client gets 500."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        target = tmp_path / "nothing" if scope["path"] == "/nothing" else tmp_path
        await send({"type": "http.response.pathsend", "path": str(target)})

    async def main() -> None:
        async with handling(app) as (_, url):
            assert (await ask(url, path="/nothing", version=version)).status == 500
            assert (await ask(url, path="/folder", version=version)).status == 500

    run(main())
    assert "FileNotFoundError" in caplog.text
    assert "is not a regular file" in caplog.text


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_zerocopysend(run: Run, file: File, version: str) -> None:
    """Parts of an open file, by offset and count or from its position, between other bodies."""
    path = file(300_000)
    content = path.read_bytes()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        zero_copy = {"type": "http.response.zerocopysend"}
        with open(path, "rb") as opened:  # noqa: ASYNC230
            os.lseek(opened.fileno(), 100, os.SEEK_SET)
            await send(START)
            part = {**zero_copy, "file": opened, "more_body": True}
            await send({**part, "count": 5})
            await send({**part, "count": 5})
            await send({**part, "offset": 10, "count": 3})
            await send(MORE)
            await send({**zero_copy, "file": opened.fileno(), "offset": 20})
            with pytest.raises(RuntimeError, match="the response is complete"):
                await send({**zero_copy, "file": opened})

    async def main() -> None:
        async with handling(app) as (_, url):
            answer = await ask(url, version=version)
            assert answer.body == content[100:110] + content[10:13] + b"x" + content[20:]

    run(main())
