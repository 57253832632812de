"""Define `Carrier`: an `asyncio.Transport` over another pair of read and write functions.

`PairCarrier` is one over an asyncio ``(reader, writer)`` pair; `http2.tunnels` has those
over streams of this library.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

__all__ = ["READ_SIZE", "Carrier", "PairCarrier"]

READ_SIZE = 65536


class Carrier(asyncio.Transport, ABC):
    """A transport over an object that is read with ``read(n)`` and written with ``write``.

    A task of its own reads and feeds the protocol. Writing is paused while ``drain`` waits.
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
        """Call the protocol's ``connection_made``, and start the task that reads."""
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
                        # for a session, the end of its stream is the loss of its connection
                        error = ConnectionResetError(str(failure))
                        error.__cause__ = failure
                break
            if not data:
                if not self._closing:
                    self._protocol.eof_received()
                break
            # bytes received while closing are read, to see the end, and dropped
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
        """Pause reading; flow control then holds the peer back."""
        self._readable.clear()

    def resume_reading(self) -> None:
        """Resume reading."""
        self._readable.set()

    def is_reading(self) -> bool:
        """Return whether received bytes are passed to the protocol."""
        return self._readable.is_set() and not self._closing

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the current protocol."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the protocol with *protocol*, an `asyncio.BufferedProtocol`."""
        self._protocol = cast("asyncio.BufferedProtocol", protocol)

    # --- writing ------------------------------------------------------------------------

    @abstractmethod
    def _put(self, data: bytes | bytearray | memoryview) -> bool:
        """Write *data*; return False if the caller must pause until `_drain` returns."""

    @abstractmethod
    async def _drain(self) -> None:
        """Wait until writing may continue; raise the error that ended the connection."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write *data*; closed carriers ignore it."""
        if self._closing:
            return
        if not self._put(data) and self._draining is None:
            self._protocol.pause_writing()
            self._draining = self._loop.create_task(self._wait_drained())

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write each buffer of *list_of_data*."""
        for data in list_of_data:
            self.write(data)

    def can_write_eof(self) -> bool:
        """Return whether `write_eof` is supported."""
        return False

    async def _wait_drained(self) -> None:
        try:
            await self._drain()
        except Exception:
            return  # `_feed` reports the error
        finally:
            self._draining = None
        if not self._closing:
            self._protocol.resume_writing()

    # --- closing ------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Return whether the carrier is closing or closed."""
        return self._closing

    @abstractmethod
    def _finish(self) -> None:
        """Close the underlying connection after the written data."""

    @abstractmethod
    def _break(self) -> None:
        """Close the underlying connection at once; unsent data is lost."""

    def close(self) -> None:
        """Send the queued data, then close."""
        if not self._closing:
            self._closing = True
            self._readable.set()
            self._finish()

    def abort(self) -> None:
        """Close at once; unsent data is lost."""
        self._closing = True
        self._break()
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        """Stop reading, and call the protocol's ``connection_lost`` once, in the next turn."""
        if self._lost:
            return
        self._lost = True
        for task in (self._pump, self._draining):
            if task is not None:
                task.cancel()
        self._loop.call_soon(self._protocol.connection_lost, error)


class PairCarrier(Carrier):
    """A carrier over an asyncio ``(reader, writer)`` pair."""

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
        """Return whether the writer supports it: asyncio's TLS does not."""
        return self._writer.can_write_eof()

    def write_eof(self) -> None:
        """End this side of the connection after the written data."""
        if not self._closing:
            self._writer.write_eof()

    def _finish(self) -> None:
        self._writer.close()

    def _break(self) -> None:
        self._writer.transport.abort()

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the writer has not sent."""
        return self._writer.transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """Return information of the writer's transport."""
        return self._writer.get_extra_info(name, default)
