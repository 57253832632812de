"""Define the carriers of a WebSocket: an HTTP/2 stream, or a connection that has left HTTP/1.1."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol, cast

from ..constants import NGHTTP2_CANCEL
from ..net.raw_socket import RawSocket
from ..streams.stream import Http2Stream

__all__ = ["Carrier", "Http1Carrier", "Http2Carrier", "Receiver"]

# Bytes queued for a socket above which writers must wait, as for an HTTP/2 stream.
HIGH_WATER = 64 * 1024
READ_SIZE = 64 * 1024
# Seconds that a server has to end its stream after the closing handshake.
PATIENCE = 0.2


class Receiver(NamedTuple):
    """The receiver of a carrier's data and events."""

    received: Callable[[bytes], None]
    """Process received bytes."""
    writable: Callable[[], None]
    """Handle an empty queue: the waiting data was sent."""
    ended: Callable[[], None]
    """Handle the end of the peer's data."""
    lost: Callable[[BaseException | None], None]
    """Handle the end of the carrier; called once."""


class Carrier(Protocol):
    """The interface of a WebSocket's carrier."""

    def begin(self, receiver: Receiver) -> None:
        """Pass received data to *receiver* from now on."""

    def write(self, data: bytes | bytearray) -> bool:
        """Send *data*; after False, wait for `drain`. Raises if it cannot be sent."""

    async def drain(self) -> None:
        """Wait until `write` may continue; raise if it never may."""

    def pause(self) -> None:
        """Pass no data until `resume`; the peer is held back."""

    def resume(self) -> None:
        """Pass data again."""

    def end(self, clean: bool, first: bool) -> None:
        """End this side after the written data.

        *clean*: the peer has ended too; *first*: this side began the closing handshake.
        """

    def abort(self) -> None:
        """End it at once."""


class Http2Carrier:
    """An HTTP/2 stream, whose windows hold the peer back (RFC 8441 section 5)."""

    def __init__(self, stream: Http2Stream, *, client: bool = False) -> None:
        self._stream = stream
        self._client = client
        self._error: BaseException | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, receiver: Receiver) -> None:
        """See `Carrier`."""
        stream = self._stream
        if stream.destroyed:
            # the stream is closed already, and will not emit `close` again
            asyncio.get_running_loop().call_soon(receiver.lost, None)
            return

        def failed(error: BaseException) -> None:
            self._error = error

        def closed() -> None:
            if self._timer is not None:
                self._timer.cancel()
            receiver.lost(self._error)

        stream.on("error", failed)
        stream.on("close", closed)
        stream.on("drain", receiver.writable)
        stream.on("end", receiver.ended)
        stream.on("data", receiver.received)

    def write(self, data: bytes | bytearray) -> bool:
        """See `Carrier`."""
        return self._stream.write(data)

    async def drain(self) -> None:
        """See `Carrier`."""
        await self._stream.drain()

    def pause(self) -> None:
        """See `Carrier`."""
        self._stream.pause()

    def resume(self) -> None:
        """See `Carrier`."""
        self._stream.resume()

    def end(self, clean: bool, first: bool) -> None:
        """Send END_STREAM, which is to a stream what FIN is to TCP."""
        stream = self._stream
        if self._client and clean and first and not stream.readable_ended:
            # RFC 6455 section 7.1.1: the server ends first. Hypercorn does not, and its side ends
            # only when it is reset.
            stream.once("end", stream.end)
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self.abort)
        else:
            stream.end()

    def abort(self) -> None:
        """Send RST_STREAM with CANCEL, which is to a stream what RST is to TCP."""
        self._stream.close(NGHTTP2_CANCEL)


class Http1Carrier:
    """A connection that has left HTTP/1.1 with status 101; it is closed after the WebSocket."""

    def __init__(self, socket: RawSocket) -> None:
        self._socket = socket
        self._writer = socket.writer
        self._transport = cast("asyncio.Transport", socket.writer.transport)
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._resumed = asyncio.Event()
        self._resumed.set()
        # whether data comes from the transport, without the reader
        self._direct = False
        self._ended = False

    def begin(self, receiver: Receiver) -> None:
        """See `Carrier`."""
        self._receiver = receiver
        self._task = self._loop.create_task(self._read(receiver))

    async def _read(self, receiver: Receiver) -> None:
        error: BaseException | None = None
        reader = self._socket.reader
        try:
            # the reader, and a turn of the loop, only for the first data: later, for the end
            while data := await reader.read(READ_SIZE):
                if len(data) < READ_SIZE:
                    self._direct = True
                    self._socket.divert(receiver.received)
                receiver.received(data)
                await self._resumed.wait()
            await self._resumed.wait()
        except OSError as failure:
            error = failure
        else:
            receiver.ended()
        if error is not None or self._ended:
            self._writer.close()
        try:
            # until the WebSocket has closed the connection
            await self._writer.wait_closed()
        except OSError as failure:
            error = error or failure
        if self._draining is not None:
            self._draining.cancel()
        receiver.lost(error)

    def write(self, data: bytes | bytearray) -> bool:
        """See `Carrier`."""
        transport = self._transport
        if transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        transport.write(data)
        if transport.get_write_buffer_size() < HIGH_WATER:
            return True
        if self._draining is None:
            self._draining = self._loop.create_task(self._drained())
        return False

    async def _drained(self) -> None:
        try:
            await self._writer.drain()
        except OSError:
            return  # the task that reads reports the error
        finally:
            self._draining = None
        self._receiver.writable()

    async def drain(self) -> None:
        """See `Carrier`."""
        await self._writer.drain()

    def pause(self) -> None:
        """See `Carrier`."""
        self._resumed.clear()
        if self._direct and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """See `Carrier`."""
        self._resumed.set()
        if self._direct and not self._transport.is_closing():
            self._transport.resume_reading()

    def end(self, clean: bool, first: bool) -> None:
        """Close the connection; while the peer may still send, only this side of it.

        Closing a socket with unread bytes causes a reset, which discards sent data.
        """
        self._ended = True
        if clean or self._task is None or self._task.done() or self._socket.reader.at_eof():
            self._writer.close()
        elif not self._writer.is_closing() and self._writer.can_write_eof():
            self._writer.write_eof()

    def abort(self) -> None:
        """Close the connection; data that the peer has not read is lost."""
        self._resumed.set()
        self._ended = True
        self._socket.destroy()
