"""A TCP proxy inside the test, which delays or drops data."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Proxy:
    """Forwards connections to a port of loopback.

    *delay* is the time in seconds for every byte, in each direction; any number of bytes may be on
    their way. After `swallow` no more data arrives, and neither side gets an error, as with a
    firewall that has dropped a connection.
    """

    def __init__(self, port: int, delay: float) -> None:
        self._target = port
        self._delay = delay
        self._swallowing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    def swallow(self) -> None:
        """From now on nothing arrives at either end."""
        self._swallowing = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target, limit=2**20)
        self._writers += [writer, back]
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.ensure_future(self._forward(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        waiting: deque[tuple[float, bytes]] = deque()

        def deliver() -> None:
            _, data = waiting.popleft()
            if not self._swallowing and not sink.transport.is_closing():
                if data:
                    sink.write(data)
                else:
                    sink.close()
            if waiting:
                loop.call_at(waiting[0][0], deliver)

        while True:
            try:
                data = await source.read(2**20)
            except ConnectionError:
                data = b""
            waiting.append((loop.time() + self._delay, data))
            if len(waiting) == 1:
                loop.call_at(waiting[0][0], deliver)
            if not data:
                return

    async def close(self) -> None:
        """End every connection."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(self._delay)


@asynccontextmanager
async def proxied(port: int, delay: float = 0) -> AsyncIterator[Proxy]:
    """A `Proxy` to *port*, closed at the end of the block."""
    proxy = Proxy(port, delay)
    server = await asyncio.start_server(proxy._accept, "127.0.0.1", 0, limit=2**20)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
