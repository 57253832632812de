"""Sessions for tests: those of a server in order, and hand-written servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import http2

from . import raw
from .raw import RawPeer


@asynccontextmanager
async def raw_server(
    script: Callable[[RawPeer], Awaitable[None]],
) -> AsyncIterator[str]:
    """A hand-written server: *script* gets each connection, after the exchange of SETTINGS."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = RawPeer(reader, writer)
        try:
            await reader.readexactly(len(raw.PREFACE))
            peer.send(raw.settings(), raw.settings(ack=True))
            await script(peer)
            await peer.rest()
        finally:
            await peer.close()
            done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await done.wait()


def response(stream_id: int, *more: tuple[str, str]) -> bytes:
    """Return a whole response."""
    return raw.headers(stream_id, [(":status", "200"), *more], end_stream=True)


class Sessions:
    """The sessions of a server, in the order in which they begin."""

    def __init__(self, server: http2.Http2Server) -> None:
        self._queue: asyncio.Queue[http2.ServerHttp2Session] = asyncio.Queue()
        server.on("session", self._queue.put_nowait)

    async def next(self) -> http2.ServerHttp2Session:
        """Return the next one."""
        return await self._queue.get()


def refused(code: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Check that *function* raises the error *code*."""
    with pytest.raises(http2.Http2Error) as failure:
        function(*args, **kwargs)
    assert failure.value.code == code
