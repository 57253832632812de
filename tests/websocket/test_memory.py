"""The memory of the WebSockets of one connection, and their time in a turn."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any, cast

import pytest
from fuzz.virtual import VirtualLoop
from fuzz.websocket import MemoryCarrier

import http2
from http2.headers import Headers
from http2.websocket import WebSocket, memory, turns
from http2.websocket.deflate import MessageLimit
from http2.websocket.options import Options
from http2.websocket.protocol import Protocol

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import eventually, listening
from ..support.sessions import Sessions
from .frames import CLOSE, TEXT, Frame, binary, close, code_of, more, text
from .ways import CONNECT_PROTOCOL, DEFLATE, WAYS, Handler, Peer, end, opening_fields

# Of `max_session_memory` 1, a WebSocket's messages may take 300,000 bytes.
SMALL: dict[str, Any] = {"max_session_memory": 1}


class Several:
    """WebSockets on one connection: the peers' ends, and this side's by their paths."""

    def __init__(self, session: http2.ClientHttp2Session) -> None:
        self.session = session
        self.ours: dict[str, WebSocket] = {}

    async def open(self, path: str, offer: str | None = None) -> Peer:
        """Open one more."""
        stream = self.session.request(opening_fields(path, offer))
        response = await stream.response()
        assert response[":status"] == 200
        return Peer(stream, masks=True, headers=response)


@asynccontextmanager
async def several(handler: Handler, **options: Any) -> AsyncIterator[Several]:
    """A server, and a connection to it."""
    server = http2.create_server(settings=CONNECT_PROTOCOL, **options)

    @server.on("stream")
    async def accept(stream: http2.ServerHttp2Stream) -> None:
        async with http2.accept_websocket(stream) as ws:
            found.ours[ws.path] = ws
            await handler(ws)

    async with listening(server) as port, http2.connect(f"http://127.0.0.1:{port}") as session:
        found = Several(session)
        yield found


@pytest.mark.row("session.count_memory", "session.max_memory")
def test_what_is_held_elsewhere_counts(run: Run) -> None:
    """Above the limit, the peer's new streams are refused, until there is less."""

    async def ask(client: http2.ClientHttp2Session) -> None:
        async with client.request() as stream:
            await stream.response()
            assert await stream.read() == b"hello"

    async def main() -> None:
        server = http2.create_server()
        server.on("stream", lambda stream, headers: stream.end("hello"))
        sessions = Sessions(server)
        async with listening(server) as port, http2.connect(f"http://127.0.0.1:{port}") as client:
            await ask(client)
            session = await sessions.next()
            assert session.max_memory == 10_000_000
            session.count_memory(session.max_memory)
            with pytest.raises(http2.StreamError, match="ENHANCE_YOUR_CALM"):
                await ask(client)
            session.count_memory(-session.max_memory)
            await ask(client)
        session.count_memory(1)  # of an ended session: nothing

    run(main())


def test_messages_that_wait_hold_the_others_back(run: Run) -> None:
    """Unreceived messages take memory that the next WebSocket's messages would need."""

    async def main() -> None:
        receive = asyncio.Event()
        got: dict[str, int] = {}

        async def handler(ws: WebSocket) -> None:
            if ws.path == "/slow":
                await receive.wait()
            async for message in ws:
                got[ws.path] = got.get(ws.path, 0) + len(message)

        async with several(handler, **SMALL) as found:
            slow, other = await found.open("/slow"), await found.open("/other")
            slow.send(binary(bytes(310_000)))
            await slow.wire.drain()
            await eventually(lambda: bool(found.ours["/slow"]._messages))
            other.send(binary(bytes(20_000)), binary(bytes(100_000)))
            await eventually(lambda: found.ours["/other"]._paused)
            await asyncio.sleep(0.05)
            assert "/other" not in got
            receive.set()
            await eventually(lambda: got == {"/slow": 310_000, "/other": 120_000})
            await end(slow)
            await end(other)

    run(main())


def test_one_message_at_a_time_is_beyond(run: Run) -> None:
    """The message that exceeds the limit is completed first; then the others, and all arrive."""
    size = 400_000

    async def main() -> None:
        got: list[str] = []

        async def handler(ws: WebSocket) -> None:
            async for message in ws:
                assert len(message) == size
                got.append(ws.path)

        async with several(handler, **SMALL) as found:
            peers = [await found.open(f"/{number}") for number in range(4)]
            first, *others = peers
            first.send(binary(bytes(size - 1), fin=False))
            await first.wire.drain()
            await eventually(lambda: found.ours["/0"]._held.under_way > 300_000)
            for peer in others:
                peer.send(binary(bytes(size)))
            await eventually(lambda: all(found.ours[f"/{n}"]._paused for n in (1, 2, 3)))
            assert got == []
            first.send(more(b"x"))
            await eventually(lambda: len(got) == 4)
            assert got[0] == "/0"
            for peer in peers:
                await end(peer)

    run(main())


def test_one_that_does_not_get_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait for the end of its message, which never comes: 1013, and they continue."""
    monkeypatch.setattr(memory, "PATIENCE", 0.1)

    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            async for message in ws:
                await ws.send(f"{len(message)}")

        async with several(handler, **SMALL) as found:
            stuck, other = await found.open("/stuck"), await found.open("/other")
            stuck.send(binary(bytes(400_000), fin=False))
            await stuck.wire.drain()
            await eventually(lambda: found.ours["/stuck"]._held.under_way > 300_000)
            # alone, it may take any time
            await asyncio.sleep(0.25)
            assert not found.ours["/stuck"].closed
            other.send(binary(bytes(1000)))
            frame = await stuck.expect()
            assert code_of(frame) == 1013
            assert b"too much memory" in frame.payload
            stuck.wire.end()
            assert await other.expect() == Frame(TEXT, b"1000")
            await end(other)

    run(main())


def test_compression_is_for_those_that_there_is_memory_for(run: Run) -> None:
    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            await ws.wait_closed()

        async with several(handler, **SMALL) as found:
            first, second = await found.open("/1", DEFLATE), await found.open("/2", DEFLATE)
            assert DEFLATE in first.headers["sec-websocket-extensions"]
            assert "sec-websocket-extensions" not in second.headers
            await end(first)
            await end(second)
            await found.ours["/1"].wait_closed()
            third = await found.open("/3", DEFLATE)
            assert DEFLATE in third.headers["sec-websocket-extensions"]
            await end(third)

    run(main())


def test_what_is_counted_is_counted_back(run: Run) -> None:
    """Messages, partial ones, and ends of any kind: at the end nothing is held."""

    async def main() -> None:
        async def handler(ws: WebSocket) -> None:
            async for _ in ws:
                pass

        async with several(handler) as found:
            peers = [await found.open(f"/{number}", DEFLATE) for number in range(4)]
            share = found.ours["/0"]._held.share
            assert all(ws._held.share is share for ws in found.ours.values())
            for peer in peers:
                peer.send(binary(bytes(50_000)), text("x" * 9000, fin=False))
            await eventually(lambda: all(ws._held.under_way for ws in found.ours.values()))
            peers[0].send(close(1000))
            peers[1].send(text("inside"))
            peers[2].wire.end()
            peers[3].wire.close()  # type: ignore[attr-defined]
            for peer in peers[:3]:
                await peer.frames()
                peer.wire.end()
            for ws in found.ours.values():
                await ws.wait_closed()
            assert (share._waiting, share._under_way, share._compression) == (0, 0, 0)

    run(main())


def test_what_a_websocket_takes() -> None:
    """The counted memory is the real one, with its stream and the task of its handler."""
    count = 60

    async def main() -> float:
        server = http2.create_server(settings=CONNECT_PROTOCOL)

        @server.on("stream")
        async def accept(stream: http2.ServerHttp2Stream) -> None:
            async with http2.accept_websocket(stream) as ws:
                async for _ in ws:
                    pass

        fields = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
            (":path", "/chat"), (":authority", "localhost"), ("sec-websocket-version", "13"),
        ]  # fmt: skip
        said = binary(b"hello").encode(True)
        async with listening(server) as port, await RawPeer.connect(port) as peer:

            async def open_some(first: int, number: int) -> None:
                for n in range(first, first + number):
                    peer.send(raw.headers(2 * n + 1, fields), raw.data(2 * n + 1, said))
                await peer.answered()
                gc.collect()

            await open_some(0, 20)
            tracemalloc.start()
            try:
                before, _ = tracemalloc.get_traced_memory()
                await open_some(20, count)
                after, _ = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        return (after - before) / count

    # without the loop's debug mode, which stores where each task was created
    taken = asyncio.run(main())
    assert 6144 < taken < 6144 + memory.WEBSOCKET_MEMORY


# --- many, without sockets --------------------------------------------------------------------


class CountingSession:
    """The part of a session that a `Share` needs."""

    max_memory = 500_000

    def __init__(self) -> None:
        self.counted = 0
        self.most = 0

    def count_memory(self, size: int) -> None:
        """Count."""
        self.counted += size
        self.most = max(self.most, self.counted)


class One:
    """A WebSocket of several, the peer's end of it, and the sent and received messages."""

    def __init__(self, share: memory.Share) -> None:
        self.carrier = MemoryCarrier()
        self.ws = WebSocket(
            self.carrier,
            Protocol(client=False, limit=MessageLimit(100_000)),
            Options(max_size=100_000, max_queue=4, ping_interval=None),
            subprotocol=None,
            path="/",
            headers=Headers(),
            http_version="2.0",
            share=share,
        )
        self.under_way = b""
        self.sent: list[bytes] = []
        self.got: list[Any] = []

    def send(self, data: bytes, fin: bool) -> None:
        """Return a message, or a part of one."""
        frame = more(data, fin) if self.under_way else binary(data, fin)
        self.under_way += data
        if fin:
            self.sent.append(self.under_way)
            self.under_way = b""
        encoded = frame.encode(True)
        for at in range(0, len(encoded), 16384):
            self.carrier.feed(encoded[at : at + 16384])


@pytest.mark.parametrize("seed", range(20))
def test_nothing_waits_for_ever(seed: int) -> None:
    """In any order of sending and receiving, everything arrives at the end."""
    random = Random(seed)
    loop = VirtualLoop()
    session = CountingSession()

    async def receive(one: One, count: int) -> None:
        while count and one.ws._messages:
            one.got.append(await one.ws.recv())
            count -= 1

    async def main() -> None:
        share = memory.Share.of(cast("Any", session))
        several = [One(share) for _ in range(8)]
        base = session.counted
        for _ in range(150):
            one = random.choice(several)
            if random.random() < 0.7:
                size = random.choice([1, 100, 7000, 20_000, 60_000])
                if len(one.under_way) + size <= 100_000 and len(one.carrier.backlog) < 5:
                    one.send(bytes(size), random.random() < 0.6)
            else:
                await receive(one, random.randrange(3))
            await asyncio.sleep(0)
        # begun messages are completed, in any order, while all programs receive
        for one in random.sample(several, len(several)):
            if one.under_way:
                one.send(b"", True)
        for _ in range(2000):
            for one in several:
                await receive(one, 10)
            await asyncio.sleep(0)
        assert [one.got == one.sent for one in several] == [True] * len(several)
        assert session.counted == base
        # three tenths, the message above the limit, one more that may continue, and the
        # bytes after it
        assert session.most - base < 150_000 + 2 * 108_000 + 8 * 24_000
        for one in several:
            one.carrier.lose()
        assert session.counted == 0

    loop.run_until_complete(main())
    assert not loop.problems
    loop.close()


# --- turns ---------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_others_have_their_turn(way: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With any amount of data and of messages, the loop continues to run other tasks."""
    monkeypatch.setattr(turns, "LONGEST", 0.0)
    count = 2000

    async def main() -> None:
        ticks = 0

        def tick() -> None:
            nonlocal ticks, handle
            ticks += 1
            handle = loop.call_soon(tick)

        async def handler(ws: WebSocket) -> None:
            got = 0
            async for message in ws:
                assert message == f"{got}"
                got += 1
                if got == count:
                    done.set()

        done = asyncio.Event()
        async with WAYS[way](handler) as (peer, ended):
            loop = asyncio.get_running_loop()
            handle = loop.call_soon(tick)
            peer.send(
                *(text(f"{number}") for number in range(count)),
                text("", False), *[more("", False)] * count,
            )  # fmt: skip
            await done.wait()
            assert ticks > count / 20
            peer.send(more(""), close(1000))
            while (await peer.expect()).opcode != CLOSE:
                pass
            assert ticks > count / 10
            handle.cancel()
            peer.wire.end()
            await ended

    run(main())
