"""A deadline around a server's graceful close: the remaining sessions are destroyed."""

from __future__ import annotations

import asyncio

import pytest

import http2

from ..support.running import Run


def test_deadline_around_a_server(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()

        @server.on("stream")
        def never_ends(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            stream.write("x")

        await server.listen(0, "127.0.0.1")
        session = await http2.connect(f"http://127.0.0.1:{server.address()[1]}")
        stream = session.request()
        assert await stream.read(1) == b"x"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), server:
                pass
        with pytest.raises(http2.Http2Error):
            await stream.read()
        await session.close()
        await server.close()
        assert not server._sessions

    run(main())
