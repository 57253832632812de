"""A refused request was not processed: the session sends it again automatically."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import http2
from http2.constants import NGHTTP2_REFUSED_STREAM

from ..support import raw
from ..support.peers import serving_url, start_node, starting
from ..support.running import Run
from ..support.serving import eventually

LIMIT = {"max_concurrent_streams": 5}


@pytest.mark.row("habit.limit_not_known")
@pytest.mark.parametrize("body", [b"", b"a short body"])
def test_more_requests_than_a_limit_that_is_not_known_yet(run: Run, body: bytes) -> None:
    """Sixty at once, before the server's SETTINGS have arrived; no caller gets an error."""
    seen: list[str] = []

    async def main() -> None:
        async def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            seen.append(headers[":path"])
            got = await stream.read()
            await asyncio.sleep(0.001)
            stream.end(got + headers[":path"].encode())

        async with serving_url(answer, settings=LIMIT) as (_, origin):
            async with http2.connect(origin) as session:
                method = "POST" if body else "GET"
                streams = [
                    session.request({":method": method, ":path": f"/{n}"}) for n in range(60)
                ]
                for stream in streams:
                    stream.end(body or None)
                bodies = await asyncio.gather(*(stream.read() for stream in streams))
                assert bodies == [body + b"/%d" % n for n in range(60)]
                # otherwise this test would not test anything
                assert any(stream._refusals for stream in streams)
            assert sorted(seen) == sorted(f"/{n}" for n in range(60))
            # refused requests are repeated in order
            late = [int(path[1:]) for path in seen[5:]]
            assert late == sorted(late)

    run(main())


@pytest.mark.interop
def test_more_requests_than_the_limit_of_node(run: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start, settings={"maxConcurrentStreams": 5})
            async with http2.connect(peer.origin) as session:
                streams = [
                    session.request({":method": "POST", ":path": "/echo"}) for _ in range(60)
                ]
                for number, stream in enumerate(streams):
                    stream.end(b"%d" % number)
                bodies = await asyncio.gather(*(stream.read() for stream in streams))
                assert bodies == [b"%d" % number for number in range(60)]

    run(main())


@asynccontextmanager
async def refusing(
    times: int, go_on: asyncio.Event | None = None
) -> AsyncIterator[tuple[str, list[tuple[int, bytes]]]]:
    """A server that refuses the first *times* requests, and then answers; and a record of them.

    With *go_on*, it answers when that is set.
    """
    seen: list[tuple[int, bytes]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = raw.RawPeer(reader, writer)
        await peer.bytes(24)
        peer.send(raw.settings(), raw.settings(ack=True))
        left = times
        while (got := await peer.frame()) is not None:
            if got.type == raw.PING:
                peer.send(raw.ping(got.payload, ack=True))
            if got.type == raw.DATA and got.payload:
                seen.append((got.stream_id, got.payload))
                peer.send(*(raw.window_update(n, len(got.payload)) for n in (0, got.stream_id)))
            if not got.ends_stream:
                continue
            if go_on is not None:
                await go_on.wait()
            if left:
                left -= 1
                peer.send(raw.rst_stream(got.stream_id, NGHTTP2_REFUSED_STREAM))
            else:
                peer.send(raw.headers(got.stream_id, [(":status", "200")], end_stream=True))
        await peer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
    finally:
        server.close()
        await server.wait_closed()


def test_the_body_is_sent_again(run: Run) -> None:
    """In the same pieces as they were written; writing continues on the new stream."""

    async def main() -> None:
        async with refusing(2) as (origin, seen), http2.connect(origin) as session:
            stream = session.request({":method": "POST"})
            assert stream.write("one, ")
            await session.ping()
            stream.end("two")
            assert (await stream.response())[":status"] == 200
            assert stream.id == 5
            bodies = {
                stream_id: b"".join(data for other, data in seen if other == stream_id)
                for stream_id in (1, 3, 5)
            }
            assert bodies == dict.fromkeys((1, 3, 5), b"one, two")

    run(main())


@pytest.mark.parametrize("reason", ["always", "large", "trailers"])
def test_what_cannot_be_sent_again_is_refused(run: Run, reason: str) -> None:
    """The caller gets an error that says that a retry is safe."""

    async def main() -> None:
        async with (
            refusing(1000 if reason == "always" else 1) as (origin, seen),
            http2.connect(origin) as session,
        ):
            stream = session.request({":method": "POST"}, wait_for_trailers=reason == "trailers")
            if reason == "trailers":
                stream.on("want_trailers", lambda: stream.send_trailers({"x": "y"}))
            stream.end(b"x" * 70_000 if reason == "large" else b"x")
            with pytest.raises(http2.StreamError) as caught:
                await stream.response()
            assert caught.value.retryable
            assert caught.value.error_code == NGHTTP2_REFUSED_STREAM
            if reason == "always":
                assert len({stream_id for stream_id, _ in seen}) == 6

    run(main())


def test_a_refused_request_that_was_cancelled_is_not_sent_again(run: Run) -> None:
    async def main() -> None:
        go_on = asyncio.Event()
        async with refusing(1, go_on) as (origin, seen), http2.connect(origin) as session:
            stream = session.request({":method": "POST"})
            stream.end("order")
            await eventually(lambda: bool(seen))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await stream.response()
            go_on.set()
            await session.ping()
            await session.ping()
            assert {stream_id for stream_id, _ in seen} == {1}

    run(main())
