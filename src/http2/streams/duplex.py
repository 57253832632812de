"""Define `Duplex`: a Python stream and an emitter of Node's events.

The session fills the buffer of the reading side, and readers empty it:
``async for``, ``read``, ``readexactly``, or ``data`` listeners. The peer may send again as many
bytes as were read, so an application that does not read holds the peer
back. Back-pressure needs nothing else.
"""

from __future__ import annotations

import asyncio
import codecs
from typing import TYPE_CHECKING, Any, Self

from ..common.closing import Ending
from ..common.futures import fail, wait_among, wake
from ..errors import new_error
from .life import LIVE, Life
from .parts.read_buffer import ReadBuffer

if TYPE_CHECKING:
    from .keywords import Chunk

__all__ = ["Duplex"]


def as_buffer(data: Chunk, encoding: str = "utf-8") -> bytes | bytearray | memoryview:
    """Return *data* as an object with the buffer protocol; `str` is encoded."""
    if isinstance(data, (bytes, bytearray)):
        return data
    if isinstance(data, str):
        return data.encode(encoding)
    try:
        view = memoryview(data)
    except TypeError:
        raise new_error("ERR_INVALID_ARG_TYPE", "data", "a buffer or a str", data) from None
    # the memory behind a read-only view may still change
    return view if isinstance(view.obj, bytes) else bytes(view)


class Duplex(Ending):
    """A readable and writable stream of bytes."""

    # The state, from which all properties about progress are derived. It has no default in the
    # class, because CPython finds an instance attribute faster without one.
    life: Life

    # The error of reading, draining and waiting; set before the last waiter is woken.
    _error: BaseException | None = None
    error_seen = False

    # What was received and not read; None: nothing.
    _unread: ReadBuffer | None = None
    _did_read = False
    _flowing: bool | None = None
    _flow_scheduled = False
    _decoder: codecs.IncrementalDecoder | None = None
    _reader: asyncio.Future[None] | None = None
    # Callers that wait for the peer's last byte, read or unread.
    _end_waiters: list[asyncio.Future[None]] | None = None
    # Callers that wait in `drain`; None: `write` may continue.
    _drainers: list[asyncio.Future[None]] | None = None

    def __init__(self) -> None:
        self.life = LIVE

    # --- progress -----------------------------------------------------------------------

    @property
    def destroyed(self) -> bool:
        """Whether the stream can no longer be used."""
        return self.life.destroyed

    @property
    def readable_ended(self) -> bool:
        """Whether the reader has read the last byte and ``end`` has been emitted."""
        return self.life.readable_ended

    @property
    def writable_ended(self) -> bool:
        """Whether `end` was called; the last bytes may still be queued."""
        return self.life.writable_ended

    @property
    def writable_finished(self) -> bool:
        """Whether all written data, including the end, has been passed to the transport."""
        return self.life.writable_finished

    @property
    def told(self) -> bool:
        """Whether ``close`` was emitted, or is being emitted."""
        return self.life.told

    def _emit_close(self) -> None:
        if self.life.told:
            return
        self.life = self.life.on_tell
        try:
            self._tell_closed()
        finally:
            self.life = self.life.on_told

    # --- reading ----------------------------------------------------------------------

    @property
    def readable(self) -> bool:
        """Whether there are, or may still come, bytes to read."""
        life = self.life
        return not life.readable_ended and not life.destroyed

    def set_encoding(self, encoding: str = "utf-8") -> None:
        """Decode the body for ``data`` listeners and ``async for``, across chunk boundaries."""
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def _feed(self, data: bytes, end: bool) -> None:
        """Accept *data* from the peer; *end* says that these are its last bytes."""
        if data:
            if self._flowing and self._unread is None:
                self._taken(len(data))
                self._emit_data(data)
                if end:
                    self.life = self.life.on_peer_end
                    if self._end_waiters is not None:
                        self._wake_end_waiters()
                    self._after_take()
                return
            unread = self._unread
            if unread is None:
                self._unread = ReadBuffer(data)
            else:
                unread.append(data)
        if end:
            self.life = self.life.on_peer_end
            if self._end_waiters is not None:
                self._wake_end_waiters()
        if self._reader is not None:
            self._wake_reader()
        elif self._flowing:
            self._schedule_flow()

    def _emit_data(self, data: bytes) -> None:
        if self._decoder is not None:
            text = self._decoder.decode(data)
            if text:
                self.emit("data", text)
        else:
            self.emit("data", data)

    def _wake_reader(self) -> None:
        reader = self._reader
        if reader is not None:
            self._reader = None
            if not reader.done():
                reader.set_result(None)

    async def _wait_read_end(self) -> None:
        """Wait until the peer has sent its last byte; raises the stream's error."""
        if not self.life.read_ended:
            self._raise_error()
            if self._end_waiters is None:
                self._end_waiters = []
            self._watched = True
            await wait_among(self._end_waiters)
            if not self.life.read_ended:
                self._raise_error()

    def _wake_end_waiters(self) -> None:
        waiters, self._end_waiters = self._end_waiters, None
        wake(waiters, None)

    def _taken(self, size: int) -> None:
        """Handle *size* bytes that the application has read from the buffer."""

    def _after_take(self) -> None:
        """Check for the end when the buffer may have become empty."""
        life = self.life
        if life.read_ended and self._unread is None and not life.readable_ended:
            self.life = life.on_read
            if self._decoder is not None and self._flowing:
                rest = self._decoder.decode(b"", True)
                if rest:
                    self.emit("data", rest)
            self.emit("end")
            self._reading_ended()

    def _reading_ended(self) -> None:
        """Handle the end of reading: everything was read. Called once."""

    async def _wait_readable(self) -> None:
        if self._reader is not None and not self._reader.done():
            raise RuntimeError("another coroutine is already waiting to read this stream")
        # a cancelled reader that has not been removed yet does not count
        reader = self._reader = asyncio.get_running_loop().create_future()
        try:
            await reader
        finally:
            if self._reader is reader:
                self._reader = None

    def _raise_error(self) -> None:
        if self._error is not None:
            self.error_seen = True
            raise self._error
        if self.life.destroyed and not self.life.read_ended:
            raise new_error("ERR_STREAM_PREMATURE_CLOSE")

    def _take(self, n: int | None) -> bytes:
        """Remove and return at most *n* unread bytes, all for -1, the oldest chunk for None."""
        unread = self._unread
        assert unread is not None
        data = unread.pop() if n is None else unread.take(n)
        if not unread.size:
            self._unread = None
        self._taken(unread.unreported(len(data)) if unread.put_back else len(data))
        return data

    def _return_to_buffer(self, parts: list[bytes]) -> None:
        """Return the bytes of an incomplete read to the buffer, for the next reader."""
        data = b"".join(parts)
        if data:
            if self._unread is None:
                self._unread = ReadBuffer(b"")
                self._unread.chunks.clear()
            self._unread.give_back(data)

    async def read(self, n: int = -1) -> bytes:
        """Read at most *n* bytes, or to the end if *n* is negative.

        Returns ``b""`` at the end. Raises the stream's error if the body ended early. A
        read that is cancelled or raises loses nothing: the next read gets the bytes
        that had arrived.
        """
        self._did_read = True
        if n < 0 and self.life.read_ended and not self._watched:
            # the whole body has arrived, and nothing else needs to be notified
            data = b"" if self._unread is None else self._take(-1)
            life = self.life
            if not life.readable_ended:
                self.life = life.on_read
                self._reading_ended()
            return data
        if n == 0:
            return b""
        if n > 0:
            while self._unread is None:
                if self.life.read_ended:
                    self._after_take()
                    return b""
                self._raise_error()
                await self._wait_readable()
            data = self._take(n)
            self._after_take()
            return data
        parts: list[bytes] = []
        try:
            while True:
                if self._unread is not None:
                    parts.append(self._take(-1))
                if self.life.read_ended:
                    break
                self._raise_error()
                await self._wait_readable()
        except BaseException:
            self._return_to_buffer(parts)
            raise
        self._after_take()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def readexactly(self, n: int) -> bytes:
        """Read exactly *n* bytes; raise `asyncio.IncompleteReadError` if the body is shorter.

        If it is cancelled, or raises the stream's error, the next read gets the bytes that
        had arrived.
        """
        if n < 0:
            raise new_error("ERR_OUT_OF_RANGE", "n", ">= 0", n)
        self._did_read = True
        parts: list[bytes] = []
        left = n
        while left:
            try:
                data = await self.read(left)
            except BaseException:
                self._return_to_buffer(parts)
                raise
            if not data:
                raise asyncio.IncompleteReadError(b"".join(parts), n)
            parts.append(data)
            left -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __aiter__(self) -> Self:
        self._did_read = True
        return self

    async def __anext__(self) -> Any:
        while True:
            while self._unread is None:
                if self.life.read_ended:
                    rest = ""
                    if self._decoder is not None and not self.life.readable_ended:
                        rest = self._decoder.decode(b"", True)
                    self._after_take()
                    if rest:
                        return rest
                    raise StopAsyncIteration
                self._raise_error()
                await self._wait_readable()
            data = self._take(None)
            if self._decoder is None:
                if self._unread is None:
                    self._after_take()
                return data
            text = self._decoder.decode(data)
            if text:
                return text

    def pause(self) -> None:
        """Stop the ``data`` events; received data is kept, and the peer is held back."""
        self._flowing = False

    def resume(self) -> None:
        """Start the ``data`` events; without a listener the data is discarded."""
        self._flowing = self._did_read = self._watched = True
        self._schedule_flow()

    def _listeners_changed(self, event: str, *, added: bool) -> None:
        if added and event == "data" and self._flowing is None:
            self.resume()

    def _schedule_flow(self) -> None:
        if not self._flow_scheduled and (self._unread is not None or self.life.read_ended):
            self._flow_scheduled = True
            asyncio.get_running_loop().call_soon(self._flow)

    def _flow(self) -> None:
        self._flow_scheduled = False
        while self._flowing and self._unread is not None:
            self._emit_data(self._take(None))
        if self._flowing:
            self._after_take()

    # --- writing ----------------------------------------------------------------------

    async def drain(self) -> None:
        """Wait until `write` may continue; raise the stream's error if it never may."""
        if self._drainers is None:
            if self._error is not None:
                self._raise_error()
            return
        await wait_among(self._drainers)

    def writable_again(self) -> None:
        """Handle a queue of written data that is short again."""
        drainers, self._drainers = self._drainers, None
        wake(drainers, None)
        self.emit("drain")

    def all_sent(self) -> None:
        """Handle the last written byte, which was passed to the transport."""
        after = self.life.on_sent
        if after is not self.life:
            self.life = after
            if self._drainers:
                self.writable_again()
            self.emit("finish")

    def _fail_waiters(self) -> None:
        """Wake all readers and drainers with `_error`."""
        if self._reader is not None and not self._tasks:
            # the error is raised to this reader, unless it is a listener's, which is cancelled
            self.error_seen = True
        self._wake_reader()
        if self._end_waiters is not None:
            if not self._tasks:
                self.error_seen = True
            self._wake_end_waiters()
        self._fail_drainers()

    def _fail_drainers(self) -> None:
        drainers, self._drainers = self._drainers, None
        if drainers and fail(drainers, self._error or new_error("ERR_STREAM_PREMATURE_CLOSE")):
            self.error_seen = True
