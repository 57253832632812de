"""Frames that a client must not send: the close code for the client, and the application."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest

from ..support import raw
from ..support.running import Run
from ..support.serving import Events, eventually
from .asking import handling, port_of

MASK = b"\0\0\0\0"
FRAMES = {
    "2^63 bytes": (b"\x82\xff" + struct.pack(">Q", 1 << 63) + MASK + b"x", 1002),
    "2^63 - 1 bytes": (b"\x82\xff" + struct.pack(">Q", (1 << 63) - 1) + MASK + b"x", 1009),
    "not masked": (b"\x81\x05hello", 1002),
    "invalid UTF-8": (b"\x81\x82" + MASK + b"\xc3\x28", 1007),
    "an unknown opcode": (b"\x83\x80" + MASK, 1002),
    "a control frame in fragments": (b"\x09\x80" + MASK, 1002),
    "after close": (b"\x88\x82" + MASK + b"\x03\xe8" + b"\x81\x85" + MASK + b"hello", 1000),
}


@pytest.mark.parametrize("version", ["2", "1.1"])
@pytest.mark.parametrize("name", FRAMES)
def test_close_codes(
    run_asyncio: Run, caplog: pytest.LogCaptureFixture, name: str, version: str
) -> None:
    frame, code = FRAMES[name]
    events = Events()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        events.add("told", await receive())

    async def main() -> None:
        async with handling(app) as (handler, url):
            answer = await (over_http2 if version == "2" else over_http1)(port_of(url), frame)
            assert answer[:1] == b"\x88", answer
            assert struct.unpack_from(">H", answer, 2) == (code,)
            told = (await events.expect("told"))[1]
            assert (told["type"], told["code"]) == ("websocket.disconnect", code)
            await eventually(lambda: "0 running" in repr(handler))

    run_asyncio(main())
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def over_http2(port: int, frame: bytes) -> bytes:
    """Return the server's reaction to *frame* on a WebSocket over HTTP/2."""
    async with await raw.RawPeer.connect(port) as peer:
        fields = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
            (":path", "/"), (":authority", "localhost"), ("sec-websocket-version", "13"),
        ]  # fmt: skip
        peer.send(raw.headers(1, fields), raw.data(1, frame))
        return (await peer.until(raw.DATA, 1)).payload


async def over_http1(port: int, frame: bytes) -> bytes:
    """Return the server's reaction to *frame* on a WebSocket over HTTP/1.1."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    writer.write(frame)
    answer = await reader.read(4)
    writer.close()
    await writer.wait_closed()
    return answer
