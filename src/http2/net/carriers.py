"""`Carrier`: an `asyncio.Transport` over something that is read and written otherwise.

`PairCarrier` is one over an asyncio ``(reader, writer)`` pair; `http2.tunnels` has those
over streams of this library.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    pass

__all__ = ["READ_SIZE", "Carrier", "PairCarrier"]

READ_SIZE = 65536


class Carrier(asyncio.Transport, ABC):
    """A transport over something that is read with ``read(n)`` and written with ``write``.

    Feeds its protocol from a task of its own, pauses its writing while ``drain`` waits.
    """

    _draining: asyncio.Task[None] | None = None
    _closing = False
    _lost = False

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BufferedProtocol,
        read: Callable[[int], Awaitable[bytes]],
    ) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._read = read
        self._readable = asyncio.Event()
        self._readable.set()
        self._pump: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Call ``connection_made`` of the protocol, and pass data to it from now on."""
        self._protocol.connection_made(self)
        if not self._lost:
            self._pump = self._loop.create_task(self._feed())

    # --- reading ------------------------------------------------------------------------

    async def _feed(self) -> None:
        error: Exception | None = None
        while True:
            await self._readable.wait()
            try:
                data = memoryview(await self._read(READ_SIZE))
            except Exception as failure:
                if not self._closing:
                    error = failure
                    if not isinstance(failure, OSError):
                        # a stream that ends under a session is what a broken connection is
                        error = ConnectionResetError(str(failure))
                        error.__cause__ = failure
                break
            if not data:
                if not self._closing:
                    self._protocol.eof_received()
                break
            # what comes while we close is read, so that the end is seen, and dropped
            while data and not self._closing:
                room = cast("memoryview", self._protocol.get_buffer(len(data)))
                size = min(len(data), len(room))
                room[:size] = data[:size]
                self._protocol.buffer_updated(size)
                data = data[size:]
        self._pump = None
        self.close()
        self._lose(error)

    def pause_reading(self) -> None:
        """Take no more bytes for now; flow control then holds the other side back."""
        self._readable.clear()

    def resume_reading(self) -> None:
        """Go on reading."""
        self._readable.set()

    def is_reading(self) -> bool:
        """Whether bytes are taken."""
        return self._readable.is_set() and not self._closing

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whom the bytes go to."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let the bytes go to *protocol*, an `asyncio.BufferedProtocol`."""
        self._protocol = cast("asyncio.BufferedProtocol", protocol)

    # --- writing ------------------------------------------------------------------------

    @abstractmethod
    def _put(self, data: bytes | bytearray | memoryview) -> bool:
        """Write *data*; False when what is below wants a rest."""

    @abstractmethod
    async def _drain(self) -> None:
        """Wait until what is below has had its rest; raises what has ended it."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hand *data* on."""
        if self._closing:
            return
        if not self._put(data) and self._draining is None:
            self._protocol.pause_writing()
            self._draining = self._loop.create_task(self._wait_drained())

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Hand all of them on."""
        for data in list_of_data:
            self.write(data)

    def can_write_eof(self) -> bool:
        """Whether what is below can end one side alone."""
        return False

    async def _wait_drained(self) -> None:
        try:
            await self._drain()
        except Exception:
            return  # the reading side tells of it
        finally:
            self._draining = None
        if not self._closing:
            self._protocol.resume_writing()

    # --- ends ---------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Whether the connection is being closed, or is."""
        return self._closing

    @abstractmethod
    def _finish(self) -> None:
        """End what is below, after all that was written."""

    @abstractmethod
    def _break(self) -> None:
        """End what is below at once."""

    def close(self) -> None:
        """Send what is queued, then close."""
        if not self._closing:
            self._closing = True
            self._readable.set()
            self._finish()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._break()
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        """The connection is over: stop reading and tell the protocol, once, in the next turn."""
        if self._lost:
            return
        self._lost = True
        for task in (self._pump, self._draining):
            if task is not None:
                task.cancel()
        self._loop.call_soon(self._protocol.connection_lost, error)


class PairCarrier(Carrier):
    """Over an asyncio ``(reader, writer)`` pair."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BufferedProtocol,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        super().__init__(loop, protocol, reader.read)
        self._writer = writer

    def _put(self, data: bytes | bytearray | memoryview) -> bool:
        transport = self._writer.transport
        self._writer.write(data)
        return transport.get_write_buffer_size() <= transport.get_write_buffer_limits()[1]

    async def _drain(self) -> None:
        await self._writer.drain()

    def can_write_eof(self) -> bool:
        """Whether the writer can end its side alone: over TLS the loops' can't."""
        return self._writer.can_write_eof()

    def write_eof(self) -> None:
        """End our side, behind what was written."""
        if not self._closing:
            self._writer.write_eof()

    def _finish(self) -> None:
        self._writer.close()

    def _break(self) -> None:
        self._writer.transport.abort()

    def get_write_buffer_size(self) -> int:
        """Bytes that the writer has still got."""
        return self._writer.transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """What the writer knows of its connection."""
        return self._writer.get_extra_info(name, default)
