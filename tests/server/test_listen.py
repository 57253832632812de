"""The addresses of a server without a host: one port on every address."""

from __future__ import annotations

from typing import Any

import pytest

import http2

from ..support.running import Run
from ..support.serving import hello


@pytest.mark.row("server.listen", "server.address")
def test_every_address_has_the_same_port(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", hello)
        await server.listen()
        port = server.address()[1]
        for host in ("127.0.0.1", "[::1]"):
            async with http2.connect(f"http://{host}:{port}") as session:
                stream = session.request()
                headers: Any = await stream.response()
                assert headers[":status"] == 200
                assert await stream.read() == b"hello"
        await server.close()

    run(main())
