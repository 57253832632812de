"""The scope `websocket`: over both protocols on this library's server, over HTTP/2 on uvicorn."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest
import websockets

import http2
import http2.asgi

from ..support.http1 import Http1Peer, get
from ..support.running import Run
from ..support.serving import Events, eventually, listening
from .asking import ask, handling, opened, port_of
from .servers.uvicorns import VERSIONS, uvicorn

OPENINGS = ["2", "1.1"]


async def chat(scope: Any, receive: Any, send: Any) -> None:
    """Send the path, then echo."""
    assert (await receive()) == {"type": "websocket.connect"}
    chosen = next(iter(scope["subprotocols"]), None)
    await send({"type": "websocket.accept", "subprotocol": chosen, "headers": [(b"x-a", b"b")]})
    await send({"type": "websocket.send", "text": f"{scope['path']} {scope['query_string']}"})
    while (message := await receive())["type"] == "websocket.receive":
        if message["text"] == "close":
            await send({"type": "websocket.close", "code": 3333, "reason": "enough"})
            return
        await send({**message, "type": "websocket.send"})
    scope["state"]["ends"].append((message["code"], message["reason"]))


@pytest.mark.row("asgi.handler.attached")
@pytest.mark.parametrize("version", OPENINGS)
def test_chat(run: Run, version: str) -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await chat(scope, receive, send)

    async def main() -> None:
        state: dict[str, Any] = {"ends": []}
        async with handling(app, root_path="/api", state=state) as (handler, url):
            async with opened(url, version, "/caf%C3%A9?x", subprotocols=["a", "b"]) as ws:
                assert ws.subprotocol == "a"
                assert await ws.recv() == "/api/café b'x'"
                for message in ("ü", b"\x00\xff", "x" * 200_000):
                    await ws.send(message)
                    assert await ws.recv() == message
                await ws.close(4000, "bye")
            await handler.finish(5)
            assert state["ends"] == [(4000, "bye")]
        [scope] = scopes
        assert scope["type"] == "websocket"
        assert scope["http_version"] == version
        assert scope["scheme"] == "ws"
        assert scope["subprotocols"] == ["a", "b"]
        assert scope["raw_path"] == b"/api/caf%C3%A9"
        assert scope["extensions"] == {"websocket.http.response": {}}
        assert scope["client"][0] == scope["server"][0] == "127.0.0.1"
        assert (b"host", url.removeprefix("http://").encode()) in scope["headers"]
        assert "method" not in scope

    run(main())


@pytest.mark.parametrize("version", OPENINGS)
def test_ends(run: Run, version: str, caplog: pytest.LogCaptureFixture) -> None:
    """The ends: by the application, its return, its exception, and a lost client."""
    events = Events()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] == "/close":
            await send({"type": "websocket.close", "code": 3333, "reason": "enough"})
            with pytest.raises(RuntimeError, match="the WebSocket is closed"):
                await send({"type": "websocket.send", "text": "more"})
            assert (await receive())["code"] == 3333
        elif scope["path"] == "/raise":
            raise KeyError("of mine")
        elif scope["path"] == "/gone":
            events.add("end", await receive())
            with pytest.raises(OSError, match="the client has disconnected"):
                await send({"type": "websocket.send", "text": "more"})
            events.add("told")

    async def main() -> None:
        async with handling(app) as (_, url):
            for path, code, reason in (
                ("/close", 3333, "enough"), ("/return", 1000, ""), ("/raise", 1011, ""),
            ):  # fmt: skip
                async with opened(url, version, path) as ws:
                    with pytest.raises((http2.WebSocketClosed, websockets.ConnectionClosed)):
                        await ws.recv()
                    assert (ws.close_code, ws.close_reason) == (code, reason)
            if version == "1.1":
                async with opened(url, version, "/gone") as ws:
                    ws.transport.abort()
                    end = (await events.expect("end"))[1]
                    await events.expect("told")
                assert (end["type"], end["code"]) == ("websocket.disconnect", 1006)

    run(main())
    assert caplog.text.count("KeyError: 'of mine'") == 1
    assert len([record for record in caplog.records if record.name == "http2.asgi"]) == 1


@pytest.mark.parametrize("version", OPENINGS)
def test_refusals(run: Run, version: str, caplog: pytest.LogCaptureFixture) -> None:
    """403 for a close, any response by the extension, 500 for an application without an answer."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["path"] == "/close":
            await send({"type": "websocket.close"})
        elif scope["path"] == "/respond":
            headers = [(b"x-why", b"because")]
            await send({"type": "websocket.http.response.start", "status": 402, "headers": headers})
            part = {"type": "websocket.http.response.body", "body": b"pay "}
            await send({**part, "more_body": True})
            await send({**part, "body": b"first"})
        elif scope["path"] == "/wrong":
            await send({"type": "websocket.send", "text": "too early"})

    async def main() -> None:
        async with handling(app) as (_, url):
            for path, status in (
                ("/close", 403), ("/respond", 402), ("/nothing", 500), ("/wrong", 500),
            ):  # fmt: skip
                if version == "2":
                    with pytest.raises(http2.WebSocketHandshakeError) as refused:
                        async with opened(url, version, path):
                            pass
                    answer, body = refused.value.status, refused.value.body
                else:
                    with pytest.raises(websockets.InvalidStatus) as other:
                        async with opened(url, version, path):
                            pass
                    answer, body = other.value.response.status_code, other.value.response.body
                assert answer == status
                if path == "/respond":
                    assert body == b"pay first"

    run(main())
    assert (
        "the ASGI application returned without sending an answer: WebSocket '/nothing'"
        in caplog.text
    )
    assert "'websocket.accept' or 'websocket.close' must be sent first" in caplog.text


@pytest.mark.parametrize("version", OPENINGS)
def test_applications_that_never_wait(run: Run, version: str) -> None:
    """They may use their task, or raise its cancellation; the server serves on."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        assert not task.done()
        if scope["path"] == "/cancelled":
            raise asyncio.CancelledError

    async def main() -> None:
        async with handling(app) as (handler, url):
            for path in ("/task", "/cancelled", "/task"):
                with pytest.raises((http2.WebSocketHandshakeError, websockets.InvalidStatus)):
                    async with opened(url, version, path):
                        pass
            await eventually(lambda: not handler._tasks)

    run(main())


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "both": ({"text": "a", "bytes": b"b"}, "ValueError: a 'websocket.send' must have either"),
    "neither": ({"text": None}, "ValueError: a 'websocket.send' must have either"),
    "bytes as text": ({"text": b"a"}, "TypeError: in a 'websocket.send', 'text' must be a str"),
    "text as bytes": ({"bytes": "a"}, "TypeError: in a 'websocket.send', 'text' must be a str"),
    "unknown": ({"type": "websocket.nonsense"}, "unexpected ASGI message 'websocket.nonsense'"),
    "accepted twice": ({"type": "websocket.accept"}, "the WebSocket is open"),
}


@pytest.mark.parametrize("version", OPENINGS)
@pytest.mark.parametrize("name", WRONG)
def test_wrong_messages(
    run_asyncio: Run, caplog: pytest.LogCaptureFixture, name: str, version: str
) -> None:
    """`send` raises, and the WebSocket ends with 1011 unless the application handles it."""
    message, said = WRONG[name]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": None, "bytes": b"fine", "nonsense": 1})
        await send({"type": "websocket.send", **message})

    async def main() -> None:
        async with handling(app) as (_, url), opened(url, version) as ws:
            assert await ws.recv() == b"fine"
            with pytest.raises((http2.WebSocketClosed, websockets.ConnectionClosed)):
                await ws.recv()
            assert ws.close_code == 1011

    run_asyncio(main())
    assert [record.name for record in caplog.records].count("http2.asgi") == 1
    assert said in caplog.text


@pytest.mark.parametrize("version", OPENINGS)
@pytest.mark.parametrize(
    ("headers", "subprotocol", "said"),
    [
        ([("x-a", "b")], None, "must be bytes, not str: 'x-a': 'b'"),
        ([(b"sec-websocket-protocol", b"a")], None, "sec-websocket-protocol"),
        ([(b":status", b"200")], None, ":status"),
        ([(b"x-a", b"a\r\nb: c")], None, "a character that is not allowed there"),
        ([], "other", "other"),
    ],
    ids=["text", "subprotocol as a header", "pseudo-header", "line feed", "not offered"],
)
def test_wrong_answers(
    run_asyncio: Run, caplog: pytest.LogCaptureFixture, headers: Any, subprotocol: str | None,
    said: str, version: str,
) -> None:  # fmt: skip
    """What `websocket.accept` must not have: the client gets 500, and the log one line."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        accept = {"type": "websocket.accept", "headers": headers, "subprotocol": subprotocol}
        await send(accept)

    async def main() -> None:
        async with handling(app) as (_, url):
            with pytest.raises(
                (http2.WebSocketHandshakeError, websockets.InvalidStatus)
            ) as refused:
                async with opened(url, version, subprotocols=["a"]):
                    pass
        error: Any = refused.value
        status = error.status if version == "2" else error.response.status_code
        assert status == 500

    run_asyncio(main())
    assert [record.name for record in caplog.records].count("http2.asgi") == 1
    assert said in caplog.text


@pytest.mark.interop
def test_what_is_no_websocket(run: Run) -> None:
    """CONNECT is refused and requests are served, over both versions."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"hello"})

    async def main() -> None:
        async with handling(app) as (_, url):
            async with http2.connect(url) as session:
                tunnel = session.request({":method": "CONNECT", ":authority": "a.example:1"})
                assert (await tunnel.response())[":status"] == 405
                tunnel.close()
                await session.request().text()
            reader, writer = await asyncio.open_connection(*url[7:].split(":"))
            writer.write(b"CONNECT a.example:1 HTTP/1.1\r\nhost: a.example:1\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 405 ")
            writer.close()
            await writer.wait_closed()
            for version in OPENINGS:
                assert (await ask(url, version=version)).body == b"hello"

    run(main())


@pytest.mark.parametrize("upgrade", ["IRC/6.9", "h2c, TLS/1.0", "h2c"])
def test_an_upgrade_to_something_else_is_ignored(run: Run, upgrade: str) -> None:
    """It is an ordinary request (RFC 9110 section 7.8); WebSockets are opened as before."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await chat(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    async def main() -> None:
        state: dict[str, Any] = {"ends": []}
        async with handling(app, state=state) as (_, url):
            async with await Http1Peer.dial(port_of(url)) as peer:
                peer.send(get("/a", connection="upgrade", upgrade=upgrade), get("/b"))
                for path in (b"/a", b"/b"):
                    assert (await peer.response()).body == path
            async with opened(url, "1.1") as ws:
                assert (await ws.recv()).startswith("/ ")

    run(main())


def test_an_upgrade_of_the_programs_own(run: Run) -> None:
    """A handler of WebSockets leaves other offers to the program's own listeners."""

    async def shout(request: Any, socket: Any) -> None:
        if "shout" in request.headers["upgrade"]:
            socket.writer.write(b"HTTP/1.1 101 Switching\r\n\r\n")
            socket.writer.close()

    async def main() -> None:
        handler = http2.asgi.Handler(chat, state={"ends": []})
        server = http2.create_server(handler, allow_http1=True)
        server.on("upgrade", shout)
        async with listening(server) as port:
            async with await Http1Peer.dial(port) as peer:
                peer.send(get(connection="upgrade", upgrade="shout"))
                assert (await peer.head()).status == 101
                assert await peer.rest() == b""
            async with opened(f"http://127.0.0.1:{port}", "1.1") as ws:
                assert (await ws.recv()).startswith("/ ")
        await handler.finish(5)

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("version", VERSIONS)
def test_uvicorn(version: str) -> None:
    """Over HTTP/2, with uvicorn's log and limits, and ended at the server's shutdown."""

    async def main(process: Any) -> None:
        async with opened(process.url, "2", "/chat?a") as ws:
            await ws.send("hello")
            assert await ws.recv() == "you said: hello"
        async with opened(process.url, "2", "/chat") as ws:
            await ws.send("x" * 101)
            with pytest.raises(http2.WebSocketClosed):
                await ws.recv()
            assert ws.close_code == 1009
        async with opened(process.url, "2", "/chat") as ws:
            await ws.send("hello")
            await ws.recv()
            process.process.send_signal(signal.SIGTERM)
            with pytest.raises(http2.WebSocketClosed):
                await ws.recv()
            assert ws.close_code == 1012

    app = "tests.asgi.programs.bare:app"
    with uvicorn(app, "--ws-max-size", "100", version=version) as process:
        asyncio.run(main(process))
        log = process.wait()
    assert '- "WebSocket /chat?a" [accepted]' in log
    assert "Finished server process" in log
    assert "Traceback" not in log


@pytest.mark.interop
def test_uvicorn_without_websockets() -> None:
    async def main(url: str) -> None:
        async with http2.connect(url) as session:
            assert await session.request().text() == "hello"
            assert not session.remote_settings.enable_connect_protocol

    with uvicorn("tests.asgi.programs.bare:app", "--ws", "none") as process:
        asyncio.run(main(process.url))
