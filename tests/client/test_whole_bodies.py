"""Bodies that arrive whole, with the end of their stream: every way of reading gets them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

import http2

from ..support.peers import serving_url
from ..support.running import Run
from ..support.serving import eventually

BODY = b"Hello World"
# The size of a connection's window at first (RFC 9113 section 6.9.2).
WINDOW = 65535

Reader = Callable[[http2.ClientHttp2Stream], Awaitable[bytes]]


def respond(stream: http2.ServerHttp2Stream) -> None:
    stream.respond({"content-type": "text/plain"})
    stream.end(BODY)


async def arrived(session: http2.ClientHttp2Session) -> http2.ClientHttp2Stream:
    """Make a request; return its stream when all of the response has arrived."""
    stream = session.request()
    await eventually(lambda: stream.closed)
    assert not stream.destroyed
    return stream


async def read(stream: http2.ClientHttp2Stream) -> bytes:
    return await stream.read()


async def in_pieces(stream: http2.ClientHttp2Stream) -> bytes:
    return await stream.read(4) + await stream.read(0) + await stream.read()


async def exactly(stream: http2.ClientHttp2Stream) -> bytes:
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await stream.readexactly(len(BODY) + 1)
    assert caught.value.partial == BODY
    return caught.value.partial


async def iterated(stream: http2.ClientHttp2Stream) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def as_text(stream: http2.ClientHttp2Stream) -> bytes:
    return (await stream.text() and await stream.text()).encode()


async def listened(stream: http2.ClientHttp2Stream) -> bytes:
    chunks: list[bytes] = []
    ended = asyncio.Event()
    stream.on("data", chunks.append)
    stream.on("end", ended.set)
    await ended.wait()
    return b"".join(chunks)


async def with_listeners(stream: http2.ClientHttp2Stream) -> bytes:
    events: list[str] = []
    stream.on("end", lambda: events.append("end"))
    stream.on("close", lambda: events.append("close"))
    body = await stream.read()
    assert events == ["end", "close"]
    return body


async def closed_first(stream: http2.ClientHttp2Stream) -> bytes:
    async with asyncio.timeout(30):
        await stream.close()
    assert stream.destroyed
    return await stream.read()


async def destroyed_first(stream: http2.ClientHttp2Stream) -> bytes:
    stream.destroy()
    return await stream.read()


@pytest.mark.parametrize(
    "reader",
    [
        read,
        in_pieces,
        exactly,
        iterated,
        as_text,
        listened,
        with_listeners,
        closed_first,
        destroyed_first,
    ],
)
def test_readers(run: Run, reader: Reader) -> None:
    async def main() -> None:
        async with serving_url(respond) as (_, origin), http2.connect(origin) as session:
            stream = await arrived(session)
            assert stream.status == 200
            assert await reader(stream) == BODY
            assert stream.readable_ended
            assert stream.destroyed
            assert await stream.read() == b""

    run(main())


def test_trailers_and_the_end_after_a_whole_body(run: Run) -> None:
    async def main() -> None:
        async with serving_url(respond) as (_, origin), http2.connect(origin) as session:
            stream = await arrived(session)
            assert await stream.trailers() is None
            assert stream.readable
            assert not stream.readable_ended
            assert stream.rst_code == 0
            assert await stream.read() == BODY
            assert not stream.readable

    run(main())


def test_unread_bodies_leave_the_connections_window(run: Run) -> None:
    """Their bytes are several times as many as the connection's window."""
    body = b"x" * 16000

    def respond_more(stream: http2.ServerHttp2Stream) -> None:
        stream.respond()
        stream.end(body)

    async def main() -> None:
        async with (
            serving_url(respond_more) as (_, origin),
            http2.connect(origin, max_receive_window=0) as session,
        ):
            streams = [await arrived(session) for _ in range(4 * WINDOW // len(body))]
            for stream in streams:
                assert await stream.read() == body

    run(main())
