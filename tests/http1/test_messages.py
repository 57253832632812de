"""The properties of HTTP/1 requests and responses, and invalid values from handlers."""

from __future__ import annotations

import json
from typing import Any

import pytest

import http2

from ..support.http1 import Http1Peer, asking, get
from ..support.running import Run


@pytest.mark.row("server.option.http1_incoming_message_class", "module.Http1IncomingMessage")
def test_requests(run: Run) -> None:
    """The properties of a request, in a class of the program's own."""

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
    """Fields about the connection belong to each message, whatever previous ones had."""

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
    """No value from a handler can add a line."""

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
    """A handler cannot frame a response so that its client misreads it."""

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
