"""Count living objects of the library, and make many requests."""

from __future__ import annotations

import gc
from collections import Counter

import http2

KINDS = ("ClientHttp2Session", "ServerHttp2Session", "ClientHttp2Stream", "ServerHttp2Stream",
         "Connection", "Headers", "SessionProtocol", "ServerProtocol")  # fmt: skip


def counts() -> Counter[str]:
    gc.collect()
    return Counter(
        kind for kind in (type(obj).__name__ for obj in gc.get_objects()) if kind in KINDS
    )


def handler(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    stream.respond({"content-type": "text/plain"})
    stream.end("hello")


async def fetch(session: http2.ClientHttp2Session) -> None:
    stream = session.request({":path": "/"})
    assert (await stream.response())[":status"] == 200
    assert await stream.read() == b"hello"
