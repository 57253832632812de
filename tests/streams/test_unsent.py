"""A body that was not sent completely is not finished, whatever the code of the reset."""

from __future__ import annotations

from typing import Any

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import STREAM_EVENTS, Events, serving

SIZE = 300_000


@pytest.mark.row("duplex.writable_finished")
def test_an_upload_that_the_server_wants_no_more_of(run: Run) -> None:
    async def main() -> None:
        def answer(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            stream.end("enough")

        events = Events()
        async with (
            serving(answer) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request({":method": "POST"})
            events.listen(stream, *STREAM_EVENTS)
            stream.end(bytes(SIZE))
            assert await stream.read() == b"enough"
            await events.expect("close")
            assert events.names == ["end", "close"]
            assert not stream.writable_finished

    run(main())


@pytest.mark.row("duplex.writable_finished")
@pytest.mark.parametrize("listening", [True, False])
def test_a_response_that_the_client_wants_no_more_of(run: Run, listening: bool) -> None:
    """With and without listeners: this is not the common end without listeners."""

    async def main() -> None:
        events = Events()
        streams: list[Any] = []

        def answer(stream: http2.ServerHttp2Stream) -> None:
            streams.append(stream)
            if listening:
                events.listen(stream, "finish", "close")
            stream.respond()
            stream.end(bytes(SIZE))

        async with serving(answer) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.get())
            await peer.until(raw.DATA, 1)
            peer.send(raw.rst_stream(1, 0))
            await peer.answered()
            assert streams[0].closed
            assert not streams[0].writable_finished
            assert events.names == (["close"] if listening else [])

    run(main())
