"""Make one hand-written request to the same handler, over either protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import http2

from . import http1, raw
from .http1 import Http1Peer
from .raw import RawPeer
from .serving import listening

PROTOCOLS = ["h2c", "http/1.1"]


@dataclass
class Told:
    """A response as far as it arrived: its status is 0 without one."""

    status: int = 0
    body: bytes = b""
    whole: bool = False
    """Whether it is complete."""


@asynccontextmanager
async def serving_both(
    handler: Callable[..., Any] | None = None, *, on_stream: Callable[..., Any] | None = None
) -> AsyncIterator[tuple[http2.Http2Server, int]]:
    """A server for both protocols."""
    server = http2.create_server(handler, allow_http1=True)
    if on_stream is not None:
        server.on("stream", on_stream)
    async with listening(server) as port:
        yield server, port


async def told(port: int, protocol: str, method: str = "GET", path: str = "/") -> Told:
    """Return the server's answer to a request without a body."""
    if protocol == "h2c":
        return await _told_h2(port, method, path)
    async with await Http1Peer.dial(port) as peer:
        peer.send(http1.request(method, path, connection="close"))
        head, _, body = (await peer.rest()).partition(b"\r\n\r\n")
        if not head:
            return Told()
        lines = head.decode().lower().split("\r\n")
        answer = Told(int(lines[0].split(" ")[1]), body)
        lengths = [line.split(": ")[1] for line in lines if line.startswith("content-length: ")]
        if method == "HEAD" or answer.status in (204, 304):
            answer.whole = True
        elif lengths:
            answer.whole = len(body) == int(lengths[0])
        else:
            answer.whole = body.endswith(b"0\r\n\r\n")
        return answer


async def _told_h2(port: int, method: str, path: str) -> Told:
    answer = Told()
    async with await RawPeer.connect(port) as peer:
        peer.send(raw.headers(1, raw.request_fields(method, path), end_stream=True))
        while True:
            frame = await peer.frame()
            assert frame is not None, peer.seen
            if frame.stream_id != 1:
                continue
            if frame.type == raw.HEADERS and not answer.status:
                answer.status = frame.status
            elif frame.type == raw.DATA:
                answer.body += frame.payload
            if frame.type == raw.RST_STREAM:
                return answer
            if frame.ends_stream:
                answer.whole = True
                return answer
