"""A client that resets its connection during large responses: one line in the log."""

from __future__ import annotations

import asyncio
import logging

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import serving

STREAMS = 20


def test_one_line_for_a_connection(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        ended = asyncio.Semaphore(0)

        def large(stream: http2.ServerHttp2Stream) -> None:
            stream.on("close", ended.release)
            stream.respond()
            stream.end(bytes(200_000))  # in total, less than half of max_session_memory

        async with serving(large) as (_, port):
            for _ in range(3):
                peer = await RawPeer.connect(port)
                for number in range(STREAMS):
                    peer.send(raw.headers(2 * number + 1, raw.request_fields(), end_stream=True))
                    peer.send(raw.window_update(2 * number + 1, 1 << 30))
                peer.send(raw.window_update(0, 1 << 30))
                await peer.flush()
                await peer.until(raw.DATA)
                await peer.abort()
                for _ in range(STREAMS):
                    await ended.acquire()

    run(main())
    assert len(caplog.records) <= 3, caplog.text
    assert "socket.send() raised" not in caplog.text


def test_what_a_client_resets_after_the_whole_answer(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """As curl ends an upload that was answered early: nothing is missing."""
    caplog.set_level(logging.INFO)

    async def main() -> None:
        errors: list[http2.StreamError] = []
        closed = asyncio.Semaphore(0)

        def refuse(stream: http2.ServerHttp2Stream) -> None:
            if stream.id == 3:
                stream.on("error", errors.append)
            stream.on("close", closed.release)
            stream.respond({":status": 413}, end_stream=True)

        async with serving(refuse) as (_, port):
            peer = await RawPeer.connect(port)
            for stream_id in (1, 3):
                peer.send(raw.headers(stream_id, raw.request_fields(method="POST")))
                await peer.until(raw.HEADERS)
                peer.send(raw.rst_stream(stream_id, 1))
                await closed.acquire()
            await peer.abort()
        assert [error.error_code for error in errors] == [1]

    run(main())
    assert not caplog.records
