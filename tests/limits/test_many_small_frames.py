"""Peers that send very small frames, and settings that a server must not send."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import Any

import pytest

import http2
from http2.streams.parts.receiver import Receiver

from ..support.fed import Fed
from ..support.running import Run
from ..support.serving import hello


def test_many_chunks_are_not_moved_for_each(run_asyncio: Run) -> None:
    """With a list, reading a body of one-octet frames would take quadratic time."""

    async def main() -> None:
        stream = Fed()
        receiver = Receiver()
        for number in range(1000):
            receiver.receive(stream, b"%d" % (number % 10) * 5000, number == 999)
        assert await receiver.read(stream, 1) == b"0"
        assert isinstance(receiver.chunks, deque)
        whole = b"".join(b"%d" % number * 5000 for number in range(10)) * 100
        got = [await receiver.next_chunk(stream) for _ in range(1000)]
        assert b"".join(got) == whole[1:]
        assert stream.readable_ended

    run_asyncio(main())


def test_small_chunks_are_joined(run_asyncio: Run) -> None:
    """An unread frame of two octets must not need the memory of an object."""

    async def main() -> None:
        stream = Fed()
        receiver = Receiver()
        for number in range(32_000):
            receiver.receive(stream, b"%02d" % (number % 100), False)
        assert sum(sys.getsizeof(chunk) for chunk in receiver.chunks) < 1.1 * 64_000
        whole = b"".join(b"%02d" % (n % 100) for n in range(32_000))
        assert await receiver.read(stream, 64_000) == whole

    run_asyncio(main())


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pieces_of_many_small_chunks(run_asyncio: Run, size: int) -> None:
    async def main() -> None:
        stream = Fed()
        for number in range(500):
            stream.receive_data(b"%03d" % number, number == 499)
        got = b""
        while piece := await stream.read(size):
            assert len(piece) <= size
            got += piece
        assert got == b"".join(b"%03d" % number for number in range(500))

    run_asyncio(main())


def test_a_server_with_all_default_settings(run: Run) -> None:
    """ENABLE_PUSH=1 from a server would be a protocol error: it is not sent."""

    async def main() -> None:
        server = http2.create_server(settings=http2.get_default_settings())
        server.on("stream", hello)
        await server.listen(0, "127.0.0.1")
        async with http2.connect(f"http://127.0.0.1:{server.address()[1]}") as session:
            stream = session.request()
            headers: Any = await stream.response()
            assert headers[":status"] == 200
            assert await stream.read() == b"hello"
            assert session.remote_settings.initial_window_size == 65535
        await server.close()

    run(main())


@pytest.mark.parametrize("status", [99, "9", "abc", 200, 1000])
def test_status_of_an_informational_response(run_asyncio: Run, status: Any) -> None:
    async def main() -> None:
        raised: asyncio.Future[http2.Http2Error] = asyncio.get_running_loop().create_future()
        server = http2.create_server()

        @server.on("stream")
        def inform(stream: http2.ServerHttp2Stream) -> None:
            try:
                stream.additional_headers({":status": status})
            except http2.Http2Error as error:
                raised.set_result(error)
            stream.respond(end_stream=True)

        await server.listen(0, "127.0.0.1")
        async with http2.connect(f"http://127.0.0.1:{server.address()[1]}") as session:
            await session.request().response()
        assert (await raised).code == "ERR_HTTP2_INVALID_INFO_STATUS"
        await server.close()

    run_asyncio(main())
