"""A server that answers before it has the whole body (RFC 9113 section 8.1)."""

from __future__ import annotations

from typing import Any

import pytest

import http2

from ..support.running import Run


def test_writer_is_told_and_answer_is_read(run: Run) -> None:
    """A caller that waits in drain() gets an error, and the answer can still be read."""

    async def main() -> None:
        server = http2.create_server()

        @server.on("stream")
        async def refuse(stream: http2.ServerHttp2Stream) -> None:
            await stream.readexactly(100_000)
            stream.respond({":status": 413})
            stream.end("too much")
            stream.close()

        await server.listen(0, "127.0.0.1")
        port = server.address()[1]
        async with http2.connect(f"http://127.0.0.1:{port}") as session:
            stream = session.request({":method": "POST"})

            async def upload() -> None:
                while True:
                    stream.write(bytes(65536))
                    await stream.drain()

            with pytest.raises(http2.StreamError) as caught:
                await upload()
            assert caught.value.error_code == http2.constants.NGHTTP2_NO_ERROR
            # and it stays so
            with pytest.raises(http2.StreamError):
                await stream.drain()
            with pytest.raises(http2.Http2Error) as late:
                stream.write(b"more")
            assert late.value.code == "ERR_HTTP2_INVALID_STREAM"
            headers: Any = await stream.response()
            assert headers[":status"] == 413
            assert await stream.read() == b"too much"
            assert stream.destroyed
        await server.close()

    run(main())
