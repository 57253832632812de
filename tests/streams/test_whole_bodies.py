"""Request bodies that arrive in one piece: their reader and their share of the window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_CANCEL

from ..support import raw
from ..support.running import Run
from ..support.serving import eventually, serving

BODY = bytes(range(250)) * 32
Handler = Callable[[http2.ServerHttp2Stream], Coroutine[Any, Any, None]]


def answer(stream: http2.ServerHttp2Stream) -> None:
    stream.respond({":status": 204}, end_stream=True)


async def read_all(stream: http2.ServerHttp2Stream) -> None:
    assert await stream.read() == BODY
    assert stream.readable_ended
    assert await stream.read() == b""
    answer(stream)


async def read_at_most(stream: http2.ServerHttp2Stream) -> None:
    assert await stream.read(len(BODY)) == BODY
    assert stream.readable_ended
    assert await stream.read(len(BODY)) == b""
    answer(stream)


async def read_parts(stream: http2.ServerHttp2Stream) -> None:
    assert await stream.read(0) == b""
    assert await stream.read(1) == BODY[:1]
    assert not stream.readable_ended
    assert await stream.readexactly(len(BODY) - 2) == BODY[1:-1]
    assert await stream.read() == BODY[-1:]
    assert stream.readable_ended
    answer(stream)


async def read_chunks(stream: http2.ServerHttp2Stream) -> None:
    assert [chunk async for chunk in stream] == [BODY]
    answer(stream)


async def read_after_the_answer(stream: http2.ServerHttp2Stream) -> None:
    answer(stream)
    await stream.wait_sent()
    assert await stream.read() == BODY


async def read_late(stream: http2.ServerHttp2Stream) -> None:
    answer(stream)
    await asyncio.sleep(0.01)
    assert await stream.read() == BODY


async def hear_end(stream: http2.ServerHttp2Stream) -> None:
    ended: list[None] = []
    stream.on("end", lambda: ended.append(None))
    assert await stream.read() == BODY
    assert ended == [None]
    answer(stream)


async def listen(stream: http2.ServerHttp2Stream) -> None:
    chunks: list[bytes] = []
    stream.on("data", chunks.append)
    await stream.trailers()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert chunks == [BODY]
    answer(stream)


async def leave_unread(stream: http2.ServerHttp2Stream) -> None:
    answer(stream)


async def close(stream: http2.ServerHttp2Stream) -> None:
    stream.close(NGHTTP2_CANCEL)


async def destroy(stream: http2.ServerHttp2Stream) -> None:
    stream.destroy()


@pytest.mark.parametrize(
    "handle",
    [
        read_all, read_at_most, read_parts, read_chunks, read_after_the_answer, read_late,
        hear_end, listen, leave_unread, close, destroy,
    ],
)  # fmt: skip
def test_the_window_is_returned(run: Run, handle: Handler) -> None:
    """Fifty bodies are six times the connection's window, and each of them is returned once."""

    async def main() -> None:
        done = 0

        async def handler(stream: http2.ServerHttp2Stream) -> None:
            nonlocal done
            await handle(stream)
            done += 1

        sessions: list[http2.ServerHttp2Session] = []
        async with serving(handler, max_receive_window=0) as (server, port):
            server.on("session", sessions.append)
            async with await raw.RawPeer.connect(port) as peer:
                window = 65535
                for stream_id in range(1, 101, 2):
                    peer.send(raw.post(stream_id), raw.data(stream_id, BODY, end_stream=True))
                    window -= len(BODY)
                    await eventually(lambda wanted=stream_id // 2 + 1: done == wanted)
                    await peer.answered()
                    for got in peer.seen:
                        if got.type == raw.WINDOW_UPDATE and got.stream_id == 0:
                            window += int.from_bytes(got.payload)
                    peer.seen.clear()
                    assert 65535 // 2 - len(BODY) < window <= 65535
                state = sessions[0].state
                assert window == 65535 - state.effective_recv_data_length

    run(main())


def test_an_unread_body_keeps_its_share(run: Run) -> None:
    """The window of a body that waits for its reader is returned when the body is read."""

    async def main() -> None:
        streams: list[http2.ServerHttp2Stream] = []
        async with (
            serving(streams.append, max_receive_window=0) as (_, port),
            await raw.RawPeer.connect(port) as peer,
        ):
            for stream_id in (1, 3, 5, 7, 9):
                peer.send(raw.post(stream_id), raw.data(stream_id, BODY, end_stream=True))
            await peer.answered()
            assert not [got for got in peer.seen if got.type == raw.WINDOW_UPDATE]
            for stream in streams:
                assert await stream.read() == BODY
            given = await peer.until(raw.WINDOW_UPDATE, 0)
            assert int.from_bytes(given.payload) == 5 * len(BODY)
            for stream in streams:
                answer(stream)
            for stream in streams:
                await stream.wait_sent()

    run(main())
