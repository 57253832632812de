"""A peer that does not read gets no more data, and a writer has to wait."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support.buffers import unread
from ..support.filing import pattern
from ..support.peers import happening, serving_url, start_nghttpd, start_node, tls_options
from ..support.running import Run, execute
from ..support.self_signed import Certificate

WINDOW = 65535


async def filled(session: http2.ClientHttp2Session, stream: Any, window: int = WINDOW) -> None:
    """Wait until *stream* holds an unread *window*, and check that no more arrives."""
    while unread(stream) < window:
        await session.ping()
    for _ in range(3):
        await session.ping()
    assert unread(stream) == window


@pytest.mark.interop
@pytest.mark.row("duplex.flow_control")
@pytest.mark.parametrize("secure", [False, True], ids=["h2c", "tls"])
def test_a_reader_that_stops(
    run: Run, background: Callable[..., Any], secure: bool, certificate: Certificate
) -> None:
    """Node may send as much as the window; when some is read, it may send as much again."""
    identity = {"cert": certificate.cert, "key": certificate.key} if secure else {}
    peer = start_node(background, **identity)

    async def main() -> None:
        size = 1 << 20
        async with http2.connect(peer.origin, **tls_options(peer)) as session:
            stream = session.request({":path": f"/body?size={size}"})
            await stream.response()
            await filled(session, stream)
            # WINDOW_UPDATE is sent after half of it
            got = await stream.readexactly(40_000)
            await filled(session, stream)
            got += await stream.read()
            assert got == pattern(size)

    run(main())


@pytest.mark.interop
@pytest.mark.row("duplex.pause")
def test_paused_listener(run: Run, background: Callable[..., Any]) -> None:
    peer = start_node(background)

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            stream = session.request({":path": f"/body?size={1 << 20}"})
            parts: list[bytes] = []
            stream.pause()
            stream.on("data", parts.append)
            await filled(session, stream)
            assert not parts
            over = happening(stream, "end")
            stream.resume()
            await over
            assert b"".join(parts) == pattern(1 << 20)

    run(main())


@pytest.mark.interop
@pytest.mark.row("session.set_local_window_size")
def test_own_window(run: Run, background: Callable[..., Any]) -> None:
    """With larger windows on this side, correspondingly more arrives unread."""
    peer = start_node(background)

    async def main() -> None:
        size = 1 << 20
        settings = {"initial_window_size": 300_000}
        async with http2.connect(peer.origin, settings=settings) as session:
            session.set_local_window_size(300_000)
            assert session.state.effective_local_window_size == 300_000
            await session.ping()
            stream = session.request({":path": f"/body?size={size}"})
            await stream.response()
            await filled(session, stream, 300_000)
            assert await stream.read() == pattern(size)
            for wrong, kind in ((-1, ValueError), (2**31, ValueError), ("1", TypeError)):
                with pytest.raises(kind):
                    session.set_local_window_size(wrong)  # type: ignore[arg-type]

    run(main())


@pytest.mark.interop
@pytest.mark.row("session.set_local_window_size")
def test_own_window_before_the_connection_stands(run: Run, background: Callable[..., Any]) -> None:
    """The last value counts; the session begins with it, and it does not grow."""
    peer = start_node(background)

    async def main() -> None:
        size = 1 << 20  # not a multiple of the window: see `writeAll` in server/peer.js
        settings = {"initial_window_size": 300_000}
        session = http2.connect(peer.origin, settings=settings)
        session.set_local_window_size(70_000)
        session.set_local_window_size(200_000)
        for wrong, kind in ((-1, ValueError), (2**31, ValueError), ("1", TypeError)):
            with pytest.raises(kind):
                session.set_local_window_size(wrong)  # type: ignore[arg-type]
        stream = session.request({":path": f"/body?size={size}"})
        async with session:
            assert session.state.effective_local_window_size == 200_000
            await stream.response()
            await filled(session, stream, 200_000)
            assert await stream.read() == pattern(size)
            assert session.state.effective_local_window_size == 200_000
        with pytest.raises(http2.Http2Error) as caught:
            session.set_local_window_size(200_000)
        assert caught.value.code == "ERR_HTTP2_INVALID_SESSION"

    run(main())


@pytest.mark.interop
@pytest.mark.row("duplex.drain")
def test_a_writer_is_told_to_wait(run: Run, background: Callable[..., Any]) -> None:
    peer = start_node(background)

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            stream = session.request({":method": "POST", ":path": "/unread"})
            await stream.drain()  # no reason to wait yet
            written = 0
            while True:
                written += 16384
                if not stream.write(bytes(16384)):
                    break
                assert written < 1 << 20
            drained = happening(stream, "drain")
            draining = asyncio.ensure_future(stream.drain())
            # the window is used up, so only the excess waits here
            while not drained.done and written < 1 << 20:
                await session.ping()
                if stream.writable_length + WINDOW <= written:
                    written += 65536
                    stream.write(bytes(65536))
            while stream.writable_length > written - WINDOW:
                await session.ping()
            for _ in range(3):
                await session.ping()
            assert stream.writable_length == stream.buffer_size == written - WINDOW
            assert stream.writable_length >= 65536
            assert not stream.write(b"more")
            again = asyncio.ensure_future(stream.drain())
            stream.end()
            await stream.response()
            control = session.request({":path": f"/read?id={stream.id}"})
            await asyncio.gather(draining, again, drained)
            await control.response()
            assert int(await control.read()) == written + 4
            assert stream.writable_length == 0
            assert stream.writable_finished
            assert await stream.read() == b""

    run(main())


@pytest.mark.interop
@pytest.mark.row("stream.event.drain")
def test_drain_event_in_a_loop(run: Run, background: Callable[..., Any]) -> None:
    """Writing on `drain`, as Node's programs do."""
    peer = start_node(background)

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            stream = session.request({":method": "POST", ":path": "/hash"})
            left = 200
            waits = 0
            most = 0

            def more() -> None:
                nonlocal left, waits, most
                while left:
                    left -= 1
                    going = stream.write(bytes(10_000))
                    most = max(most, stream.writable_length)
                    if not going:
                        waits += 1
                        return
                stream.end()

            stream.on("drain", more)
            more()
            assert int((await stream.response())["x-size"]) == 2_000_000
            assert waits > 5
            assert most < 2 * 65536
            await stream.read()

    run(main())


@pytest.mark.interop
def test_drain_fails_when_the_stream_does(run: Run, background: Callable[..., Any]) -> None:
    peer = start_node(background)

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            stream = session.request({":method": "POST", ":path": "/unread"})
            stream.write(bytes(1 << 20))
            waiting = [asyncio.ensure_future(stream.drain()) for _ in range(3)]
            await session.ping()
            stream.close(http2.constants.NGHTTP2_CANCEL)
            for waiter in waiting:
                with pytest.raises(http2.StreamError):
                    await waiter
            with pytest.raises(http2.StreamError):
                await stream.drain()

    run(main())


@pytest.mark.interop
def test_streams_do_not_hold_each_other_up(
    run: Run, background: Callable[..., Any], tmp_path: Path
) -> None:
    """One unread download does not use up the window of the connection alone.

    From nghttpd: Node sometimes ends a body without END_STREAM when streams share.
    """
    for size in (1_000_000, 100_000):
        (tmp_path / str(size)).write_bytes(pattern(size))
    peer = start_nghttpd(background, tmp_path)

    async def main() -> None:
        async with http2.connect(peer.origin, settings={"initial_window_size": 15_000}) as session:
            await session.ping()
            stuck = [session.request({":path": "/1000000"}) for _ in range(2)]
            for stream in stuck:
                await stream.response()
            # the two hold 30,000 of 65,535; the others share the rest
            free = [session.request({":path": "/100000"}) for _ in range(5)]
            bodies = await asyncio.gather(*(stream.read() for stream in free))
            assert bodies == [pattern(100_000)] * 5
            for stream in stuck:
                assert unread(stream) == 15_000
                await stream.close(http2.constants.NGHTTP2_CANCEL)

    run(main())


def test_own_server_stops_writing(run: Run) -> None:
    async def main() -> None:
        written = 0
        stopped = asyncio.Event()

        async def pour(stream: Any) -> None:
            nonlocal written
            stream.respond()
            for _ in range(100):
                written += 50_000
                if not stream.write(bytes(50_000)):
                    stopped.set()
                    await stream.drain()
            stream.end()

        async with serving_url(pour) as (_, origin), http2.connect(origin) as session:
            stream = session.request()
            await stream.response()
            await stopped.wait()
            for _ in range(5):
                await session.ping()
            # the window, the queue, and one piece more
            assert written <= WINDOW + 65536 + 50_000
            assert sum([len(chunk) async for chunk in stream]) == 5_000_000

    run(main())


PROGRAM = """
import asyncio, json, sys
import http2

MIB = 1 << 20
SIZE = 1024 * MIB
CHUNK = bytes(64 * 1024)
written = 0

def memory(which="VmRSS"):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(which):
                return int(line.split()[1]) * 1024

async def pour(stream):
    global written
    stream.respond({"content-length": SIZE})
    while written < SIZE:
        written += len(CHUNK)
        if not stream.write(CHUNK):
            await stream.drain()
    stream.end()

async def swallow(stream):
    stream.respond()
    received = 0
    while received < MIB:  # slowly at first
        received += len(await stream.read(10_000))
        await asyncio.sleep(0)
    gate.clear()
    reached.set()
    await gate.wait()
    async for chunk in stream:
        received += len(chunk)
    stream.end(str(received))

async def main(direction):
    global gate, reached, written
    gate, reached = asyncio.Event(), asyncio.Event()
    server = http2.create_server()
    server.on("stream", pour if direction == "down" else swallow)
    await server.listen(0, "127.0.0.1")
    async with server, http2.connect(f"http://127.0.0.1:{server.address()[1]}") as session:
        before = memory()
        if direction == "down":
            stream = session.request()
            received = 0
            while received < MIB:  # slowly at first
                received += len(await stream.read(10_000))
                await asyncio.sleep(0)
            for _ in range(10):  # and then not at all
                await session.ping()
            ahead = written - received
            async for chunk in stream:
                received += len(chunk)
        else:
            stream = session.request({":method": "POST"})
            async def write():
                global written
                while written < SIZE:
                    written += len(CHUNK)
                    if not stream.write(CHUNK):
                        await stream.drain()
                stream.end()
            task = asyncio.create_task(write())
            await reached.wait()
            for _ in range(10):
                await session.ping()
            ahead = written - MIB
            gate.set()
            await task
            received = int(await stream.read())
        extra = memory("VmHWM") - before  # the most that it ever was
        print(json.dumps({"received": received, "ahead": ahead, "extra": extra}))

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("direction", ["down", "up"])
def test_one_gibibyte_in_little_memory(run_asyncio: Run, python: str, direction: str) -> None:
    async def main() -> None:
        told = json.loads(await execute(python, "-c", PROGRAM, direction, timeout=100))
        assert told["received"] == 1 << 30
        # the reader had stopped: at most both windows, both queues, and the socket's
        assert told["ahead"] < 4 << 20
        assert told["extra"] < 32 << 20

    run_asyncio(main())
