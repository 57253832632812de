"""The client's side: Hypercorn as the server, and servers that refuse."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support.peers import Peer, Start, starting, wait_for_port
from ..support.running import Run, free_port
from ..support.self_signed import Certificate
from ..support.serving import serving
from .ways import CONNECT_PROTOCOL, echo

APP = """
async def app(scope, receive, send):
    assert scope["type"] == "websocket", scope["type"]
    assert scope["http_version"] == "2"
    await receive()
    if scope["path"] == "/refuse":
        await send({"type": "websocket.close"})
        return
    wanted = [name for name in scope["subprotocols"] if name == "chat"]
    headers = [(b"x-query", scope["query_string"])]
    await send({"type": "websocket.accept", "subprotocol": (wanted or [None])[0],
                "headers": headers})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 3210, "reason": "asked for"})
            return
        await send({"type": "websocket.send", "text": message.get("text"),
                    "bytes": message.get("bytes")})
"""


@pytest.fixture(scope="module")
def hypercorn(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[Peer]:
    """Hypercorn with an echo, over TLS."""
    folder = tmp_path_factory.mktemp("hypercorn")
    (folder / "echo_app.py").write_text(APP)
    port = free_port()
    with starting() as start:
        process = start(
            sys.executable, "-c",
            f"import sys; sys.path.insert(0, {str(folder)!r});"
            "from hypercorn.__main__ import main; sys.exit(main(sys.argv[1:]))",
            "--bind", f"127.0.0.1:{port}", "--certfile", certificate.cert,
            "--keyfile", certificate.key, "echo_app:app",
        )  # fmt: skip
        wait_for_port(process, port)
        yield Peer(process, port, "https")


def test_hypercorn_as_the_server(hypercorn: Peer, certificate: Certificate, run: Run) -> None:
    url = f"wss://localhost:{hypercorn.port}"

    async def main() -> None:
        async with http2.connect_websocket(
            f"{url}/chat?a=b", subprotocols=["other", "chat"], ca=certificate.cert
        ) as ws:
            assert ws.subprotocol == "chat"
            assert ws.headers["x-query"] == "a=b"
            for message in ("", "hello", "κόσμε", b"\0\xff", "x" * 300_000, bytes(70_000)):
                await ws.send(message)
                assert await ws.recv() == message
            await ws.send(["in ", "fragments"])
            assert await ws.recv() == "in fragments"
            assert await ws.ping() < 30
        assert ws.close_code == 1000

        async with http2.connect_websocket(url, ca=certificate.cert) as ws:
            await ws.send("close")
            with pytest.raises(http2.WebSocketClosed) as caught:
                await ws.recv()
            assert (caught.value.close_code, caught.value.close_reason) == (3210, "asked for")

        with pytest.raises(http2.WebSocketHandshakeError) as refused:
            await http2.connect_websocket(f"{url}/refuse", ca=certificate.cert)
        assert refused.value.status == 403

    run(main())


@pytest.mark.row("module.connect_websocket.option.session")
def test_many_on_one_session(hypercorn: Peer, certificate: Certificate, run: Run) -> None:
    url = f"wss://localhost:{hypercorn.port}/"

    async def main() -> None:
        async with http2.connect(hypercorn.origin, ca=certificate.cert) as session:

            async def one(number: int) -> None:
                async with http2.connect_websocket(url, session=session) as ws:
                    for turn in range(5):
                        await ws.send(f"{number} {turn}")
                        assert await ws.recv() == f"{number} {turn}"

            await asyncio.gather(*(one(number) for number in range(20)))
            assert not session.closed
            # the connection stays open after them
            await session.ping()

    run(main())


def plain(stream: http2.ServerHttp2Stream) -> None:
    """Answer without a WebSocket."""
    stream.respond({":status": 404, "content-type": "text/plain"})
    stream.end("nothing here")


@pytest.mark.row("module.WebSocketHandshakeError")
def test_servers_without_websockets(run: Run) -> None:
    async def main() -> None:
        async with serving(plain) as (_, port):
            with pytest.raises(http2.WebSocketHandshakeError) as caught:
                await http2.connect_websocket(f"ws://127.0.0.1:{port}/")
            assert str(caught.value) == (
                f"127.0.0.1:{port} does not accept WebSockets over HTTP/2: it does not offer the"
                " extended CONNECT (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441)"
            )
            assert caught.value.status is None
            async with http2.connect(f"http://127.0.0.1:{port}") as session:
                with pytest.raises(http2.WebSocketHandshakeError):
                    await http2.connect_websocket(f"ws://127.0.0.1:{port}/", session=session)
                assert not session.closed
        async with serving(plain, settings=CONNECT_PROTOCOL) as (_, port):
            with pytest.raises(http2.WebSocketHandshakeError, match="status 404") as caught:
                async with http2.connect_websocket(f"ws://127.0.0.1:{port}/"):
                    pass
            assert (caught.value.status, caught.value.body) == (404, b"nothing here")
            assert caught.value.headers is not None
            assert caught.value.headers["content-type"] == "text/plain"
            assert caught.value.code == "ERR_WEBSOCKET_HANDSHAKE"

    run(main())


def test_a_server_of_http1_alone(background: Start, run_asyncio: Run, tmp_path: Path) -> None:
    """The library `websockets` does not support HTTP/2: the error says so."""

    async def main() -> None:
        import websockets

        async with websockets.serve(lambda ws: ws.wait_closed(), "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            with pytest.raises((http2.Http2Error, OSError)) as caught:
                await http2.connect_websocket(f"ws://127.0.0.1:{port}/", open_timeout=5)
            assert not isinstance(caught.value, TimeoutError)

    import logging

    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    run_asyncio(main())


ANSWERS: dict[str, dict[str, str]] = {
    "another subprotocol": {"sec-websocket-protocol": "other"},
    "an extension of its own": {"sec-websocket-extensions": "x-mine"},
    "two extensions": {"sec-websocket-extensions": "permessage-deflate, permessage-deflate"},
    "a window that there is not": {
        "sec-websocket-extensions": "permessage-deflate; server_max_window_bits=16"
    },
}


def test_a_refusal_leaves_no_connection(run: Run) -> None:
    """The caller has no session to wait for: its socket is closed when the error is raised."""

    async def main() -> None:
        writers: list[asyncio.StreamWriter] = []

        async def dial(url: Any, options: Any) -> Any:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writers.append(writer)
            return reader, writer

        async with serving(plain, settings=CONNECT_PROTOCOL) as (_, port):
            with pytest.raises(http2.WebSocketHandshakeError, match="status 404"):
                await http2.connect_websocket("ws://localhost/", create_connection=dial)
            assert [writer.get_extra_info("socket").fileno() for writer in writers] == [-1]

    run(main())


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_that_were_not_asked_for(name: str, run_asyncio: Run) -> None:
    async def main() -> None:
        closed = asyncio.Event()

        def on_stream(stream: http2.ServerHttp2Stream) -> None:
            stream.on("close", closed.set)
            stream.respond(ANSWERS[name])

        async with serving(on_stream, settings=CONNECT_PROTOCOL) as (_, port):
            with pytest.raises(http2.WebSocketHandshakeError, match="not offered"):
                await http2.connect_websocket(f"ws://127.0.0.1:{port}/", subprotocols=["chat"])
            await closed.wait()

    run_asyncio(main())


def test_compression_that_was_not_offered(run_asyncio: Run) -> None:
    async def main() -> None:
        def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            assert "sec-websocket-extensions" not in headers
            stream.respond({"sec-websocket-extensions": "permessage-deflate"})

        async with serving(on_stream, settings=CONNECT_PROTOCOL) as (_, port):
            with pytest.raises(http2.WebSocketHandshakeError, match="not offered"):
                await http2.connect_websocket(f"ws://127.0.0.1:{port}/", compression=False)

    run_asyncio(main())


@pytest.mark.row("module.connect_websocket.option.open_timeout")
def test_a_server_that_does_not_answer(run: Run) -> None:
    """The stream is reset, the connection closed, whichever deadline it is."""

    async def main() -> None:
        codes = []
        closed = asyncio.Event()

        def on_stream(stream: http2.ServerHttp2Stream) -> None:
            def ended() -> None:
                codes.append(stream.rst_code)
                closed.set()

            stream.on("close", ended)

        async with serving(on_stream, settings=CONNECT_PROTOCOL) as (_, port):
            url = f"ws://127.0.0.1:{port}/"
            with pytest.raises(TimeoutError, match=r"WebSocket not open within 0\.1 s"):
                await http2.connect_websocket(url, open_timeout=0.1)
            await closed.wait()
            closed.clear()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await http2.connect_websocket(url)
            await closed.wait()
            closed.clear()
            async with http2.connect(f"http://127.0.0.1:{port}") as session:
                with pytest.raises(TimeoutError, match=r"0\.1 s"):
                    await http2.connect_websocket(url, session=session, open_timeout=0.1)
                await closed.wait()
                assert not session.closed
        assert codes == [http2.constants.NGHTTP2_CANCEL] * 3

    run(main())


@pytest.mark.parametrize(
    ("url", "options", "error"),
    [
        (5, {}, "ERR_INVALID_ARG_TYPE"),
        ("ftp://localhost/", {}, "ERR_INVALID_ARG_VALUE"),
        ("ws://", {}, "ERR_INVALID_ARG_VALUE"),
        ("ws://localhost/#part", {}, "ERR_INVALID_ARG_VALUE"),
        ("ws://me:secret@localhost/", {}, "ERR_INVALID_ARG_VALUE"),
        ("ws://localhost/", {"session": 5}, "ERR_INVALID_ARG_TYPE"),
        ("ws://localhost/", {"headers": {"sec-websocket-key": "x"}}, "ERR_INVALID_ARG_VALUE"),
        ("ws://localhost/", {"headers": {"x": "a\nb"}}, "ERR_INVALID_CHAR"),
        ("ws://localhost/", {"origin": "a\nb"}, "ERR_INVALID_CHAR"),
        ("ws://localhost/", {"open_timeout": -1}, "ERR_OUT_OF_RANGE"),
        ("ws://localhost/", {"subprotocols": "chat"}, "ERR_INVALID_ARG_TYPE"),
        ("ws://localhost/", {"max_size": -1}, "ERR_OUT_OF_RANGE"),
    ],
)
def test_wrong_arguments(url: Any, options: dict[str, Any], error: str, run_asyncio: Run) -> None:
    async def main() -> None:
        with pytest.raises(http2.Http2Error) as caught:
            http2.connect_websocket(url, **options)
        assert caught.value.code == error

    run_asyncio(main())


def test_a_session_that_is_lost(run: Run) -> None:
    """All WebSockets on it get the end, with the cause."""

    async def main() -> None:
        async def accept(stream: http2.ServerHttp2Stream) -> None:
            async with http2.accept_websocket(stream) as ws:
                await echo(ws)

        async with (
            serving(accept, settings=CONNECT_PROTOCOL) as (server, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            url = f"ws://127.0.0.1:{port}/"
            sockets = [await http2.connect_websocket(url, session=session) for _ in range(3)]
            waiting = [asyncio.ensure_future(ws.recv()) for ws in sockets]
            await asyncio.sleep(0)
            for transport in server.open_connections.transports:
                transport.abort()
            for result in await asyncio.gather(*waiting, return_exceptions=True):
                assert isinstance(result, http2.WebSocketClosed)
                assert result.close_code == 1006

    run(main())


def test_a_block_that_is_cancelled(run: Run) -> None:
    """The server gets 1001; the connection that was made for it is closed at once."""

    async def main() -> None:
        told: asyncio.Future[http2.WebSocketClosed] = asyncio.get_running_loop().create_future()

        async def accept(stream: http2.ServerHttp2Stream) -> None:
            async with http2.accept_websocket(stream) as ws:
                await ws.send("hello")
                try:
                    await ws.recv()
                except http2.WebSocketClosed as error:
                    told.set_result(error)

        async with serving(accept, settings=CONNECT_PROTOCOL) as (_, port):

            async def visit() -> None:
                async with http2.connect_websocket(f"ws://127.0.0.1:{port}/") as ws:
                    while True:
                        assert await ws.recv() == "hello"

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(visit(), 0.2)
            assert (await told).close_code == 1001

    run(main())


def test_connecting_fails(run_asyncio: Run) -> None:
    async def main() -> None:
        with pytest.raises(ConnectionRefusedError):
            await http2.connect_websocket(f"ws://127.0.0.1:{free_port()}/")
        with pytest.raises(TypeError, match="nonsense"):
            await http2.connect_websocket("ws://127.0.0.1/", nonsense=1)

    run_asyncio(main())
