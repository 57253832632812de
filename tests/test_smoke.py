"""The shortest path through everything: client and server of this library, on both loops."""

from __future__ import annotations

from typing import Any

import pytest

import http2

from .support.running import Run


@pytest.mark.row(
    "module.create_server", "module.connect", "module.Http2Server", "module.ClientHttp2Session"
)
def test_hello_world(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()

        @server.on("stream")
        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            stream.respond({"content-type": "text/plain"})
            stream.end(f"{headers[':method']} {headers[':path']}")

        await server.listen(0, "127.0.0.1")
        _, port = server.address()
        async with http2.connect(f"http://127.0.0.1:{port}") as session:
            stream = session.request({":path": "/hello"})
            headers: Any = await stream.response()
            assert headers[":status"] == 200
            assert headers["Content-Type"] == "text/plain"
            assert await stream.read() == b"GET /hello"
        await server.close()

    run(main())
