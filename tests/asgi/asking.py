"""Serve ASGI applications on free ports, and request from them with curl."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import websockets

import http2
import http2.asgi

from ..support.running import execute
from ..support.serving import listening

VERSIONS = {"2": "--http2-prior-knowledge", "1.1": "--http1.1"}


@dataclass
class Answer:
    """A response, as received by curl."""

    status: int
    raw: list[tuple[str, str]]
    body: bytes
    # status lines and fields of 1xx responses
    informational: list[tuple[int, list[tuple[str, str]]]]

    @property
    def headers(self) -> dict[str, str]:
        """The fields by their lower-case names; of a repeated name, the last value."""
        return dict(self.raw)

    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)


def head_of(block: bytes) -> tuple[int, list[tuple[str, str]]]:
    """Return the status and the fields, with lower-case names, of a response's head."""
    first, *lines = block.decode("latin-1").split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    return int(first.split()[1]), [(name.lower(), value) for name, _, value in pairs]


async def ask(
    url: str, *options: str, version: str = "2", stdin: bytes | None = None, path: str = "/"
) -> Answer:
    """Request *url* with curl."""
    out = await execute(
        "curl", "-skig", "--max-time", "20", VERSIONS[version], *options, url + path, stdin=stdin
    )
    informational = []
    while True:
        block, _, out = out.partition(b"\r\n\r\n")
        status, raw = head_of(block)
        if status >= 200:
            return Answer(status, raw, out, informational)
        informational.append((status, raw))


@asynccontextmanager
async def handling(app: Any, **options: Any) -> AsyncIterator[tuple[http2.asgi.Handler, str]]:
    """Serve *app* in the clear with `Handler`; yield the handler and the server's URL."""
    handler = http2.asgi.Handler(app, **options)
    async with listening(http2.create_server(handler, allow_http1=True)) as port:
        yield handler, f"http://127.0.0.1:{port}"
    await handler.finish(5)
    assert not handler._tasks


def port_of(url: str) -> int:
    """Return the port in *url*."""
    return int(url.rpartition(":")[2])


@asynccontextmanager
async def opened(url: str, version: str, path: str = "/", **options: Any) -> AsyncIterator[Any]:
    """Open a WebSocket: over HTTP/2 with this library, over HTTP/1.1 with `websockets`."""
    url = url.replace("http", "ws") + path
    if version == "2":
        async with http2.connect_websocket(url, **options) as ws:
            yield ws
    else:
        async with websockets.connect(url, proxy=None, **options) as theirs:
            yield theirs
