"""The server's side: accepting and refusing, with the library ``websockets`` as the client."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets

import http2
from http2.websocket import ServerHandshake, is_websocket_request

from ..support.http1 import Http1Peer, get
from ..support.running import Run, execute
from ..support.self_signed import Certificate
from ..support.serving import listening
from .ways import CONNECT_PROTOCOL, echo, opening_fields, opening_request


@asynccontextmanager
async def serving(
    accept: Any, certificate: Certificate | None = None
) -> AsyncIterator[tuple[http2.Http2Server, int]]:
    """A server for both protocols whose requests for WebSockets go to *accept*."""
    options: dict[str, Any] = {"allow_http1": True, "settings": CONNECT_PROTOCOL}
    server: http2.Http2Server
    if certificate is None:
        server = http2.create_server(**options)
    else:
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key, **options)
    server.on("request", lambda request, response: response.end("no WebSocket"))
    server.on("connect", accept)
    server.on("upgrade", accept)
    async with listening(server) as port:
        yield server, port


async def echoing(request: Any) -> None:
    """Accept all, and echo."""
    async with http2.accept_websocket(request, subprotocols=["two", "one"]) as ws:
        await echo(ws)


@pytest.mark.row("http1_request.raw_socket", "module.accept_websocket",
                 "module.accept_websocket.option.subprotocols")  # fmt: skip
def test_websockets_as_the_client(run: Run) -> None:
    async def main() -> None:
        async with serving(echoing) as (_, port):
            async with websockets.connect(
                f"ws://127.0.0.1:{port}/chat?x=1", subprotocols=["one", "two"]
            ) as client:
                assert client.subprotocol == "two"
                assert client.protocol.extensions
                for message in ("", "hello", "κόσμε", b"", b"\0\xff", "x" * 300_000, bytes(70_000)):
                    await client.send(message)
                    assert await client.recv() == message
                await client.send(["in ", "", "fragments"])
                assert await client.recv() == "in fragments"
                await (await client.ping(b"are you there?"))
            assert (client.close_code, client.close_reason) == (1000, "")

    run(main())


def test_websockets_over_tls(run: Run, certificate: Certificate) -> None:
    import ssl

    context = ssl.create_default_context(cafile=certificate.cert)

    async def main() -> None:
        async with serving(echoing, certificate) as (_, port):
            async with websockets.connect(f"wss://localhost:{port}/", ssl=context) as client:
                await client.send("x" * 100_000)
                assert await client.recv() == "x" * 100_000
            assert client.close_code == 1000
            # a message that is too large gets 1009, even before all of it has arrived
            async with websockets.connect(f"wss://localhost:{port}/", ssl=context) as client:
                await client.send(bytes(8 << 20))
                with pytest.raises(websockets.ConnectionClosedError) as caught:
                    await client.recv()
                assert caught.value.rcvd is not None
                assert caught.value.rcvd.code == 1009

    run(main())


@pytest.mark.row("module.accept_websocket.option.headers", "module.connect_websocket",
                 "module.connect_websocket.option.headers")  # fmt: skip
@pytest.mark.parametrize("secure", [False, True])
def test_both_protocols_at_one_door(secure: bool, run: Run, certificate: Certificate) -> None:
    """A request over either version gets the same WebSocket; other requests are served too."""
    seen = []

    async def accept(request: Any) -> None:
        assert is_websocket_request(request)
        async with http2.accept_websocket(request, headers={"x-by": "me"}) as ws:
            seen.append((ws.http_version, ws.path, ws.headers["x-from"]))
            await echo(ws)

    async def main() -> None:
        async with serving(accept, certificate if secure else None) as (_, port):
            tls = {"ca": certificate.cert} if secure else {}
            scheme = "wss" if secure else "ws"
            async with http2.connect_websocket(
                f"{scheme}://localhost:{port}/a?b=c", headers={"x-from": "2"}, **tls
            ) as ws:
                assert ws.headers["x-by"] == "me"
                assert ws.path == "/a?b=c"
                await ws.send("over HTTP/2")
                assert await ws.recv() == "over HTTP/2"
            if not secure:
                async with websockets.connect(
                    f"ws://127.0.0.1:{port}/a?b=c", additional_headers={"x-from": "1.1"}
                ) as client:
                    assert client.response is not None
                    assert client.response.headers["x-by"] == "me"
            origin = f"{'https' if secure else 'http'}://localhost:{port}"
            async with http2.connect(origin, **tls) as session:
                assert await session.request().read() == b"no WebSocket"
        expected = [("2.0", "/a?b=c", "2"), ("1.1", "/a?b=c", "1.1")]
        assert seen == expected[: 1 if secure else 2]

    run(main())


REFUSED = {
    "no version": ({"sec_websocket_version": None}, 400),
    "an old version": ({"sec_websocket_version": "8"}, 426),
    "an unknown version": ({"sec_websocket_version": "13, 14"}, 426),
    "no key": ({"sec_websocket_key": None}, 400),
    "a short key": ({"sec_websocket_key": "AAAA"}, 400),
    "a key that is no base64": ({"sec_websocket_key": "!" * 24}, 400),
    "another protocol": ({"upgrade": "irc"}, 400),
    "another origin": ({"origin": "https://elsewhere.example"}, 403),
    "no origin": ({"origin": None}, 403),
}


async def careful(request: Any) -> None:
    """Accept one origin."""
    async with http2.accept_websocket(request, origins=["https://here.example"]):
        raise AssertionError("accepted")


@pytest.mark.row("module.accept_websocket.option.origins")
@pytest.mark.parametrize("name", REFUSED)
def test_refused_over_http1(name: str, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """The client gets the status, the connection is closed; clients' errors are not logged."""
    changes, status = REFUSED[name]

    async def main() -> None:
        async with serving(careful) as (_, port), await Http1Peer.dial(port) as peer:
            fields: dict[str, Any] = {"origin": "https://here.example"} | changes
            response = await peer.ask(opening_request(**fields))
            assert response.status == status
            assert response.closes
            assert response.body
            if status == 426:
                assert response.headers["sec-websocket-version"] == "13"
            assert await peer.rest() == b""

    run(main())
    assert not caplog.records


@pytest.mark.parametrize("name", [name for name in REFUSED if "key" not in name])
def test_refused_over_http2(name: str, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    changes, status = REFUSED[name]
    fields = opening_fields(origin="https://here.example")
    for key, value in changes.items():
        key = ":protocol" if key == "upgrade" else key.replace("_", "-")
        fields[key] = value
        if value is None:
            del fields[key]
    if name == "another protocol":
        status = 501

    async def main() -> None:
        async with (
            serving(careful) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request(fields)
            response = await stream.response()
            assert response[":status"] == status
            assert await stream.read()
            if status == 426:
                assert response["sec-websocket-version"] == "13"

    run(main())
    assert not caplog.records


@pytest.mark.interop
def test_other_upgrades(run: Run) -> None:
    """An offer of h2c, as curl makes, is ignored (RFC 9113 section 3.1): the request is served."""

    async def main() -> None:
        async with serving(echoing) as (_, port):
            out = await execute("curl", "-sS", "--http2", f"http://127.0.0.1:{port}/")
            assert out == b"no WebSocket"
            async with await Http1Peer.dial(port) as peer:
                response = await peer.ask(get(connection="upgrade", upgrade="IRC/6.9"))
                assert response.status == 400

    run(main())


def test_what_is_no_request_for_a_websocket(run: Run) -> None:
    async def main() -> None:
        errors: list[Exception] = []

        async def on_request(request: Any, response: Any) -> None:
            assert not is_websocket_request(request)
            try:
                async with http2.accept_websocket(request):
                    pass
            except http2.Http2Error as error:
                errors.append(error)
                if request.http_version == "1.1":
                    response.end("still HTTP")

        server = http2.create_server(on_request, allow_http1=True, settings=CONNECT_PROTOCOL)
        async with listening(server) as port:
            async with http2.connect(f"http://127.0.0.1:{port}") as session:
                stream = session.request()
                assert (await stream.response())[":status"] == 400
            async with await Http1Peer.dial(port) as peer:
                # `upgrade` has no listener: an ordinary request
                response = await peer.ask(opening_request())
                assert (response.status, response.body) == (200, b"still HTTP")
        assert [type(error).__name__ for error in errors] == [
            "WebSocketHandshakeError", "Http2TypeError",
        ]  # fmt: skip

    run(main())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"subprotocols": "chat"}, "ERR_INVALID_ARG_TYPE"),
        ({"subprotocols": 5}, "ERR_INVALID_ARG_TYPE"),
        ({"subprotocols": [5]}, "ERR_INVALID_ARG_TYPE"),
        ({"subprotocols": ["a b"]}, "ERR_INVALID_HTTP_TOKEN"),
        ({"subprotocols": ["a", "a"]}, "ERR_INVALID_ARG_VALUE"),
        ({"origins": "https://here.example"}, "ERR_INVALID_ARG_TYPE"),
        ({"max_size": 0}, "ERR_OUT_OF_RANGE"),
        ({"max_size": 1.5}, "ERR_INVALID_ARG_TYPE"),
        ({"max_queue": 0}, "ERR_OUT_OF_RANGE"),
        ({"max_queue": None}, "ERR_INVALID_ARG_TYPE"),
        ({"compression": "deflate"}, "ERR_INVALID_ARG_TYPE"),
        ({"ping_interval": 0}, "ERR_OUT_OF_RANGE"),
        ({"ping_timeout": -1}, "ERR_OUT_OF_RANGE"),
        ({"ping_interval": "1"}, "ERR_INVALID_ARG_TYPE"),
        ({"close_timeout": None}, "ERR_INVALID_ARG_TYPE"),
        ({"close_timeout": float("inf")}, "ERR_OUT_OF_RANGE"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], code: str, run_asyncio: Run) -> None:
    """Before the client gets anything: the program can still send another answer."""

    async def main() -> None:
        async def accept(request: Any) -> None:
            with pytest.raises(http2.Http2Error) as caught:
                http2.accept_websocket(request, **options)
            assert caught.value.code == code
            async with http2.accept_websocket(request) as ws:
                await ws.send("fine")

        async with (
            serving(accept) as (_, port),
            http2.connect_websocket(f"ws://127.0.0.1:{port}/") as ws,
        ):
            assert await ws.recv() == "fine"

    run_asyncio(main())


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-bad": "a\r\nb: c"}, "ERR_INVALID_CHAR"),
        ({"x bad": "a"}, "ERR_INVALID_HTTP_TOKEN"),
        ({":status": "404"}, "ERR_INVALID_HTTP_TOKEN"),
        ({"Sec-WebSocket-Protocol": "x"}, "ERR_INVALID_ARG_VALUE"),
        ({"sec-websocket-accept": "x"}, "ERR_INVALID_ARG_VALUE"),
        ({"connection": "close"}, "ERR_INVALID_ARG_VALUE"),
        ({"x": None}, "ERR_INVALID_ARG_TYPE"),
    ],
)
def test_headers_that_may_not_be(headers: Any, code: str, run_asyncio: Run) -> None:
    async def main() -> None:
        async def accept(request: Any) -> None:
            handshake = ServerHandshake(request)
            with pytest.raises(http2.Http2Error) as caught:
                handshake.accept(headers=headers)
            assert caught.value.code == code
            with pytest.raises(http2.Http2Error):
                handshake.accept("not offered")
            ws = handshake.accept(headers=[(b"x-good", b"\xff"), ("set-cookie", "a"),
                                           ("set-cookie", "b")])  # fmt: skip
            await ws.close()

        async with serving(accept) as (_, port):
            async with http2.connect_websocket(f"ws://127.0.0.1:{port}/") as ws:
                assert ws.headers["x-good"] == "\xff"
                assert ws.headers["set-cookie"] == ["a", "b"]
            async with await Http1Peer.dial(port) as peer:
                peer.send(opening_request())
                head = await peer.head()
                assert ("x-good", "\xff") in head.raw
                assert [value for name, value in head.raw if name == "set-cookie"] == ["a", "b"]

    run_asyncio(main())


@pytest.mark.row("websocket.subprotocol", "module.connect_websocket.option.origin",
                 "module.connect_websocket.option.subprotocols")  # fmt: skip
@pytest.mark.parametrize("over", ["HTTP/2", "HTTP/1.1"])
def test_the_door_for_who_decides_later(over: str, run: Run) -> None:
    """As an ASGI server needs it: to inspect the request, and to refuse with any response."""

    async def main() -> None:
        async def accept(request: Any) -> None:
            handshake = ServerHandshake(request, max_size=10)
            assert handshake.subprotocols == ["one", "two"]
            assert handshake.origin == "https://here.example"
            assert handshake.problem is None
            await asyncio.sleep(0)
            path = handshake.path
            if path == "/accept":
                ws = handshake.accept("two", [("x-more", "yes")])
                assert handshake.answered
                with pytest.raises(http2.WebSocketHandshakeError, match="already been answered"):
                    handshake.reject()
                await ws.send(await ws.recv())
                await ws.close(3000, "enough")
            elif path == "/reject":
                handshake.reject()
            elif path == "/body":
                handshake.reject(401, {"www-authenticate": "Basic"}, "who are you?")
            else:
                answer = handshake.respond(404, {"content-type": "text/plain"})
                for part in (b"not ", b"here"):
                    answer.write(part)
                    await answer.drain()
                answer.end(b"!")
            with pytest.raises(http2.WebSocketHandshakeError):
                handshake.accept()

        async def ask(path: str) -> Any:
            if over == "HTTP/2":
                try:
                    return await http2.connect_websocket(
                        f"ws://127.0.0.1:{port}{path}", subprotocols=["one", "two"],
                        origin="https://here.example",
                    )  # fmt: skip
                except http2.WebSocketHandshakeError as error:
                    return error.status, error.body, error.headers or {}
            try:
                return await websockets.connect(
                    f"ws://127.0.0.1:{port}{path}", subprotocols=["one", "two"],
                    origin="https://here.example",
                )  # fmt: skip
            except websockets.InvalidStatus as error:
                return error.response.status_code, error.response.body, error.response.headers

        async with serving(accept) as (_, port):
            ws = await ask("/accept")
            assert ws.subprotocol == "two"
            await ws.send("hello")
            assert await ws.recv() == "hello"
            with pytest.raises((http2.WebSocketClosed, websockets.ConnectionClosed)):
                await ws.recv()
            assert (ws.close_code, ws.close_reason) == (3000, "enough")
            await ws.close()
            assert (await ask("/reject"))[:2] == (403, b"refused\n")
            status, body, headers = await ask("/body")
            assert (status, body) == (401, b"who are you?")
            assert headers["www-authenticate"] == "Basic"
            status, body, headers = await ask("/respond")
            assert (status, body) == (404, b"not here!")
            assert headers["content-type"] == "text/plain"

    run(main())


@pytest.mark.row("server_stream.request_headers", "server_stream.keep_handlers")
@pytest.mark.parametrize("over", ["a stream", "HTTP/2", "HTTP/1.1"])
def test_a_client_that_vanishes(over: str, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """The handler's awaited call raises, and it is not cancelled; nothing is logged."""

    async def main() -> None:
        told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def accept(request: Any) -> None:
            async with http2.accept_websocket(request) as ws:
                await ws.send("hello")
                try:
                    await ws.recv()
                except http2.WebSocketClosed as error:
                    await asyncio.sleep(0.01)  # a database
                    told.set_result((error.close_code, error.ok))
                    raise

        async with serving(accept) as (server, port):
            if over != "HTTP/1.1":
                async with http2.connect(f"http://127.0.0.1:{port}") as session:
                    stream = session.request(opening_fields())
                    await stream.read(1)
                    if over == "a stream":
                        stream.close(http2.constants.NGHTTP2_CANCEL)
                    else:
                        session.on("error", lambda: None)  # this side's
                        for transport in server.open_connections.transports:
                            transport.abort()
                    assert await told == (1006, False)
            else:
                async with await Http1Peer.dial(port) as peer:
                    peer.send(opening_request())
                    await peer.head()
                    await peer.abort()
                    assert await told == (1006, False)

    run(main())
    assert not caplog.records


def test_a_handler_that_raises(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """The client gets 1011, over both protocols; the log has the error."""

    async def main() -> None:
        async def accept(request: Any) -> None:
            async with http2.accept_websocket(request):
                raise ZeroDivisionError

        async with serving(accept) as (_, port):
            async with http2.connect_websocket(f"ws://127.0.0.1:{port}/") as ws:
                with pytest.raises(http2.WebSocketClosed) as caught:
                    await ws.recv()
            assert caught.value.close_code == 1011
            async with websockets.connect(f"ws://127.0.0.1:{port}/") as client:
                with pytest.raises(websockets.ConnectionClosedError):
                    await client.recv()
            assert client.close_code == 1011

    run(main())
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [
        ZeroDivisionError, ZeroDivisionError,
    ]  # fmt: skip


@pytest.mark.row("server.call_at_close", "server.forget_at_close", "raw_socket.server")
@pytest.mark.parametrize("how", ["close", "a deadline", "block"])
@pytest.mark.parametrize("over", ["HTTP/2", "HTTP/1.1"])
def test_a_server_that_ends(over: str, how: str, run: Run) -> None:
    """Its clients get 1001, and it waits for their answers; then it ends."""

    async def main() -> None:
        codes = []

        async def accept(opening: Any) -> None:
            async with http2.accept_websocket(opening) as ws:
                try:
                    await echo(ws)
                finally:
                    codes.append(ws.close_code)

        server = http2.create_server(allow_http1=True, settings=CONNECT_PROTOCOL)
        server.on("stream", accept)
        server.on("upgrade", accept)
        async with contextlib.AsyncExitStack() as stack:
            if how == "block":
                await stack.enter_async_context(server)
            await server.listen(0, "127.0.0.1")
            url = f"ws://127.0.0.1:{server.address()[1]}/"
            # one that has ended before gets nothing
            async with http2.connect_websocket(url):
                pass
            client: Any
            if over == "HTTP/2":
                client = await http2.connect_websocket(url)
            else:
                client = await websockets.connect(url)
            await client.send("before")
            assert await client.recv() == "before"
            listening = asyncio.ensure_future(client.recv())
            await asyncio.sleep(0)
            if how == "close":
                await server.close()
            elif how == "a deadline":
                await server.close(timeout=20)
        with pytest.raises((http2.WebSocketClosed, websockets.ConnectionClosed)):
            await listening
        assert client.close_code == 1001
        await client.close()
        # over HTTP/1.1, the end of the block closes the connection after the Close frame
        assert codes[0] == 1000
        assert codes[1:] == [1001] or (how == "block" and over == "HTTP/1.1")

    run(main())


def test_a_client_that_does_not_let_a_server_end(run: Run) -> None:
    """The deadline of the server applies."""

    async def main() -> None:
        server = http2.create_server(settings=CONNECT_PROTOCOL)
        server.on("stream", echoing)
        await server.listen(0, "127.0.0.1")
        port = server.address()[1]
        async with http2.connect(f"http://127.0.0.1:{port}") as session:
            stream = session.request(opening_fields())
            await stream.response()
            await server.close(timeout=0.1)
            with pytest.raises(http2.Http2Error):
                await stream.read()

    run(main())


def test_without_wsproto(run_asyncio: Run) -> None:
    """`import http2` does not load it; names that need it mention the extra."""
    script = (
        "import sys\n"
        "import http2\n"
        "assert not {'wsproto', 'http2.websocket'} & set(sys.modules)\n"
        "sys.modules['wsproto'] = None\n"
        "try:\n"
        "    http2.accept_websocket\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
        "try:\n"
        "    http2.nothing\n"
        "except AttributeError as error:\n"
        "    print(error)\n"
    )

    async def main() -> None:
        out = await execute(sys.executable, "-c", script)
        assert out.decode().splitlines() == [
            "WebSockets need the package wsproto: pip install 'http2[websocket]'",
            "module 'http2' has no attribute 'nothing'",
        ]

    run_asyncio(main())
