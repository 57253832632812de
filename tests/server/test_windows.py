"""Flow control from the view of a client that counts: full, tiny and exact windows."""

from __future__ import annotations

import asyncio

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import serving


@pytest.mark.parametrize("size", [0, 5, 65535])
def test_end_of_a_request_body_on_an_empty_frame(run: Run, size: int) -> None:
    """65,535 bytes fill the window: only an empty frame may follow."""

    async def main() -> None:
        bodies: asyncio.Queue[bytes] = asyncio.Queue()

        async def read(stream: http2.ServerHttp2Stream) -> None:
            await bodies.put(await stream.read())
            assert stream.readable_ended
            stream.respond(end_stream=True)

        async with serving(read) as (_, port), await RawPeer.connect(port) as peer:
            body = bytes(size)
            peer.send(raw.post())
            for start in range(0, size, 16384):
                peer.send(raw.data(1, body[start : start + 16384]))
            await peer.answered()
            peer.send(raw.data(1, end_stream=True))
            assert await bodies.get() == body
            assert (await peer.until(raw.HEADERS, 1)).ends_stream

    run(main())


def test_a_body_that_is_read_after_the_stream_has_ended_is_whole(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()

        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.respond(end_stream=True)
            stream.once("close", lambda: streams.put_nowait(stream))

        async with serving(respond) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.data(1, b"all "), raw.data(1, b"of it", end_stream=True))
            stream = await streams.get()
            assert not stream.readable_ended
            assert await stream.read() == b"all of it"
            assert stream.readable_ended
            assert await stream.read() == b""

    run(main())


def test_end_of_a_request_body_at_the_edge_of_the_window(run: Run) -> None:
    async def main() -> None:
        bodies: asyncio.Queue[bytes] = asyncio.Queue()

        async def read(stream: http2.ServerHttp2Stream) -> None:
            # no reader until everything has arrived
            stream.respond(end_stream=True)
            await release.wait()
            await bodies.put(await stream.read())

        release = asyncio.Event()
        async with serving(read) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.data(1, bytes(16384)) * 3)
            peer.send(raw.data(1, bytes(16383), end_stream=True))
            await peer.answered()
            assert raw.GOAWAY not in [got.type for got in peer.seen]
            release.set()
            assert len(await bodies.get()) == 65535

    run(main())


@pytest.mark.row("duplex.flow_control")
def test_unread_bytes_are_not_acknowledged(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.data(1, bytes(16384)) * 3, raw.data(1, bytes(16383)))
            stream = await streams.get()
            await peer.answered()
            assert raw.WINDOW_UPDATE not in [got.type for got in peer.seen]
            assert len(await stream.read(50_000)) == 50_000
            await peer.until(raw.WINDOW_UPDATE, 1)
            peer.send(raw.data(1, b"last", end_stream=True))
            assert len(await stream.read()) == 65535 - 50_000 + 4
            stream.respond(end_stream=True)
            await peer.until(raw.HEADERS, 1)

    run(main())


@pytest.mark.parametrize("window", [1, 100, 16384])
def test_response_body_as_large_as_the_window(run: Run, window: int) -> None:
    """END_STREAM needs no window: the last frame has it, or an empty one follows."""

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            stream.end(b"x" * window)

        async with (
            serving(respond) as (_, port),
            await RawPeer.connect(port, values={4: window}) as peer,
        ):
            peer.send(raw.get())
            size = 0
            while True:
                got = await peer.until(raw.DATA, 1)
                size += len(got.payload)
                if got.ends_stream:
                    break
            assert size == window

    run(main())


def test_response_body_through_a_small_window(run: Run) -> None:
    async def main() -> None:
        body = bytes(range(256))

        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            stream.write(body[:100])
            stream.end(body[100:])

        async with (
            serving(respond) as (_, port),
            await RawPeer.connect(port, values={4: 0}) as peer,
        ):
            peer.send(raw.get())
            await peer.until(raw.HEADERS, 1)
            await peer.answered()
            assert raw.DATA not in [got.type for got in peer.seen]
            received = b""
            while len(received) < len(body):
                peer.send(raw.window_update(1, 37))
                got = await peer.until(raw.DATA, 1)
                assert len(got.payload) <= 37
                received += got.payload
            assert received == body
            if not got.ends_stream:
                assert (await peer.until(raw.DATA, 1)).ends_stream

    run(main())
