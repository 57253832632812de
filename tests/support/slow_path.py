"""A slow path to a server: a relay that forwards little at a time, and reads no faster."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Bytes that the relay's socket accepts in advance: further ones wait in the sender's kernel.
ROOM = 16 * 1024
# The bytes that it forwards at a time, and the seconds between two of them.
PIECE = 16 * 1024
PAUSE = 0.02


class Relay:
    """Forwards to *port*; data from there, or to there if *upwards*, is slow."""

    def __init__(self, port: int, *, upwards: bool) -> None:
        self._target = port
        self._upwards = upwards
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward a connection until it ends."""
        task = asyncio.ensure_future(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = socket.socket()
        if not self._upwards:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._target))
        there, back = await asyncio.open_connection(sock=sock, limit=PIECE)
        slow, fast = ((reader, back), (there, writer)) if self._upwards else (
            (there, writer), (reader, back)
        )  # fmt: skip
        try:
            await asyncio.gather(self._pass_on(*slow, PAUSE), self._pass_on(*fast, 0))
        finally:
            for end in (back, writer):
                end.transport.abort()

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, pause: float
    ) -> None:
        # A reset at one end resets the other, so that lost data is noticed.
        try:
            while data := await source.read(PIECE):
                sink.write(data)
                await sink.drain()
                await asyncio.sleep(pause)
            sink.write_eof()
        except OSError:
            sink.transport.abort()

    async def close(self) -> None:
        """End every connection."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the next turn


@asynccontextmanager
async def slowed(port: int, *, upwards: bool = False) -> AsyncIterator[int]:
    """The port of a `Relay` to *port*, closed at the end of the block."""
    relay = Relay(port, upwards=upwards)
    listener = socket.socket()
    if upwards:
        # accepted sockets inherit this
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(relay.accept, sock=listener, limit=PIECE)
    try:
        yield listener.getsockname()[1]
    finally:
        server.close()
        await relay.close()
