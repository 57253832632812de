"""Connections that leave HTTP: CONNECT, and offers of another protocol."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
from typing import Any

import pytest

import http2

from ..support.http1 import Http1Peer, get, request, serving_http1
from ..support.running import Run, node
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, listening

OFFER = {"connection": "keep-alive, Upgrade", "upgrade": "echo"}


async def echo(message: Any, socket: http2.RawSocket, head: bytes) -> None:
    """Switch protocols, and send back every line in upper case."""
    switching = "101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo"
    line = "200 OK" if message.method == "CONNECT" else switching
    socket.writer.write(f"HTTP/1.1 {line}\r\n\r\n".encode())
    while line_of_client := await socket.reader.readline():
        socket.writer.write(line_of_client.upper())
        await socket.writer.drain()
    socket.writer.close()
    await socket.writer.wait_closed()


def hello(request: Any, response: Any) -> None:
    """Answer at once."""
    response.end("hello")


@pytest.mark.row("server.event.upgrade", "module.RawSocket")
def test_upgrade(run: Run) -> None:
    """The listener gets the connection, with the bytes that followed the request."""

    async def main() -> None:
        events = Events()
        async with serving_http1(hello) as (server, port), await Http1Peer.dial(port) as peer:

            @server.on("upgrade")
            async def on_upgrade(message: Any, socket: http2.RawSocket, head: bytes) -> None:
                assert isinstance(message, http2.Http1IncomingMessage)
                events.add(message.url, message.headers["upgrade"], head, socket)
                assert socket.get_extra_info("peername")[0] == "127.0.0.1"
                await echo(message, socket, head)
                assert socket.destroyed

            assert (await peer.ask(get())).body == b"hello"
            peer.send(get("/chat", **OFFER), "one\n")
            got = await peer.head()
            assert (got.status, got.headers["upgrade"]) == (101, "echo")
            assert await peer.reader.readline() == b"ONE\n"
            peer.send("two\n")
            assert await peer.reader.readline() == b"TWO\n"
            _, protocol, head, socket = await events.expect("/chat")
            assert (protocol, head, socket.destroyed) == ("echo", b"one\n", False)
            assert not server._sessions
            peer.writer.write_eof()
            assert await peer.rest() == b""
            await eventually(lambda: socket.destroyed)

    run(main())


def test_upgrade_behind_a_response_that_waits(
    run: Run,
) -> None:
    """The connection changes hands while its socket is full: writers wait as for any transport."""
    size = 60_000

    def respond(request: Any, response: Any) -> None:
        response.socket.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        response.end(bytes(size))

    async def main() -> None:
        async with serving_http1(respond) as (server, port):

            @server.on("upgrade")
            async def on_upgrade(message: Any, sock: http2.RawSocket, head: bytes) -> None:
                assert sock.writer.transport.get_write_buffer_size()
                sock.writer.write(bytes(4 * size))
                await sock.writer.drain()
                sock.writer.close()

            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect(("127.0.0.1", port))
            client.setblocking(False)
            # read only as fast as the program asks
            reader, writer = await asyncio.open_connection(sock=client, limit=1)
            peer = Http1Peer(reader, writer)
            async with peer:
                peer.send(get(), get("/chat", **OFFER))
                assert (await peer.rest()).endswith(bytes(5 * size))

    run(main())


def test_offer_that_nobody_takes(run: Run) -> None:
    """Without a listener an offer is ignored (RFC 9110 section 7.8); so is one with a body."""

    async def main() -> None:
        async with serving_http1(hello) as (server, port), await Http1Peer.dial(port) as peer:
            assert (await peer.ask(get(**OFFER))).body == b"hello"
            server.on("upgrade", echo)
            peer.send(request("POST", content_length="3", **OFFER), "abc")
            assert (await peer.response()).body == b"hello"
            assert (await peer.ask(get(version="1.0", **OFFER))).body == b"hello"

    run(main())


def echoes(message: Any) -> bool:
    """Return whether the offer is the protocol of `echo`."""
    assert message.upgrade
    assert message.raw_socket is None
    return bool(message.headers["upgrade"] == "echo")


@pytest.mark.parametrize("way", ["option", "attribute"])
@pytest.mark.row(
    "http1_options.should_upgrade_callback",
    "server.should_upgrade_callback",
    "http1_request.upgrade",
)
def test_offers_that_are_not_taken(run: Run, way: str) -> None:
    """The request is served like others, and so are later ones (RFC 9110 section 7.8)."""

    async def main() -> None:
        options = {"should_upgrade_callback": echoes} if way == "option" else {}
        async with serving_http1(told, **options) as (server, port):
            if way == "attribute":
                server.should_upgrade_callback = echoes
            server.on("upgrade", echo)
            async with await Http1Peer.dial(port) as peer:
                other = {"connection": "upgrade", "upgrade": "IRC/6.9"}
                peer.send(get("/one", **other), get("/two"), get("/three", **other))
                for path in (b"/one", b"/two", b"/three"):
                    assert (await peer.response()).body == path + b" False"
                assert (await peer.ask(get(**other))).body == b"/ False"
                peer.send(get(**OFFER), "over\n")
                assert (await peer.head()).status == 101
                assert await peer.reader.readline() == b"OVER\n"

    run(main())


def told(request: Any, response: Any) -> None:
    """Record the request."""
    response.end(f"{request.url} {request.upgrade}")


def test_offers_that_cannot_be_judged(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """A callback that raises ends its own request, but not the connection."""

    async def main() -> None:
        def raises(message: Any) -> bool:
            raise LookupError("of the test")

        async with serving_http1(told) as (server, port), await Http1Peer.dial(port) as peer:
            server.on("upgrade", echo)
            server.should_upgrade_callback = raises
            peer.send(get(**OFFER), get("/next"))
            assert (await peer.response()).status == 500
            assert (await peer.response()).body == b"/next False"

    run(main())
    assert "of the test" in caplog.text


def test_what_is_no_callback() -> None:
    with pytest.raises(http2.Http2TypeError) as caught:
        http2.create_server(
            allow_http1=True, http1_options={"should_upgrade_callback": "websocket"}
        )
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


@pytest.mark.row("server.event.connect")
def test_connect(run: Run) -> None:
    async def main() -> None:
        async with serving_http1(hello) as (server, port):
            async with await Http1Peer.dial(port) as peer:
                got = await peer.ask(request("CONNECT", "example.org:443"))
                assert (got.status, got.closes) == (405, True)
                assert await peer.rest() == b""
            server.on("connect", echo)
            async with await Http1Peer.dial(port) as peer:
                peer.send(request("CONNECT", "example.org:443"), "through\n")
                assert (await peer.head()).status == 200
                assert await peer.reader.readline() == b"THROUGH\n"

    run(main())


def test_listener_that_raises(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """Its connection ends, and nothing else."""

    async def main() -> None:
        async with serving_http1(hello) as (server, port):

            @server.on("upgrade")
            def on_upgrade(message: Any, socket: Any, head: bytes) -> None:
                raise LookupError("of the test")

            async with await Http1Peer.dial(port) as peer:
                peer.send(get(**OFFER))
                assert await peer.rest() == b""
            async with await Http1Peer.dial(port) as peer:
                assert (await peer.ask(get())).body == b"hello"

    run(main())
    assert "of the test" in caplog.text


def test_end_of_the_server(run: Run) -> None:
    """The server does not wait for connections that have left HTTP without a limit."""

    async def main() -> None:
        server = http2.create_server(hello, allow_http1=True)
        server.on("upgrade", echo)
        await server.listen(0, "127.0.0.1")
        async with await Http1Peer.dial(server.address()[1]) as peer:
            peer.send(get(**OFFER))
            await peer.head()
            await server.close(timeout=0.2)
            assert await peer.rest() == b""
        assert not server.open_connections.transports

    run(main())


@pytest.mark.interop
def test_node_upgrades(run: Run) -> None:
    """Node's client switches protocols, and tunnels with CONNECT."""

    async def main() -> None:
        async with serving_http1(hello) as (server, port):
            server.on("upgrade", echo)
            server.on("connect", echo)
            seen = await node("client/http1.js", json.dumps({"port": port, "mode": "leave"}))
            assert seen == {"upgrade": [101, "echo", "ONE\n"], "connect": [200, "TWO\n"]}

    run(main())


def test_websocket_of_node(run: Run) -> None:
    """A WebSocket handshake (RFC 6455 section 4.2.2) and one frame in each direction."""

    async def on_upgrade(message: Any, socket: http2.RawSocket, head: bytes) -> None:
        key = message.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        socket.writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            f"sec-websocket-accept: {accept}\r\n\r\n".encode()
        )
        flags, length = await socket.reader.readexactly(2)
        mask = await socket.reader.readexactly(4)
        masked = await socket.reader.readexactly(length & 0x7F)
        text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked)).upper()
        socket.writer.write(bytes([flags, len(text)]) + text)
        await socket.writer.drain()

    async def main() -> None:
        async with serving_http1(hello) as (server, port), await Http1Peer.dial(port) as peer:
            server.on("upgrade", on_upgrade)
            peer.send(
                get(connection="Upgrade", upgrade="websocket", sec_websocket_version="13",
                    sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==")
            )  # fmt: skip
            got = await peer.head()
            assert got.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
            peer.send(bytes([0x81, 0x85, 1, 2, 3, 4]), bytes([0x69, 0x67, 0x6F, 0x68, 0x6E]))
            assert await peer.reader.readexactly(7) == b"\x81\x05HELLO"

    run(main())


@pytest.mark.interop
@pytest.mark.row("beyond.http1")
def test_node_as_client(run: Run, certificate: Certificate) -> None:
    """Node's http and https clients: keep-alive, chunks, trailers both ways, 100, 103, HEAD."""

    async def on_request(request: Any, response: Any) -> None:
        if request.url == "/hints":
            response.write_early_hints({"link": "</style.css>; rel=preload; as=style"})
        body = await request.read()
        response.set_header("x-version", request.http_version)
        if request.trailers:
            response.set_trailer("x-sum", request.trailers["x-sum"])
            response.write(body)
            await asyncio.sleep(0)
            response.end()
        else:
            response.end(f"{request.method} {request.url} {len(body)}")

    async def main() -> None:
        options = {"cert": certificate.cert, "key": certificate.key}
        for server in (
            http2.create_server(on_request, allow_http1=True),
            http2.create_secure_server(on_request, allow_http1=True, **options),
        ):
            async with listening(server) as port:
                secure = isinstance(server, http2.Http2SecureServer)
                given = {"port": port, "mode": "ask", "ca": certificate.cert if secure else None}
                seen = await node("client/http1.js", json.dumps(given))
                assert seen == {
                    "get": [200, "1.1", "GET /a 0"],
                    "again": [200, "1.1", "GET /b 0", True],
                    "head": [200, "1.1", ""],
                    "upload": [200, "1.1", "PUT /upload 300000"],
                    "continued": [200, "1.1", "POST /continued 5", True],
                    "hints": [200, "1.1", "GET /hints 0", "</style.css>; rel=preload; as=style"],
                    "trailers": [200, "1.1", "abc", {"x-sum": "6"}],
                }

    run(main())
