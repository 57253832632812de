"""Receive windows grow on a long path, up to their limit, and only while the data is read."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

import http2
from http2.sessions.upkeep.window_growth import FIRST_PAUSE

from ..support import raw
from ..support.buffers import unread
from ..support.filing import pattern
from ..support.peers import start_nghttpd, start_node, starting
from ..support.proxies import proxied
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import eventually, serving

MIB = 1024 * 1024
# 50 ms in each direction: with 65,535 bytes per round trip, 640 KiB a second
DELAY = 0.05
LARGE = 64 * MIB
SMALL = 512 * 1024
FIXED = {"max_receive_window": 0}


async def download(port: int, path: str, size: int, **options: Any) -> float:
    """Return the bytes per second of one response, read to its end."""
    async with http2.connect(f"http://127.0.0.1:{port}", **options) as session:
        started = time.monotonic()
        stream = session.request({":path": path})
        got = 0
        async for chunk in stream:
            got += len(chunk)
        assert got == size
        return got / (time.monotonic() - started)


async def check_downloads(port: int, paths: dict[int, str]) -> None:
    """On a long path, growing windows are at least ten times as fast as fixed ones."""
    async with proxied(port, DELAY) as proxy:
        fixed = await download(proxy.port, paths[SMALL], SMALL, **FIXED)
        grown = await download(proxy.port, paths[LARGE], LARGE)
        assert grown > 10 * fixed, (grown, fixed)


@pytest.mark.interop
@pytest.mark.row("beyond.windows")
def test_a_download_from_nghttpd(run: Run, tmp_path: Path) -> None:
    paths = {}
    for size in (SMALL, LARGE):
        (tmp_path / str(size)).write_bytes(pattern(size))
        paths[size] = f"/{size}"
    with starting() as start:
        peer = start_nghttpd(start, tmp_path)
        run(check_downloads(peer.port, paths))


@pytest.mark.interop
@pytest.mark.row("beyond.windows", "connect.option.max_receive_window")
def test_a_download_from_node(run: Run) -> None:
    with starting() as start:
        peer = start_node(start)
        run(check_downloads(peer.port, {size: f"/body?size={size}" for size in (SMALL, LARGE)}))


@pytest.mark.slow
@pytest.mark.row("beyond.windows")
def test_a_download_from_a_server_of_ours(run: Run) -> None:
    """The receiver's windows grow; this library as the sender must fill them."""

    async def send(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
        stream.respond()
        left = int(headers[":path"][1:])
        while left:
            size = min(left, 65536)
            left -= size
            if not stream.write(bytes(size)):
                await stream.drain()
        stream.end()

    async def main() -> None:
        async with serving(send) as (_, port):
            await check_downloads(port, {size: f"/{size}" for size in (SMALL, LARGE)})

    run(main())


async def count(stream: http2.ServerHttp2Stream) -> None:
    size = 0
    async for chunk in stream:
        size += len(chunk)
    stream.respond()
    stream.end(str(size))


async def upload(port: int, size: int) -> float:
    """Return the bytes per second of one request's body."""
    async with http2.connect(f"http://127.0.0.1:{port}") as session:
        started = time.monotonic()
        stream = session.request({":method": "POST"})
        stream.end(bytes(size))
        assert await stream.read() == str(size).encode()
        return size / (time.monotonic() - started)


@pytest.mark.row("beyond.windows", "server.option.max_receive_window")
def test_an_upload_to_a_server_of_ours(run: Run) -> None:
    async def main() -> None:
        rates = {}
        for size, options in ((SMALL, FIXED), (LARGE, {})):
            async with serving(count, **options) as (_, port), proxied(port, DELAY) as proxy:
                rates[size] = await upload(proxy.port, size)
        assert rates[LARGE] > 10 * rates[SMALL], rates

    run(main())


@pytest.mark.interop
@pytest.mark.row("connect.option.max_receive_window")
def test_a_reader_that_stops_holds_no_more_than_the_limit(run: Run) -> None:
    """It has read quickly, and the windows have grown; then it stops reading."""
    limit = MIB

    async def main() -> None:
        with starting() as start:
            peer = start_node(start)
            async with proxied(peer.port, 0.01) as proxy:
                session = await http2.connect(
                    f"http://127.0.0.1:{proxy.port}", max_receive_window=limit
                )
                stream = session.request({":path": f"/body?size={LARGE}"})
                got = 0
                async for chunk in stream:
                    got += len(chunk)
                    if got > 16 * MIB:
                        break
                # a window's worth arrives, and then nothing
                before, quiet = 0, 0
                while quiet < 10:
                    await session.ping()
                    quiet = quiet + 1 if unread(stream) == before else 0
                    before = unread(stream)
                assert 65535 < unread(stream) <= limit
                assert session.state.effective_local_window_size <= limit
                # another stream still has room
                other = session.request({":path": "/body?size=100000"})
                assert len(await other.read()) == 100_000
                session.destroy()
                await session.close()

    run(main())


@pytest.mark.interop
def test_who_never_reads_gets_the_first_window_alone(run: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start)
            async with http2.connect(peer.origin) as session:
                stream = session.request({":path": f"/body?size={4 * MIB}"})
                await stream.response()
                await eventually(lambda: unread(stream) == 65535)
                await session.ping()
                await session.ping()
                assert unread(stream) == 65535
                assert session.state.effective_local_window_size == 65535
                session.destroy()

    run(main())


@pytest.mark.interop
def test_who_reads_slowly_gets_no_larger_windows(run: Run) -> None:
    """A sixteenth of the window per round trip is no reason to grow: the reader is the limit.

    It reads by the clock: the bytes of a round trip do not increase because a busy machine makes
    one longer, unless by a quarter of a second.
    """

    async def main() -> None:
        with starting() as start:
            peer = start_node(start)
            async with proxied(peer.port, DELAY) as proxy:
                session = await http2.connect(f"http://127.0.0.1:{proxy.port}")
                connection = session.engine
                assert connection is not None
                stream = session.request({":path": f"/body?size={4 * MIB}"})
                await stream.response()
                windows = session.upkeep.windows
                assert windows is not None
                for _ in range(64):
                    await stream.readexactly(2048)
                    await asyncio.sleep(DELAY)
                # four times half a window, of which at least the first two started a measurement
                assert windows._pause > FIRST_PAUSE
                assert connection.stream_window(1) == 65535
                assert session.state.effective_local_window_size == MIB
                session.destroy()
                await session.close()

    run(main())


def test_samples_are_few_and_one_at_a_time(run: Run) -> None:
    """Some peers count PINGs: at most one is unanswered, and none is sent without reading."""

    async def main() -> None:
        async with serving(count) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post())
            left = {0: 65535, 1: 65535}
            for _ in range(100):
                while min(left.values()) < 16384:
                    got = await peer.until(raw.WINDOW_UPDATE)
                    left[got.stream_id] += int.from_bytes(got.payload, "big")
                peer.send(raw.data(1, bytes(16384)))
                left = {stream_id: size - 16384 for stream_id, size in left.items()}
            await peer.answered()
            samples = [got for got in peer.seen if got.type == raw.PING and not got.flags & raw.ACK]
            assert len(samples) == 1

    run(main())


@pytest.mark.interop
def test_a_window_that_the_program_has_set_stays(run: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start)
            async with http2.connect(peer.origin) as session:
                session.set_local_window_size(100_000)
                assert await download_over(session, 8 * MIB) == 8 * MIB
                assert session.state.effective_local_window_size == 100_000

    run(main())


async def download_over(session: http2.ClientHttp2Session, size: int) -> int:
    return len(await session.request({":path": f"/body?size={size}"}).read())


def test_announced_settings_say_nothing_of_windows(run: Run) -> None:
    """Windows grow with WINDOW_UPDATE: no setting changes."""

    async def main() -> None:
        async with serving(count) as (_, port), await RawPeer.dial(port) as peer:
            peer.send(raw.PREFACE, raw.settings())
            assert (await peer.until(raw.SETTINGS)).settings == {3: 250}
            await peer.answered()
            assert raw.WINDOW_UPDATE not in [got.type for got in peer.seen]

    run(main())


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1", "ERR_INVALID_ARG_TYPE"),
        (1.5, "ERR_INVALID_ARG_TYPE"),
        (True, "ERR_INVALID_ARG_TYPE"),
        (-1, "ERR_OUT_OF_RANGE"),
        (2**31, "ERR_OUT_OF_RANGE"),
    ],
)
def test_bad_limits(value: Any, code: str) -> None:
    with pytest.raises(http2.Http2Error, match="max_receive_window") as caught:
        http2.create_server(max_receive_window=value)
    assert caught.value.code == code


@pytest.mark.interop
def test_many_streams_share_what_has_grown(run: Run, tmp_path: Path) -> None:
    """From nghttpd: Node sometimes ends a body without END_STREAM when streams share."""
    (tmp_path / "body").write_bytes(pattern(2 * MIB))

    async def main() -> None:
        with starting() as start:
            peer = start_nghttpd(start, tmp_path)
            async with http2.connect(peer.origin) as session:
                bodies = await asyncio.gather(
                    *[session.request({":path": "/body"}).read() for _ in range(8)]
                )
                assert [len(body) for body in bodies] == [2 * MIB] * 8

    run(main())
