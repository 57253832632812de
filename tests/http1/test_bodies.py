"""Bodies over HTTP/1: their framing in both directions, and truncated ones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2

from ..support.buffers import unread
from ..support.http1 import Http1Peer, asking, chunked, echo, get, request, serving_http1
from ..support.running import Run
from ..support.serving import Events, eventually


def test_content_length(run: Run) -> None:
    """A body that is given whole gets its length automatically."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            match request.url:
                case "/whole":
                    response.end("whole")
                case "/none":
                    response.end()
                case "/given":
                    response.write_head(200, {"content-length": 5}).end("given")
                case "/head":
                    response.write_head(200).end("same turn")
                case "/written":
                    response.write("one ")
                    response.end("two")
                case "/parts":
                    response.set_header("content-length", 6)
                    response.write("six")
                    response.end("six")

        async with asking(on_request) as peer:
            for path, body, length in (
                ("/whole", b"whole", "5"),
                ("/none", b"", "0"),
                ("/given", b"given", "5"),
                ("/head", b"same turn", "9"),
                ("/written", b"one two", None),
                ("/parts", b"sixsix", "6"),
            ):
                got = await peer.ask(get(path))
                assert (got.body, got.headers.get("content-length")) == (body, length)

    run(main())


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("status", [200, 204, 205, 304])
def test_bodiless(run: Run, method: str, status: int) -> None:
    """HEAD, 204, 205 and 304: written data is dropped, and none of it is sent."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.status_code = status
            if request.url == "/written":
                response.write("some ")
            response.end("body")

        async with asking(on_request) as peer:
            for path in ("/ended", "/written"):
                got = await peer.ask(request(method, path), method)
                length = got.headers.get("content-length")
                if status == 204:
                    assert length is None
                elif status == 205:
                    assert length == "0"
                elif path == "/ended":
                    assert length == ("4" if status == 200 else None)
                if status in (204, 205):
                    assert "transfer-encoding" not in got.headers
                bodiless = method == "HEAD" or status != 200
                whole = b"some body" if path == "/written" else b"body"
                assert got.body == (b"" if bodiless else whole)
            # nothing is left on the connection
            assert (await peer.ask(get("/last", connection="close"))).status == status
            await peer.rest()

    run(main())


def test_chunked_both_ways(run: Run) -> None:
    async def main() -> None:
        async def on_request(request: Any, response: Any) -> None:
            assert len(request.trailers) == 0
            body = await request.read()
            response.set_header("trailer", "x-sum")
            response.write(body)
            response.set_trailer("x-sum", str(sum(body)))
            response.add_trailers({"x-list": ["a", "b"], "x-of-client": request.trailers["x-sum"]})
            assert request.raw_trailers == [("X-Sum", "6")]
            response.end(b"!" * 100_000)

        async with asking(on_request) as peer:
            for _ in range(2):
                peer.send(request("POST", transfer_encoding="chunked"))
                peer.send(chunked(b"\1", b"\2\3", trailers="X-Sum: 6\r\n"))
                got = await peer.response()
                assert got.chunks == [b"\1\2\3", b"!" * 100_000]
                assert got.trailers == [
                    ("x-sum", "6"), ("x-list", "a"), ("x-list", "b"), ("x-of-client", "6"),
                ]  # fmt: skip

    run(main())


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_unknown_length_to_old_clients(run: Run, connection: str) -> None:
    """HTTP/1.0 has no chunks: the end of the connection marks the end of the body."""

    async def main() -> None:
        async def on_request(request: Any, response: Any) -> None:
            response.write("one ")
            await asyncio.sleep(0)
            response.add_trailers({"x": "dropped"})
            response.end("two")

        async with asking(on_request) as peer:
            got = await peer.ask(get(version="1.0", connection=connection))
            assert got.closes
            assert "transfer-encoding" not in got.headers
            assert got.body == b"one two"

    run(main())


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_echo(run: Run, size: int, framing: str) -> None:
    async def main() -> None:
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        async with asking(echo) as peer:
            for _ in range(2):
                if framing == "length":
                    peer.send(request("POST", content_length=str(size)), body)
                else:
                    pieces = [body[i : i + 50_000] for i in range(0, size, 50_000)]
                    peer.send(request("POST", transfer_encoding="chunked"), chunked(*pieces))
                assert (await peer.response()).body == body

    run(main())


def test_slow_reader(run: Run) -> None:
    """A client that does not read pauses the handler, and costs no memory."""

    async def main() -> None:
        written = 0

        async def on_request(request: Any, response: Any) -> None:
            nonlocal written
            for _ in range(1000):
                written += 50_000
                if not response.write(bytes(50_000)):
                    await response.drain()
            response.end()

        async with serving_http1(on_request) as (server, port), await Http1Peer.dial(port) as peer:
            peer.send(get(connection="close"))
            await eventually(lambda: written > 0)
            before = -1
            while before != written:
                before = written
                await asyncio.sleep(0.05)
            assert written < 20_000_000
            (connection,) = server._sessions
            assert connection.unsent_size() < 500_000  # type: ignore[attr-defined]
            body = 0
            while chunk := await peer.reader.read(1 << 20):
                body += len(chunk)
            assert body > 50_000_000

    run(main())


def test_slow_handler(run: Run) -> None:
    """A handler that does not read holds the client back."""

    async def main() -> None:
        release = asyncio.Event()
        got = 0

        async def on_request(request: Any, response: Any) -> None:
            nonlocal got
            await release.wait()
            async for chunk in request:
                got += len(chunk)
            response.end(str(got))

        async with serving_http1(on_request) as (server, port), await Http1Peer.dial(port) as peer:
            size = 30_000_000
            peer.send(request("POST", content_length=str(size)), bytes(size))
            await eventually(lambda: bool(server._sessions))
            (connection,) = server._sessions
            await eventually(lambda: connection._reading_paused)  # type: ignore[attr-defined]
            stream = connection._stream  # type: ignore[attr-defined]
            assert unread(stream) < 400_000
            assert peer.writer.transport.get_write_buffer_size() > 0
            release.set()
            assert (await peer.response()).body == b"30000000"

    run(main())


@pytest.mark.parametrize("manner", ["close", "abort", "eof"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_client_leaves_in_the_middle(run: Run, manner: str, framing: str) -> None:
    """Reading raises, and ``aborted`` is emitted: a body is never truncated silently."""

    async def main() -> None:
        events = Events()
        readers = []

        async def read(request: Any) -> None:
            try:
                await request.read()
            except http2.StreamError as error:
                events.add("raised", error.code)

        def on_request(request: Any, response: Any) -> None:
            request.on("aborted", lambda: events.add("aborted"))
            request.on("end", lambda: events.add("end"))
            request.on("close", lambda: events.add("close"))
            response.on("close", lambda: events.add("response"))
            readers.append(asyncio.create_task(read(request)))
            events.add("request", request)

        async with serving_http1(on_request) as (_, port), await Http1Peer.dial(port) as peer:
            if framing == "length":
                peer.send(request("POST", content_length="10"), "hello")
            else:
                peer.send(request("POST", transfer_encoding="chunked"), "a\r\nhello")
            message = (await events.expect("request"))[1]
            assert not message.aborted
            if manner == "eof":
                peer.writer.write_eof()
                assert await peer.rest() == b""
            else:
                await (peer.close() if manner == "close" else peer.abort())
            for event in ("aborted", "raised", "close", "response"):
                await events.expect(event)
            assert message.aborted
            assert message.complete
            assert not [entry for entry in events.seen if entry[0] == "end"]

    run(main())


def test_client_leaves_while_the_handler_works(run: Run) -> None:
    """The handler's task is cancelled when the client disconnects."""

    async def main() -> None:
        events = Events()

        async def on_request(request: Any, response: Any) -> None:
            events.add("begun")
            response.on("close", lambda: events.add("close"))
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                events.add("cancelled", response.writable)
                raise

        async with serving_http1(on_request) as (_, port), await Http1Peer.dial(port) as peer:
            peer.send(get())
            await events.expect("begun")
            await peer.abort()
            assert (await events.expect("cancelled"))[1] is False
            await events.expect("close")

    run(main())


def test_response_while_the_request_comes(run: Run) -> None:
    """If a handler ignores a small body, the connection stays open; a large one ends it."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.status_code = 413 if request.url == "/large" else 200
            response.end("no, thanks")

        async with asking(on_request) as peer:
            peer.send(request("POST", "/small", content_length="1000"), "x" * 500)
            assert (await peer.response()).body == b"no, thanks"
            peer.send("x" * 500)
            peer.send(request("POST", "/chunked", transfer_encoding="chunked"), "5\r\nhe")
            assert (await peer.response()).body == b"no, thanks"
            peer.send("llo\r\n0\r\n\r\n")
            peer.send(request("POST", "/large", content_length="100000000"), "x" * 300_000)
            got = await peer.response()
            assert (got.status, got.body) == (413, b"no, thanks")
            assert await peer.rest() == b""

    run(main())


def test_more_than_content_length(run: Run) -> None:
    """Refused at the call, which ends the exchange: the client gets no complete response."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.write_head(200, {"content-length": 5})
            if request.url == "/write":
                response.write("hel")
                with pytest.raises(http2.Http2Error) as caught:
                    response.write("lo!")
                assert caught.value.code == "ERR_HTTP_CONTENT_LENGTH_MISMATCH"
            else:
                with pytest.raises(http2.Http2Error) as caught:
                    response.stream.end("hello!")
                assert caught.value.code == "ERR_HTTP_CONTENT_LENGTH_MISMATCH"
            assert response.stream.destroyed

        for path, body in (("/write", b"hel"), ("/end", b"")):
            async with asking(on_request) as peer:
                peer.send(get(path))
                assert (await peer.rest()).partition(b"\r\n\r\n")[2] == body

    run(main())


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_less_than_content_length(run: Run, version: str) -> None:
    """The connection ends, so that the client notices; also when the handler raises."""

    async def main() -> None:
        events = Events()

        def on_request(request: Any, response: Any) -> None:
            response.on("error", lambda error: events.add("error", error.code))
            response.write_head(200, {"content-length": 50})
            response.write("hel")
            response.end("lo")

        async with asking(on_request) as peer:
            peer.send(get(version=version))
            assert (await peer.head()).headers["content-length"] == "50"
            assert await peer.rest() == b"hello"
            assert (await events.expect("error"))[1] == "ERR_HTTP_CONTENT_LENGTH_MISMATCH"

    run(main())
