"""A request that is closed in the same turn of the loop in which it was made."""

from __future__ import annotations

from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM

from ..support.running import Run


@pytest.mark.parametrize("code", [NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM])
def test_close_before_the_request_went_out(run: Run, code: int) -> None:
    """It ends with the code it was closed with; the server never gets it."""

    async def main() -> None:
        server = http2.create_server()
        paths: list[str] = []

        @server.on("stream")
        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            paths.append(headers[":path"])
            stream.end("hello")

        await server.listen(0, "127.0.0.1")
        port = server.address()[1]
        async with http2.connect(f"http://127.0.0.1:{port}") as session:
            stream = session.request({":method": "POST", ":path": "/never"})
            errors: list[Any] = []
            stream.on("error", errors.append)
            stream.write("half a")
            await stream.close(code)
            assert stream.destroyed
            assert stream.rst_code == code
            with pytest.raises(http2.StreamError) as caught:
                await stream.read()
            assert caught.value.error_code == code
            told = [] if code == NGHTTP2_CANCEL else [code]
            assert [error.error_code for error in errors] == told
            # the session still works
            assert await session.request({":path": "/next"}).read() == b"hello"
        await server.close()
        assert paths == ["/next"]

    run(main())
