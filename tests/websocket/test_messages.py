"""`WebSocket`: receiving, sending, and back-pressure."""

from __future__ import annotations

import array
import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import http2
from http2.websocket import WebSocket

from ..support.running import Run
from ..support.serving import eventually
from .frames import CLOSE, PING, PONG, TEXT, binary, close, code_of, ping, text
from .ways import WAYS, end, http2_server

# --- receiving -----------------------------------------------------------------------------


@pytest.mark.row("websocket.recv")
@pytest.mark.parametrize("way", WAYS)
def test_a_cancelled_recv_loses_nothing(way: str, run: Run) -> None:
    async def main() -> None:
        got: list[Any] = []
        waits = asyncio.Event()

        async def handler(ws: WebSocket) -> None:
            for _ in range(3):
                task = asyncio.ensure_future(ws.recv())
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            task = asyncio.ensure_future(ws.recv())
            await asyncio.sleep(0)
            waits.set()
            # woken, and cancelled in the same turn
            while not ws._messages:  # noqa: ASYNC110
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                got.append(task.result())
            async for message in ws:
                got.append(message)

        async with WAYS[way](handler) as (peer, ended):
            await waits.wait()
            peer.send(text("one"), text("two"))
            await end(peer)
            await ended
        assert got == ["one", "two"]

    run(main())


def test_one_receiver_at_a_time(run_asyncio: Run) -> None:
    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            task = asyncio.ensure_future(ws.recv())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="already receiving"):
                await ws.recv()
            assert await task == "for the first"

        async with http2_server(handler) as (peer, ended):
            peer.send(text("for the first"))
            assert code_of(await peer.expect()) == 1000
            peer.send(close(1000))
            peer.wire.end()
            assert isinstance(await ended, WebSocket)

    run_asyncio(main())


@pytest.mark.row("websocket.iteration", "module.WebSocketClosed", "websocket.close_code",
                 "websocket.close_reason", "websocket.closed")  # fmt: skip
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("code", "ok"), [(1000, True), (1001, True), (None, True), (1011, False), (4000, False)]
)
def test_the_end_of_a_loop(way: str, code: int | None, ok: bool, run_asyncio: Run) -> None:
    """Earlier messages are received first; an abnormal end is raised."""

    async def main() -> None:
        got: list[Any] = []

        async def handler(ws: WebSocket) -> None:
            assert (ws.closed, ws.close_code, ws.close_reason) == (False, None, None)
            await asyncio.sleep(0.02)
            raised: http2.WebSocketClosed | None = None
            try:
                async for message in ws:
                    got.append(message)
            except http2.WebSocketClosed as error:
                raised = error
            assert (raised is None) == ok
            if raised is not None:
                assert (raised.close_code, raised.close_reason) == (code, "why")
                assert raised.code == "ERR_WEBSOCKET_CLOSED"
                assert str(raised) == f"the WebSocket was closed with {code}: why"
            assert ws.closed
            with pytest.raises(http2.WebSocketClosed) as caught:
                await ws.recv()
            assert caught.value.ok == ok
            with pytest.raises(http2.WebSocketClosed):
                await ws.send("too late")
            with pytest.raises(http2.WebSocketClosed):
                ws.ping()

        async with WAYS[way](handler) as (peer, ended):
            peer.send(text("one"), text("two"), close(code, "why" if code else ""))
            assert code_of(await peer.expect()) == code
            peer.wire.end()
            ws = await ended
            assert (ws.close_code, ws.close_reason) == (code or 1005, "why" if code else "")
        assert got == ["one", "two"]

    run_asyncio(main())


@pytest.mark.parametrize("way", WAYS)
def test_an_end_without_close(way: str, run: Run) -> None:
    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            assert await ws.recv() == "last words"
            waiting = ws.ping()
            with pytest.raises(http2.WebSocketClosed) as caught:
                await ws.recv()
            assert caught.value.close_code == 1006
            with pytest.raises(http2.WebSocketClosed):
                await waiting

        async with WAYS[way](handler) as (peer, ended):
            peer.send(text("last words"))
            assert (await peer.expect()).opcode == PING
            peer.wire.end()
            assert (await ended).close_code == 1006

    run(main())


# --- back-pressure ---------------------------------------------------------------------------


@pytest.mark.row("module.accept_websocket.option.max_queue")
@pytest.mark.parametrize("way", WAYS)
def test_a_peer_is_held_back(way: str, run: Run) -> None:
    """Without a receiver, little may wait; then everything arrives, in order."""
    size, count = 32 * 1024, 400

    async def main() -> None:
        receive = asyncio.Event()

        async def handler(ws: WebSocket) -> None:
            # over HTTP/1.1, data after the first comes without a reader
            await ws.send(await ws.recv())
            await receive.wait()
            number = 0
            async for message in ws:
                assert message == number.to_bytes(4, "big") * (size // 4)
                number += 1
            assert number == count

        async with WAYS[way](handler, compression=False) as (peer, ended):
            sent = 0
            peer.send(text("first"))
            assert (await peer.expect()).payload == b"first"

            async def send() -> None:
                nonlocal sent
                for number in range(count):
                    peer.send(binary(number.to_bytes(4, "big") * (size // 4)))
                    await peer.wire.drain()
                    sent += 1

            sending = asyncio.ensure_future(send())
            before = -1
            while sent != before:
                before = sent
                await asyncio.sleep(0.1)
            # the kernel's buffers hold some megabytes of a connection over HTTP/1.1
            assert sent < (12 if way.startswith("http2") else count)
            receive.set()
            await sending
            peer.send(close(1000))
            assert code_of(await peer.expect()) == 1000
            peer.wire.end()
            assert isinstance(await ended, WebSocket), await ended

    run(main())


def test_small_messages_wait_too(run_asyncio: Run) -> None:
    """`max_queue` messages wait, however small they are; the rest is not even decoded."""

    async def main() -> None:
        receive = asyncio.Event()
        sockets: list[WebSocket] = []

        async def handler(ws: WebSocket) -> None:
            sockets.append(ws)
            await receive.wait()
            got = [message async for message in ws]
            assert got == [str(number) for number in range(1000)]

        async with http2_server(handler, max_queue=5) as (peer, ended):
            peer.send(*(text(str(number)) for number in range(1000)), close(1000))
            await eventually(lambda: bool(sockets and sockets[0]._messages))
            assert len(sockets[0]._messages) == 5
            receive.set()
            assert code_of(await peer.expect()) == 1000
            peer.wire.end()
            assert isinstance(await ended, WebSocket)

    run_asyncio(main())


@pytest.mark.row("websocket.send")
@pytest.mark.parametrize("way", WAYS)
def test_a_sender_is_held_back(way: str, run: Run) -> None:
    """A send waits until the peer reads; a cancelled one is sent completely."""

    async def main() -> None:
        sent = 0
        ready = asyncio.Event()

        async def handler(ws: WebSocket) -> None:
            nonlocal sent
            ready.set()
            while sent < 400:
                try:
                    async with asyncio.timeout(0.05):
                        await ws.send(bytes([sent % 256]) * 32768)
                finally:
                    sent += 1
            await ws.send("done")

        async def patient(ws: WebSocket) -> None:
            try:
                await handler(ws)
            except TimeoutError:
                await ws.send("cancelled")

        async with WAYS[way](patient, compression=False) as (peer, ended):
            await ready.wait()
            await asyncio.sleep(0.4)
            assert sent < 400
            count = 0
            while (frame := await peer.expect()).opcode != TEXT:
                assert frame.payload == bytes([count % 256]) * 32768
                count += 1
            assert frame.payload == b"cancelled"
            assert count == sent
            assert code_of(await peer.expect()) == 1000
            peer.send(close(1000))
            peer.wire.end()
            assert isinstance(await ended, WebSocket)

    run(main())


def test_pings_of_who_reads_nothing(run_asyncio: Run) -> None:
    """Pongs that cannot be sent are not stored: the last one is sent when there is room."""

    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            ready.set()
            try:
                await ws.send(bytes(1 << 20))
            finally:
                done.set()
            await ws.wait_closed()

        ready, done = asyncio.Event(), asyncio.Event()
        async with http2_server(handler, compression=False) as (peer, ended):
            await ready.wait()
            for number in range(1000):
                peer.send(ping(number.to_bytes(2, "big") * 60))
                await peer.wire.drain()
            await asyncio.sleep(0.05)
            assert not done.is_set()
            pongs = []
            while len(pongs) == 0 or pongs[-1].payload != (999).to_bytes(2, "big") * 60:
                frame = await peer.expect()
                if frame.opcode == PONG:
                    pongs.append(frame)
            assert len(pongs) < 10
            await end(peer)
            await ended

    run_asyncio(main())


# --- sending -----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_what_may_be_sent(way: str, run: Run) -> None:
    async def letters() -> AsyncIterator[str]:
        for letter in "xyz":
            await asyncio.sleep(0)
            yield letter

    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            await ws.send("text")
            await ws.send(b"bytes")
            await ws.send(bytearray(b"bytearray"))
            await ws.send(memoryview(b"memoryview"))
            await ws.send(array.array("H", [1, 2]))  # type: ignore[arg-type]
            await ws.send(["one", "two"])
            await ws.send(iter([b"1", b"2"]))
            await ws.send(letters())
            await ws.send([])
            for wrong in (None, 5, {"a": 1}):
                with pytest.raises(TypeError):
                    await ws.send(wrong)  # type: ignore[arg-type]
            with pytest.raises(UnicodeEncodeError):
                await ws.send("\ud800")
            # many at once: whole messages, fragments in order
            await asyncio.gather(*(ws.send(letters()) for _ in range(3)), ws.send("beside"))

        async with WAYS[way](handler, compression=False) as (peer, ended):
            got: list[tuple[int, bytes, bool]] = []
            while (frame := await peer.expect()).opcode != CLOSE:
                got.append((frame.opcode, frame.payload, frame.fin))
            pieces = [(1, b"x", False), (0, b"y", False), (0, b"z", False), (0, b"", True)]
            assert got[:15] == [
                (1, b"text", True),
                (2, b"bytes", True),
                (2, b"bytearray", True),
                (2, b"memoryview", True),
                (2, array.array("H", [1, 2]).tobytes(), True),
                (1, b"one", False), (0, b"two", False), (0, b"", True),
                (2, b"1", False), (0, b"2", False), (0, b"", True),
                *pieces,
            ]  # fmt: skip
            rest = got[15:]
            rest.remove((1, b"beside", True))
            assert rest == pieces * 3
            peer.send(close(1000))
            peer.wire.end()
            assert isinstance(await ended, WebSocket)

    run(main())


@pytest.mark.parametrize("cut", ["raises", "mixed", "cancelled"])
def test_fragments_that_are_cut_short(cut: str, run_asyncio: Run) -> None:
    """The peer does not keep half a message: it gets 1011."""

    async def fragments() -> AsyncIterator[Any]:
        yield "half"
        if cut == "raises":
            raise ZeroDivisionError
        if cut == "mixed":
            yield b"bytes"
        await asyncio.sleep(50)

    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            sending = asyncio.ensure_future(ws.send(fragments()))
            await asyncio.sleep(0.01)
            sending.cancel()
            expected = {"raises": ZeroDivisionError, "mixed": TypeError}
            with pytest.raises(expected.get(cut, asyncio.CancelledError)):
                await sending

        async with http2_server(handler, compression=False) as (peer, ended):
            assert (await peer.expect()).payload == b"half"
            assert code_of(await peer.expect()) == 1011
            peer.wire.end()
            assert (await ended).close_code == 1011

    run_asyncio(main())
