"""Unread streams are held back, but not other streams of their connection."""

from __future__ import annotations

from typing import Any

import pytest

import http2

from ..support.buffers import unread
from ..support.running import Run
from ..support.serving import eventually, serving


@pytest.mark.parametrize("held", [20_000, 40_000, 60_000])
def test_streams_do_not_hold_each_other_up(run: Run, held: int) -> None:
    """With more than half of the connection's window unread, the rest is still used."""

    async def main() -> None:
        server = http2.create_server()

        @server.on("stream")
        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            stream.respond()
            if headers[":path"] == "/unread":
                stream.write(bytes(held))
            else:
                stream.end(bytes(300_000))

        await server.listen(0, "127.0.0.1")
        origin = f"http://127.0.0.1:{server.address()[1]}"
        # with fixed windows: larger ones would hide the effect
        async with http2.connect(origin, max_receive_window=0) as session:
            unread = session.request({":path": "/unread"})
            await unread.response()
            await session.ping()
            for _ in range(3):
                assert len(await session.request().read()) == 300_000
            state: Any = session.state
            assert state.effective_recv_data_length >= held
            assert state.effective_local_window_size == 65535
            unread.destroy()
        await server.close()

    run(main())


@pytest.mark.parametrize("read", [36_000, 49_000])
def test_what_was_read_is_missing_for_nobody(run: Run, read: int) -> None:
    """Less than half of the window was read, then another stream fills the rest, unread."""

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            stream.respond()
            stream.end(bytes(int(headers[":path"][1:])))

        async with serving(respond) as (_, port):
            origin = f"http://127.0.0.1:{port}"
            async with http2.connect(origin, max_receive_window=0) as session:
                session.set_local_window_size(100_000)
                assert len(await session.request({":path": f"/{read}"}).read()) == read
                held = session.request({":path": "/300000"})
                # all that its own window allows
                await eventually(lambda: unread(held) == 65535)
                for _ in range(3):
                    other = session.request({":path": "/200000"})
                    assert len(await other.read()) == 200_000
                assert unread(held) == 65535
                held.destroy()

    run(main())
