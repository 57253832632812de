"""A server for a test: it listens on loopback, and must leave nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import http2
from http2.common.emitter import EventEmitter

from . import raw
from .dialled import PATIENCE


class Events:
    """The events of emitters, in order: ``(event, arguments…)``; `expect` waits for one."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []
        self._changed = asyncio.Event()

    def add(self, *entry: Any) -> None:
        """Record an entry."""
        self.seen.append(entry)
        self._changed.set()

    def listen(self, emitter: EventEmitter, *names: str, prefix: str = "") -> None:
        """Record every event of *names* of *emitter*, under its name with *prefix*."""
        for name in names:
            emitter.on(name, lambda *args, name=name: self.add(prefix + name, *args))

    @property
    def names(self) -> list[str]:
        """The names alone."""
        return [entry[0] for entry in self.seen]

    async def expect(self, name: str, count: int = 1) -> tuple[Any, ...]:
        """Return the *count*-th entry with *name*; wait for it if necessary."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [entry for entry in self.seen if entry[0] == name]
                if len(found) >= count:
                    return found[count - 1]
                self._changed.clear()
                await self._changed.wait()


STREAM_EVENTS = ("aborted", "end", "error", "finish", "close")


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds, if no event reports it."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


@asynccontextmanager
async def listening(server: http2.Http2Server) -> AsyncIterator[int]:
    """Serve on a free port of loopback; at the end no connection may leave anything."""
    await server.listen(0, "127.0.0.1")
    port: int = server.address()[1]
    async with asyncio.timeout(50):
        async with server:
            yield port
    assert not server._sessions
    assert not server.open_connections.transports
    assert not server._tasks


@asynccontextmanager
async def serving(
    on_stream: Callable[..., Any] | None = None, **options: Any
) -> AsyncIterator[tuple[http2.Http2Server, int]]:
    """`listening`, for a server in the clear with one handler."""
    server = http2.create_server(**options)
    if on_stream is not None:
        server.on("stream", on_stream)
    async with listening(server) as port:
        yield server, port


def hello(stream: http2.ServerHttp2Stream) -> None:
    """The shortest handler."""
    stream.respond({"content-type": "text/plain"})
    stream.end("hello")


async def check_serves(port: int) -> None:
    """Check that another client is served."""
    async with await raw.RawPeer.connect(port) as peer:
        peer.send(raw.get())
        assert (await peer.until(raw.HEADERS, 1)).status == 200
        assert await peer.body(1) == b"hello"
