"""`WebSocket`: pings, silent peers, and the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2
from http2.websocket import WebSocket

from ..support.running import Run
from .frames import PING, close, code_of, more, ping, pong, text
from .ways import WAYS, Peer, echo, end, http1_server, http2_client, http2_server


async def nothing(ws: WebSocket) -> None:
    """Wait for the end."""
    await ws.wait_closed()


# --- pings -------------------------------------------------------------------------------------


@pytest.mark.row("websocket.ping")
@pytest.mark.parametrize("way", WAYS)
def test_pings(way: str, run: Run) -> None:
    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            first, second, third = ws.ping(), ws.ping(b"second"), ws.ping("third")
            with pytest.raises(http2.Http2Error):
                ws.ping(b"x" * 126)
            with pytest.raises(TypeError):
                ws.ping(5)  # type: ignore[arg-type]
            # a Pong also answers earlier ones
            assert 0 <= await second < 30
            assert first.done()
            assert not third.done()
            await ws.send("and the third?")
            assert await third < 30
            ws.ping(b"forgotten")
            await ws.recv()

        async with WAYS[way](handler, compression=False) as (peer, ended):
            sent = [await peer.expect() for _ in range(3)]
            assert [frame.opcode for frame in sent] == [PING] * 3
            assert [frame.payload for frame in sent[1:]] == [b"second", b"third"]
            peer.send(pong(b"unknown"), pong(b"second"))
            assert (await peer.expect()).payload == b"and the third?"
            peer.send(pong(b"third"))
            assert (await peer.expect()).payload == b"forgotten"
            peer.send(text("enough"))
            await end(peer)
            assert isinstance(await ended, WebSocket)

    run(main())


@pytest.mark.row("module.accept_websocket.option.ping_interval",
                 "module.accept_websocket.option.ping_timeout")  # fmt: skip
@pytest.mark.parametrize("way", WAYS)
def test_a_peer_that_is_silent(way: str, run: Run) -> None:
    """It gets pings; without any data after one, 1011."""

    async def main() -> None:
        options = {"ping_interval": 0.05, "ping_timeout": 0.2}
        async with WAYS[way](nothing, **options) as (peer, ended):
            for answer in (True, False):
                frame = await peer.expect()
                assert frame.opcode == PING
                if answer:
                    peer.send(pong(frame.payload))
            assert code_of(await peer.expect()) == 1011
            peer.wire.end()
            ws = await ended
            assert (ws.close_code, ws.close_reason) == (
                1011, "no answer to a ping within 0.2 s",
            )  # fmt: skip

    run(main())


def test_a_peer_that_is_held_back_is_not_silent(run_asyncio: Run) -> None:
    """Its pongs are behind messages that the program does not receive."""

    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            await asyncio.sleep(0.4)
            got = [message async for message in ws]
            assert got == ["x" * 30_000] * 10

        options = {"ping_interval": 0.05, "ping_timeout": 0.05}
        async with http2_server(handler, **options) as (peer, ended):
            peer.send(*[text("x" * 30_000)] * 10, close(1000))
            while (frame := await peer.expect()).opcode == PING:
                pass
            assert code_of(frame) == 1000
            peer.wire.end()
            assert isinstance(await ended, WebSocket)

    run_asyncio(main())


def test_no_pings(run_asyncio: Run) -> None:
    async def main() -> None:
        async with http2_server(nothing, ping_interval=None) as (peer, ended):
            assert (await peer_timer(peer)) is None
            await end(peer)
            await ended

        async with http2_server(nothing, ping_interval=0.03, ping_timeout=None) as (peer, ended):
            for _ in range(3):  # unanswered
                assert (await peer.expect()).opcode == PING
            await end(peer)
            await ended

    run_asyncio(main())


async def peer_timer(peer: Peer) -> Any:
    """Return the peer's data within a moment; None for nothing."""
    try:
        async with asyncio.timeout(0.1):
            return await peer.frame()
    except TimeoutError:
        return None


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.row("websocket.close", "websocket.wait_closed")
@pytest.mark.parametrize("way", WAYS)
def test_closing(way: str, run: Run) -> None:
    """Close is sent, messages that cross it are dropped, the peer's Close ends it."""

    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            assert await ws.recv() == "before"
            await asyncio.gather(ws.close(4321, "enough"), ws.close(), ws.wait_closed())
            assert (ws.close_code, ws.close_reason) == (4321, "")
            with pytest.raises(http2.WebSocketClosed):
                await ws.recv()
            await ws.close()

        async with WAYS[way](handler) as (peer, ended):
            peer.send(text("before"))
            frame = await peer.expect()
            assert (code_of(frame), frame.payload[2:]) == (4321, b"enough")
            peer.send(
                text("crossing"), text("in", fin=False), more("two"), ping(b"too"), close(4321)
            )
            assert await peer.frame() is None
            peer.wire.end()
            assert isinstance(await ended, WebSocket)

    run(main())


@pytest.mark.row("websocket.begin_close", "module.accept_websocket.option.close_timeout")
@pytest.mark.parametrize("way", WAYS)
def test_a_peer_that_does_not_close(way: str, run: Run) -> None:
    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            ws.begin_close(1000)
            assert not ws.closed
            with pytest.raises(http2.WebSocketClosed):
                ws.ping()
            with pytest.raises(http2.WebSocketClosed):
                await ws.send("not any more")
            assert ws.close_code == 1006

        async with WAYS[way](handler, close_timeout=0.1) as (peer, ended):
            assert code_of(await peer.expect()) == 1000
            assert await peer.frame() is None
            assert isinstance(await ended, WebSocket)

    run(main())


@pytest.mark.parametrize("way", WAYS)
def test_closing_while_messages_wait(way: str, run: Run) -> None:
    """The peer's Close follows unreceived messages: these can still be received."""

    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            while len(ws._messages) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
            ws.begin_close()
            assert [await ws.recv(), await ws.recv()] == ["x" * 40_000] * 2
            with pytest.raises(http2.WebSocketClosed) as caught:
                await ws.recv()
            assert caught.value.close_code == 1000

        async with WAYS[way](handler, compression=False) as (peer, ended):
            peer.send(*[text("x" * 40_000)] * 20)
            await peer.wire.drain()
            assert code_of(await peer.expect()) == 1000
            peer.send(close(1000))
            assert await peer.frame() is None
            peer.wire.end()
            assert isinstance(await ended, WebSocket), await ended

    run(main())


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (999, "", "ERR_OUT_OF_RANGE"), (1004, "", "ERR_OUT_OF_RANGE"),
        (1005, "", "ERR_OUT_OF_RANGE"), (1006, "", "ERR_OUT_OF_RANGE"),
        (1015, "", "ERR_OUT_OF_RANGE"), (2999, "", "ERR_OUT_OF_RANGE"),
        (5000, "", "ERR_OUT_OF_RANGE"), ("1000", "", "ERR_INVALID_ARG_TYPE"),
        (True, "", "ERR_INVALID_ARG_TYPE"), (1000, b"", "ERR_INVALID_ARG_TYPE"),
        (1000, "x" * 124, "ERR_OUT_OF_RANGE"), (1000, "é" * 62, "ERR_OUT_OF_RANGE"),
    ],
)  # fmt: skip
def test_what_may_not_be_said(code: Any, reason: Any, error: str, run_asyncio: Run) -> None:
    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            with pytest.raises(http2.Http2Error) as caught:
                await ws.close(code, reason)
            assert caught.value.code == error
            assert not ws.closed

        async with http2_server(handler) as (peer, ended):
            assert code_of(await peer.expect()) == 1000
            peer.send(close(1000))
            peer.wire.end()
            assert isinstance(await ended, WebSocket)

    run_asyncio(main())


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 4999])
def test_what_may_be_said(code: int, run_asyncio: Run) -> None:
    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            await ws.close(code, "é" * 61)

        async with http2_server(handler) as (peer, ended):
            frame = await peer.expect()
            assert (code_of(frame), frame.payload[2:].decode()) == (code, "é" * 61)
            peer.send(close(code))
            peer.wire.end()
            assert (await ended).close_code == code

    run_asyncio(main())


def test_a_block_that_is_cancelled(run: Run) -> None:
    """The peer gets 1001; its answer is not awaited."""

    async def main() -> None:
        started = asyncio.Event()

        async def handler(ws: WebSocket) -> None:
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)
            started.set()
            await ws.recv()

        async with http1_server(handler) as (peer, ended):
            await started.wait()
            assert code_of(await peer.expect()) == 1001
            assert isinstance(await ended, asyncio.CancelledError)
            peer.send(close(1001))
            assert await peer.frame() is None
            peer.wire.end()

    run(main())


@pytest.mark.row("websocket.path", "websocket.headers", "websocket.http_version",
                 "module.WebSocket")  # fmt: skip
def test_what_is_known(run_asyncio: Run) -> None:
    async def main() -> None:
        shown = []

        async def handler(ws: WebSocket) -> None:
            assert isinstance(ws, http2.WebSocket)
            assert ws.path == "/chat"
            assert ws.subprotocol is None
            shown.append((ws.http_version, repr(ws)))
            await echo(ws)
            shown.append((ws.headers["sec-websocket-version"], repr(ws)))

        for way in (http2_server, http1_server):
            async with way(handler) as (peer, ended):
                await end(peer)
                await ended
        async with http2_client(echo) as (peer, ended):
            await end(peer)
            assert (await ended).headers[":status"] == 200
        assert shown == [
            ("2.0", "<WebSocket /chat HTTP/2.0 open>"),
            ("13", "<WebSocket /chat HTTP/2.0 closed with 1000>"),
            ("1.1", "<WebSocket /chat HTTP/1.1 open>"),
            ("13", "<WebSocket /chat HTTP/1.1 closed with 1000>"),
        ]

    run_asyncio(main())
