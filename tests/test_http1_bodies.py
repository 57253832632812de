"""Bodies over HTTP/1: how they are framed in both directions, and what becomes of broken ones."""

from __future__ import annotations

import asyncio
import itertools
import json
import tracemalloc
from typing import Any

import pytest

import http2

from .conftest import Run
from .http1 import Http1Peer, asking, chunked, get, request, serving
from .serving import Events, eventually


async def echo(request: Any, response: Any) -> None:
    """Send back what came."""
    async for chunk in request:
        response.write(chunk)
        await response.drain()
    response.end()


def test_content_length(run: Run) -> None:
    """A body that is given whole has its length; nobody sets it twice."""

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
    """HEAD, 204, 205 and 304: what is written is dropped, and nothing of it is on the wire."""

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
    """HTTP/1.0 has no chunks: the end of the connection is the end of the body."""

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
    """A client that does not read holds the handler back, and costs no memory."""

    async def main() -> None:
        written = 0

        async def on_request(request: Any, response: Any) -> None:
            nonlocal written
            for _ in range(1000):
                written += 50_000
                if not response.write(bytes(50_000)):
                    await response.drain()
            response.end()

        async with serving(on_request) as (server, port), await Http1Peer.dial(port) as peer:
            peer.send(get(connection="close"))
            await eventually(lambda: written > 0)
            before = -1
            while before != written:
                before = written
                await asyncio.sleep(0.05)
            assert written < 20_000_000
            (connection,) = server._sessions
            assert connection._queued() < 500_000  # type: ignore[attr-defined]
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

        async with serving(on_request) as (server, port), await Http1Peer.dial(port) as peer:
            size = 30_000_000
            peer.send(request("POST", content_length=str(size)), bytes(size))
            await eventually(lambda: bool(server._sessions))
            (connection,) = server._sessions
            await eventually(lambda: connection._reading_paused)  # type: ignore[attr-defined]
            stream = connection._stream  # type: ignore[attr-defined]
            assert stream._buffered < 400_000
            assert peer.writer.transport.get_write_buffer_size() > 0
            release.set()
            assert (await peer.response()).body == b"30000000"

    run(main())


@pytest.mark.parametrize("manner", ["close", "abort", "eof"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_client_leaves_in_the_middle(run: Run, manner: str, framing: str) -> None:
    """Reading raises, ``aborted`` is emitted: a body is never cut short in silence."""

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

        async with serving(on_request) as (_, port), await Http1Peer.dial(port) as peer:
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
    """The task of a handler whose client is gone is cancelled."""

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

        async with serving(on_request) as (_, port), await Http1Peer.dial(port) as peer:
            peer.send(get())
            await events.expect("begun")
            await peer.abort()
            assert (await events.expect("cancelled"))[1] is False
            await events.expect("close")

    run(main())


def test_response_while_the_request_comes(run: Run) -> None:
    """A handler that wants none of a small body keeps the connection, of a large one ends it."""

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


@pytest.mark.row("server.option.http1_incoming_message_class", "module.Http1IncomingMessage")
def test_requests(run: Run) -> None:
    """What a request says, in a class of the program's own."""

    async def main() -> None:
        class Message(http2.Http1IncomingMessage):
            def user(self) -> str:
                name: str = self.headers.get("x-user", "")
                return name

        def on_request(request: Message, response: Any) -> None:
            request_line = (request.method, request.url, request.http_version)
            assert request.http_version_major == 1
            assert isinstance(response, http2.Http1ServerResponse)
            assert response.req is request
            assert (request.scheme, request.authority) == ("http", "localhost")
            assert request.headers["X-List"] == "a, b"
            assert request.headers["cookie"] == "a=b; c=d"
            assert ("X-List", "b") in request.raw_headers
            assert request.socket is not None
            assert request.socket.remote_address == "127.0.0.1"
            assert request.stream.id is None
            assert not request.aborted
            with pytest.raises(http2.Http2Error, match="push"):
                response.create_push_response({":path": "/"})
            response.end(json.dumps([*request_line, request.user(), request.http_version_minor]))
            request.method = "PATCH"
            assert request.method == "PATCH"

        server = http2.create_server(
            on_request, allow_http1=True, http1_incoming_message_class=Message
        )
        await server.listen(0, "127.0.0.1")
        async with server, await Http1Peer.dial(server.address()[1]) as peer:
            for version in ("1.1", "1.0"):
                peer.send(
                    f"GET /p?q HTTP/{version}\r\nHost: localhost\r\nX-List: a\r\nX-User: me\r\n"
                    "X-List: b\r\nCookie: a=b\r\nCookie: c=d\r\nConnection: keep-alive\r\n\r\n"
                )
                expected = ["GET", "/p?q", version, "me", int(version[-1])]
                assert json.loads((await peer.response()).body) == expected

    run(main())


@pytest.mark.row("server.option.http1_server_response_class", "module.Http1ServerResponse")
def test_responses(run: Run) -> None:
    """Headers, status, reason phrase and date, in a class of the program's own."""

    async def main() -> None:
        class Response(http2.Http1ServerResponse):
            def json(self, value: Any) -> None:
                self.set_header("Content-Type", "application/json")
                self.end(json.dumps(value))

        def on_request(request: Any, response: Response) -> None:
            match request.url:
                case "/json":
                    assert response.status_message == "OK"
                    response.set_header("set-cookie", ["a=b", "c=d"])
                    response.json([1])
                    assert response.headers_sent
                case "/message":
                    response.status_message = "Fine"
                    response.json([2])
                case "/head":
                    response.send_date = False
                    response.write_head(299, "Whatever", {"x": "y", "connection": "close"})
                    response.end()
                case _:
                    response.status_code = 414
                    response.json([3])

        server = http2.create_server(
            on_request, allow_http1=True, http1_server_response_class=Response
        )
        await server.listen(0, "127.0.0.1")
        async with server, await Http1Peer.dial(server.address()[1]) as peer:
            peer.send(get("/json"))
            got = await peer.head()
            assert [value for name, value in got.raw if name == "set-cookie"] == ["a=b", "c=d"]
            assert (got.status, got.reason) == (200, "OK")
            assert dict(got.raw)["date"].endswith(" GMT")
            assert await peer.reader.readexactly(3) == b"[1]"
            assert (await peer.ask(get("/message"))).reason == "Fine"
            assert (await peer.ask(get("/other"))).reason == "URI Too Long"
            got = await peer.ask(get("/head"))
            assert (got.status, got.reason) == (299, "Whatever")
            assert got.headers == {"x": "y", "content-length": "0", "connection": "close"}

    run(main())


def test_the_same_again(run: Run) -> None:
    """Fields that come, or go, once more are the message's own, whatever became of the others."""

    async def main() -> None:
        seen = []
        shared = {"x-shared": "1", "content-type": "text/plain"}

        def on_request(request: Any, response: Any) -> None:
            seen.append((request.method, request.url, request.http_version, dict(request.headers)))
            assert request.raw_headers[0] == ("X-First", "a")
            request.headers["x-first"] = request.headers["x-added"] = "changed"
            response.write_head(200, shared)
            shared["x-shared"] = str(int(shared["x-shared"]) + 1)
            assert response.get_header("x-shared") == str(len(seen))
            response.end(request.url)
            assert response.stream.sent_headers["x-shared"] == str(len(seen))
            if len(seen) == 6:
                shared["x-shared"] = "1"
                seen.clear()

        async with asking(on_request) as peer:
            fields = "X-First: a\r\nhost: localhost\r\nconnection: keep-alive\r\n\r\n"
            expected = {"x-first": "a", "host": "localhost", "connection": "keep-alive"}
            asked = [
                ("GET", "/0", "1.1"), ("GET", "/1?x", "1.1"), ("HEAD", "/2", "1.1"),
                ("GET", "/3", "1.0"), ("GET", "/4", "1.1"), ("OPTIONS", "*", "1.1"),
            ]  # fmt: skip
            for _ in range(3):
                for number, (method, url, version) in enumerate(asked, 1):
                    got = await peer.ask(f"{method} {url} HTTP/{version}\r\n{fields}", method)
                    assert got.body == (b"" if method == "HEAD" else url.encode())
                    assert got.headers["x-shared"] == str(number)
                    if seen:
                        assert seen[-1] == (method, url, version, expected)

    run(main())


@pytest.mark.parametrize("bad", ["a\r\nx: y", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\u2028b"])
def test_no_response_splitting(run: Run, bad: str) -> None:
    """Nothing that a handler lets through becomes a line of its own."""

    async def main() -> None:
        refused = 0

        def on_request(request: Any, response: Any) -> None:
            nonlocal refused
            attempts = [
                lambda: response.set_header("x", bad),
                lambda: response.set_header(bad, "x"),
                lambda: response.append_header("x", bad),
                lambda: response.set_trailer("x", bad),
                lambda: response.write_head(200, {"x": bad}),
                lambda: response.write_head(200, [("x", bad)]),
                lambda: response.write_head(200, {bad: "x"}),
                lambda: response.write_head(200, bad),
                lambda: setattr(response, "status_message", bad),
                lambda: response.write_early_hints({"link": f"<{bad}>; rel=preload"}),
                lambda: response.write_early_hints({"link": "</x>", "x": bad}),
                lambda: response.stream.respond({"x": bad}),
                lambda: response.stream.respond({bad: "x"}),
                lambda: response.stream.additional_headers({":status": 103, "x": bad}),
            ]
            for attempt in attempts:
                with pytest.raises((http2.Http2Error, ValueError)):
                    attempt()
                refused += 1
            response.end("fine")

        async with asking(on_request) as peer:
            got = await peer.ask(get())
            assert (got.status, got.reason, got.body, refused) == (200, "OK", b"fine", 14)
            assert set(got.headers) == {"date", "content-length", "connection", "keep-alive"}

    run(main())


def test_framing_is_ours(run: Run) -> None:
    """A handler can't frame a response so that its client reads another one."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            match request.url:
                case "/coding":
                    with pytest.raises(http2.Http2Error):
                        response.write_head(200, {"transfer-encoding": "gzip, chunked"})
                    response.end("fine")
                case "/chunked":
                    response.write_head(200, {"transfer-encoding": "chunked"})
                    response.end("fine")
                case "/length":
                    with pytest.raises(http2.Http2Error):
                        response.write_head(200, {"content-length": "5, 6"})
                    response.end("fine")
                case "/no":
                    with pytest.raises(http2.Http2Error):
                        response.stream.respond({":status": 101})
                    with pytest.raises(http2.Http2Error):
                        response.status_code = 100
                    with pytest.raises(http2.Http2Error):
                        response.stream.additional_headers({":status": 101})
                    with pytest.raises(http2.Http2Error):
                        response.stream.additional_headers({":status": 200})
                    response.end("fine")

        async with asking(on_request) as peer:
            for path in ("/coding", "/chunked", "/length", "/no"):
                got = await peer.ask(get(path))
                assert (got.status, got.body) == (200, b"fine"), path

    run(main())


def test_more_than_content_length(run: Run) -> None:
    """Refused at the call: the connection keeps its framing."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.write_head(200, {"content-length": 5})
            if request.url == "/write":
                response.write("hel")
                with pytest.raises(http2.Http2Error) as caught:
                    response.write("lo!")
                assert caught.value.code == "ERR_HTTP_CONTENT_LENGTH_MISMATCH"
                response.end("lo")
            else:
                with pytest.raises(http2.Http2Error):
                    response.stream.end("hello!")
                response.stream.end("hello")

        async with asking(on_request) as peer:
            for path in ("/write", "/end"):
                assert (await peer.ask(get(path))).body == b"hello"

    run(main())


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_less_than_content_length(run: Run, version: str) -> None:
    """The connection ends, so that the client knows; so does it when the handler raises."""

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


@pytest.mark.parametrize("kind", ["function", "coroutine"])
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_handler_that_raises(
    run: Run, kind: str, begun: bool, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Status 500 while that can be said; a response that has begun is cut off, visibly."""

    async def main() -> None:
        def fail(request: Any, response: Any) -> None:
            if begun:
                response.write("x")
            raise LookupError("of the test")

        async def fail_later(request: Any, response: Any) -> None:
            if begun:
                response.write("x")
                await asyncio.sleep(0.01)
            raise LookupError("of the test")

        async with asking(fail if kind == "function" else fail_later) as peer:
            peer.send(get(version=version, connection="keep-alive"))
            if not begun:
                assert (await peer.response()).status == 500
                peer.send(get(connection="close"))
                assert (await peer.response()).status == 500
                return
            if version == "1.1":
                assert not (await peer.rest()).endswith(b"0\r\n\r\n")
            elif kind == "coroutine":
                # nothing but a reset can tell this client
                with pytest.raises(ConnectionResetError):
                    await peer.rest()

    run(main())
    assert "of the test" in caplog.text


@pytest.mark.row("server.event.check_expectation")
def test_expectations(run: Run) -> None:
    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.end("as always")

        async with serving(on_request) as (server, port), await Http1Peer.dial(port) as peer:
            got = await peer.ask(get(expect="miracles"))
            assert got.status == 417

            def on_expectation(request: Any, response: Any) -> None:
                response.end(request.headers["expect"])

            server.on("check_expectation", on_expectation)
            assert (await peer.ask(get(expect="miracles"))).body == b"miracles"

    run(main())


def test_continue(run: Run) -> None:
    """100 by itself, before the handler; not when nothing is waited for."""

    async def main() -> None:
        async with asking(echo) as peer:
            for _ in range(2):
                fields = {"expect": "100-Continue", "content_length": "5"}
                got = await peer.ask(request("POST", **fields))
                assert (got.status, got.reason, got.raw) == (100, "Continue", [])
                peer.send("hello")
                got = await peer.response()
                assert (got.status, got.body) == (200, b"hello")
            # no body, so nothing to go on with; and HTTP/1.0 does not know it
            assert (await peer.ask(get(expect="100-continue"))).status == 200
            peer.send(request("POST", "/", "1.0", expect="100-continue", content_length="5"))
            peer.send("hello")
            assert (await peer.response()).body == b"hello"

    run(main())


def test_check_continue(run: Run) -> None:
    """A handler that does not want the body says so instead, and the connection ends."""

    async def main() -> None:
        async def on_check(request: Any, response: Any) -> None:
            if request.url == "/no":
                response.write_head(413).end()
                return
            response.write_continue()
            response.end(await request.read())

        async with serving(echo) as (server, port), await Http1Peer.dial(port) as peer:
            server.on("check_continue", on_check)
            fields = {"expect": "100-continue", "content_length": "5"}
            assert (await peer.ask(request("POST", **fields))).status == 100
            peer.send("hello")
            assert (await peer.response()).body == b"hello"
            got = await peer.ask(request("POST", "/no", **fields))
            assert (got.status, got.closes) == (413, True)
            assert await peer.rest() == b""

    run(main())


def test_early_hints(run: Run) -> None:
    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            sent = response.write_early_hints({"link": ["</a>; rel=preload", "</b>"], "x": "y"})
            assert sent
            response.end("page")

        async with asking(on_request) as peer:
            peer.send(get())
            got = await peer.head()
            assert (got.status, got.reason) == (103, "Early Hints")
            assert got.raw == [("link", "</a>; rel=preload"), ("link", "</b>"), ("x", "y")]
            assert (await peer.response()).body == b"page"
            # HTTP/1.0 has none
            assert (await peer.ask(get(version="1.0"))).body == b"page"

    run(main())


def test_events_and_awaiting(run: Run) -> None:
    async def main() -> None:
        events = Events()

        async def on_request(request: Any, response: Any) -> None:
            request.on("data", lambda chunk: events.add("data", chunk))
            request.on("end", lambda: events.add("end"))
            request.on("close", lambda: events.add("closed"))
            response.on("finish", lambda: events.add("finish"))
            response.on("close", lambda: events.add("never"))
            await events.expect("end")
            assert request.readable_ended
            await response.end("done")
            assert response.writable_finished
            events.add("awaited")

        async with asking(on_request) as peer:
            peer.send(request("POST", content_length="5"), "hello")
            assert (await peer.response()).body == b"done"
            await events.expect("awaited")
            await events.expect("closed")
            assert [e[0] for e in events.seen if e[0] != "closed"] == [
                "data", "end", "finish", "awaited",
            ]  # fmt: skip

    run(main())


def test_timeout_of_a_request(run: Run) -> None:
    async def main() -> None:
        events = Events()

        def on_request(request: Any, response: Any) -> None:
            request.set_timeout(0.05, lambda: events.add("timeout"))
            if request.url == "/alone":
                request.remove_all_listeners("timeout")

        async with asking(on_request) as peer:
            peer.send(get())
            await events.expect("timeout")

    run(main())


def test_many_requests_leave_nothing(run_asyncio: Run) -> None:
    """What a connection has served is forgotten."""

    async def main() -> None:
        number = itertools.count()
        async with asking(echo) as peer:

            async def ask(count: int) -> None:
                for _ in range(count):
                    fields = {f"x-{next(number)}": "y" for _ in range(60)}
                    peer.send(request("POST", content_length="5", **fields), "hello")
                    await peer.response()

            await ask(20)
            tracemalloc.start()
            await ask(20)
            before, _ = tracemalloc.get_traced_memory()
            await ask(100)
            after, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert after - before < 200_000

    run_asyncio(main())
