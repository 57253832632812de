"""What Node's streams do in small matters: who may write, what is queued, who hears of the end."""

from __future__ import annotations

import asyncio

import pytest

import http2

from . import raw
from .conftest import Run
from .raw import RawPeer
from .serving import eventually, hello, serving


@pytest.mark.parametrize("method", ["HEAD", "GET", "DELETE"])
def test_no_body_can_be_written_where_there_is_none(run: Run, method: str) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port):
            session = http2.connect(f"http://127.0.0.1:{port}")
            # before the connection is established, and after
            for _ in range(2):
                stream = session.request({":method": method})
                for call in (stream.write, stream.end):
                    with pytest.raises(http2.Http2Error) as caught:
                        call("data")
                    assert caught.value.code == "ERR_STREAM_WRITE_AFTER_END"
                stream.end()
                assert await stream.read() == (b"" if method == "HEAD" else b"hello")
                await stream.close()
            # what says that there is a body has one
            stream = session.request({":method": method}, end_stream=False)
            stream.write("da")
            stream.end("ta")
            await stream.read()
            await session.close()

    run(main())


def test_what_waits_is_counted(run: Run) -> None:
    async def main() -> None:
        async def read_late(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            await proceed.wait()
            await stream.read()
            stream.end("done")

        proceed = asyncio.Event()
        async with serving(read_late, settings={"max_concurrent_streams": 1}) as (_, port):
            session = http2.connect(f"http://127.0.0.1:{port}")
            # for the connection
            first = session.request({":method": "POST"})
            assert first.writable_length == first.buffer_size == 0
            first.write(bytes(1000))
            first.write("caf\xe9")
            assert first.writable_length == first.buffer_size == 1005
            dropped = session.request({":method": "POST"})
            dropped.write(bytes(1000))
            dropped.close()
            assert dropped.writable_length == 0
            # for the peer's window
            await session
            await eventually(lambda: not session.pending_settings_ack)
            first.write(bytes(100_000))
            await eventually(lambda: first.writable_length == 101_005 - 65_535)
            assert first.buffer_size == first.writable_length
            # for its turn
            second = session.request({":method": "POST"})
            second.write(bytes(1000))
            await asyncio.sleep(0.01)
            assert second.writable_length == second.buffer_size == 1000
            proceed.set()
            for stream in (first, second):
                stream.end()
                assert await stream.read() == b"done"
                assert stream.writable_length == stream.buffer_size == 0
            await session.close()

    run(main())


def test_what_waits_for_the_socket_is_counted(run: Run) -> None:
    async def main() -> None:
        streams: list[http2.ServerHttp2Stream] = []
        size = 20_000_000

        def answer(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            stream.write(bytes(size))
            streams.append(stream)

        async with serving(answer, max_session_memory=100) as (_, port):
            peer = await RawPeer.connect(port, values={4: 2**31 - 1})
            peer.send(raw.window_update(0, 2**31 - 1 - 65_535), raw.get())
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await eventually(lambda: bool(streams))
            [stream] = streams
            await eventually(lambda: stream._session._write_paused)
            assert 0 < stream.writable_length < size
            assert stream.buffer_size == stream.writable_length
            await peer.abort()

    run(main())
