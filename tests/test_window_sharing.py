"""Streams that nobody reads hold back themselves, and not the others on their connection."""

from __future__ import annotations

from typing import Any

import pytest

import http2

from .conftest import Run


@pytest.mark.parametrize("held", [20_000, 40_000, 60_000])
def test_streams_do_not_hold_each_other_up(run: Run, held: int) -> None:
    """With more than half of the connection's window unread, the rest still goes round."""

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
        # in windows that stay as they are: larger ones would hide what this is about
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
