"""The ways to reach a WebSocket of this library, each with a peer that sends hand-written bytes.

A server over HTTP/2, a server over HTTP/1.1, and a client over HTTP/2, whose server is a stream of
the Core API that sends plain bytes.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import http2
from http2.websocket import WebSocket

from ..support.dialled import PATIENCE
from ..support.http1 import Http1Peer, Response
from ..support.serving import listening
from .frames import CLOSE, Frame, close, code_of, mask

Handler = Callable[[WebSocket], Awaitable[None]]

CONNECT_PROTOCOL = {"enable_connect_protocol": True}
DEFLATE = "permessage-deflate"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class Wire(Protocol):
    """Bytes in both directions: a stream, or an adapter of a socket."""

    def write(self, data: bytes) -> Any:
        """Send."""

    async def read(self, n: int) -> bytes:
        """Return received data; empty at the end."""

    async def drain(self) -> None:
        """Wait until more may be sent."""

    def end(self) -> None:
        """End this side."""


class SocketWire:
    """A connection over HTTP/1.1 as a `Wire`."""

    def __init__(self, peer: Http1Peer) -> None:
        self.peer = peer

    def write(self, data: bytes) -> None:
        """Send."""
        self.peer.writer.write(data)

    async def read(self, n: int) -> bytes:
        """Return received data; empty at the end, of any kind."""
        try:
            return await self.peer.reader.read(n)
        except ConnectionResetError:
            return b""

    async def drain(self) -> None:
        """Wait until more may be sent."""
        await self.peer.writer.drain()

    def end(self) -> None:
        """End this side."""
        self.peer.writer.close()


class Peer:
    """The peer: hand-written frames."""

    def __init__(self, wire: Any, *, masks: bool, headers: Any) -> None:
        self.wire: Wire = wire
        self.masks = masks
        self.headers = headers
        """The headers of the handshake."""
        self._buffer = b""

    def send(self, *frames: Frame | bytes, pieces: int = 0) -> None:
        """Send frames, or bytes unchanged; in *pieces* of so many bytes."""
        data = b"".join(
            frame if isinstance(frame, bytes) else frame.encode(self.masks) for frame in frames
        )
        for at in range(0, len(data), pieces or len(data) or 1):
            self.wire.write(data[at : at + (pieces or len(data))])

    async def _need(self, size: int) -> bool:
        while len(self._buffer) < size:
            try:
                data = await self.wire.read(65536)
            except http2.Http2Error:
                return False
            if not data:
                return False
            self._buffer += data
        return True

    async def frame(self) -> Frame | None:
        """Return the next frame, unmasked; None at the end."""
        async with asyncio.timeout(PATIENCE):
            if not await self._need(2):
                assert not self._buffer
                return None
            first, second = self._buffer[:2]
            at, length = 2, second & 127
            if length == 126:
                assert await self._need(4)
                at, (length,) = 4, struct.unpack(">H", self._buffer[2:4])
                assert length > 125
            elif length == 127:
                assert await self._need(10)
                at, (length,) = 10, struct.unpack(">Q", self._buffer[2:10])
                assert length > 0xFFFF
            masked = bool(second & 128)
            assert masked != self.masks, "clients mask, servers do not"
            key = b""
            if masked:
                assert await self._need(at + 4)
                key = self._buffer[at : at + 4]
                at += 4
            assert await self._need(at + length)
            payload, self._buffer = self._buffer[at : at + length], self._buffer[at + length :]
            if masked:
                payload = mask(payload, key)
            return Frame(first & 15, payload, bool(first & 128), first >> 4 & 7)

    async def expect(self) -> Frame:
        """Return the next frame, which must arrive."""
        frame = await self.frame()
        assert frame is not None
        return frame

    async def frames(self) -> list[Frame]:
        """Return all frames until the end, which must arrive."""
        found = []
        while (frame := await self.frame()) is not None:
            found.append(frame)
        return found


async def echo(ws: WebSocket) -> None:
    """Echo every message."""
    async for message in ws:
        await ws.send(message)


async def end(peer: Peer, code: int = 1000) -> None:
    """Close as the peer, and expect the answer."""
    peer.send(close(code))
    while (frame := await peer.expect()).opcode != CLOSE:
        pass
    assert code_of(frame) == code
    peer.wire.end()


class Served:
    """Servers, and the result of each handler of a WebSocket."""

    def __init__(self, handler: Handler, options: dict[str, Any]) -> None:
        self.handler = handler
        self.options = options
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[BaseException | WebSocket] = loop.create_future()
        self.opened: asyncio.Future[WebSocket] = loop.create_future()

    async def accept(self, opening: Any) -> None:
        """The listener."""
        try:
            async with http2.accept_websocket(opening, **self.options) as ws:
                if not self.opened.done():
                    self.opened.set_result(ws)
                await self.handler(ws)
        except BaseException as error:
            if not self.ended.done():
                self.ended.set_result(error)
            raise
        if not self.ended.done():
            self.ended.set_result(ws)


Opened = tuple[Peer, asyncio.Future[Any]]
"""A peer, and the result of the handler: its WebSocket, or its error."""


@asynccontextmanager
async def http2_server(
    handler: Handler = echo, offer: str | None = None, **options: Any
) -> AsyncIterator[Opened]:
    """This side is a server, over HTTP/2."""
    served = Served(handler, options)
    server = http2.create_server(settings=CONNECT_PROTOCOL)
    server.on("stream", served.accept)
    async with listening(server) as port, http2.connect(f"http://127.0.0.1:{port}") as session:
        stream = session.request(opening_fields("/chat", offer))
        response = await stream.response()
        assert response[":status"] == 200
        yield Peer(stream, masks=True, headers=response), served.ended
        stream.close()


def opening_fields(path: str = "/", offer: str | None = None, **more: str) -> dict[str, str]:
    """Return the headers of an extended CONNECT."""
    fields = {
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":path": path,
        "sec-websocket-version": "13",
    }
    if offer is not None:
        fields["sec-websocket-extensions"] = offer
    return fields | {name.replace("_", "-"): value for name, value in more.items()}


def opening_request(path: str = "/", offer: str | None = None, **more: str | None) -> str:
    """Return a request with an upgrade; None omits a field."""
    fields = {
        "host": "localhost",
        "connection": "keep-alive, Upgrade",
        "upgrade": "WebSocket",
        "sec_websocket_version": "13",
        "sec_websocket_key": KEY,
        "sec_websocket_extensions": offer,
    } | more
    lines = [
        f"{name.replace('_', '-')}: {value}\r\n"
        for name, value in fields.items()
        if value is not None
    ]
    return f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n"


@asynccontextmanager
async def http1_server(
    handler: Handler = echo, offer: str | None = None, **options: Any
) -> AsyncIterator[Opened]:
    """This side is a server, over HTTP/1.1."""
    served = Served(handler, options)
    server = http2.create_server(allow_http1=True)
    server.on("upgrade", served.accept)
    async with listening(server) as port, await Http1Peer.dial(port) as client:
        client.send(opening_request("/chat", offer))
        response: Response = await client.head()
        assert response.status == 101
        assert response.headers["sec-websocket-accept"] == ACCEPT
        yield Peer(SocketWire(client), masks=True, headers=response.headers), served.ended


@asynccontextmanager
async def http2_client(
    handler: Handler = echo, offer: str | None = None, **options: Any
) -> AsyncIterator[Opened]:
    """This side is a client, over HTTP/2; *offer* is the server's answer to its offer."""
    loop = asyncio.get_running_loop()
    connected: asyncio.Future[Any] = loop.create_future()
    server = http2.create_server(settings=CONNECT_PROTOCOL)

    @server.on("stream")
    def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
        stream.respond({} if offer is None else {"sec-websocket-extensions": offer})
        connected.set_result((stream, headers))

    async def run(port: int) -> WebSocket | BaseException:
        try:
            async with http2.connect_websocket(f"ws://127.0.0.1:{port}/chat", **options) as ws:
                await handler(ws)
        except Exception as error:
            return error
        return ws

    async with listening(server) as port:
        client = loop.create_task(run(port))
        stream, headers = await connected
        yield Peer(stream, masks=False, headers=headers), client
        stream.end()
        await client


WAYS: dict[str, Callable[..., AbstractAsyncContextManager[Opened]]] = {
    "http2-server": http2_server,
    "http1-server": http1_server,
    "http2-client": http2_client,
}
