"""WebSocket echo, over HTTP/2 and, with ``--http1``, over HTTP/1.1."""

from typing import Any

import http2
from benchmarks.programs.serving import serve


async def echo(request: Any) -> None:
    """Send every message back."""
    async with http2.accept_websocket(request) as ws:
        async for message in ws:
            await ws.send(message)


def page(request: Any, response: Any) -> None:
    """Answer requests that are not for a WebSocket."""
    response.end(b"Hello World")


def attach(server: Any) -> None:
    """Take WebSockets of both protocols."""
    server.on("request", page)
    server.on("connect", echo)
    server.on("upgrade", echo)


if __name__ == "__main__":
    serve(attach, settings={"enable_connect_protocol": True})
