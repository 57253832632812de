"""Define `Receiver`: the received data of a stream, and its reader.

There is one reader at a time. It is a coroutine (`read`, `readexactly`, `next_chunk`), or the
listeners of ``data`` while the receiver is *flowing*. Bytes that were read are reported to the
stream at once (`ReadStream.consumed`), and the peer may send as many bytes again.
"""

from __future__ import annotations

import asyncio
import codecs
from typing import TYPE_CHECKING, Any

from ...common.futures import wait_among, wake
from ..compiled.receiver_base import ReceiverBase

if TYPE_CHECKING:
    from ..interfaces import ReadStream

__all__ = ["Receiver"]


class Receiver(ReceiverBase):
    """The receiving half of a stream, from its first data or its first reader on.

    It does not hold its stream, which is an argument of each call.
    """

    __slots__ = ()

    # --- what arrives -----------------------------------------------------------------

    def _pass_on(self, stream: ReadStream, data: bytes, end: bool) -> None:
        """Pass *data* to listeners; nothing is unread."""
        stream.consumed(len(data))
        self._emit_data(stream, data)
        if end:
            self._peer_ended(stream)
            self.finish(stream)

    def _peer_ended(self, stream: ReadStream) -> None:
        stream.peer_ended()
        if self._end_waiters is not None:
            self._wake_end_waiters()

    # --- what is read -----------------------------------------------------------------

    def _give_back(self, parts: list[bytes]) -> None:
        """Return the bytes of an incomplete read to the front, for the next reader."""
        data = b"".join(parts)
        if data:
            self.chunks.insert(0, data)
            self.size += len(data)
            self.reported += len(data)

    # --- readers ----------------------------------------------------------------------

    async def read(self, stream: ReadStream, n: int) -> bytes:
        """Read at most *n* bytes; see `Duplex.read`."""
        self.did_read = True
        if n == 0:
            return b""
        while not self.size:
            if stream.life.read_ended:
                self.finish(stream)
                return b""
            await self._wait_readable(stream)
        data = self._take(stream, n)
        self.finish(stream)
        return data

    async def read_to_end(self, stream: ReadStream) -> bytes:
        """Read all bytes, until the peer has sent its last one."""
        self.did_read = True
        parts: list[bytes] = []
        try:
            while not stream.life.read_ended:
                if self.size:
                    parts.append(self._take_all(stream))
                await self._wait_readable(stream)
        except BaseException:
            self._give_back(parts)
            raise
        rest = self.read_rest(stream)
        if not parts:
            return rest
        if rest:
            parts.append(rest)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_rest(self, stream: ReadStream) -> bytes:
        """Read all that is unread, after the peer's last byte."""
        self.did_read = True
        data = self._take_all(stream)
        if self._decoder is not None:
            self.finish(stream)
        elif not stream.life.readable_ended:
            stream.all_read("")
        return data

    async def readexactly(self, stream: ReadStream, n: int) -> bytes:
        """Read exactly *n* bytes; see `Duplex.readexactly`."""
        self.did_read = True
        parts: list[bytes] = []
        left = n
        while left:
            try:
                data = await self.read(stream, left)
            except BaseException:
                self._give_back(parts)
                raise
            if not data:
                raise asyncio.IncompleteReadError(b"".join(parts), n)
            parts.append(data)
            left -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def next_chunk(self, stream: ReadStream) -> Any:
        """Read the oldest chunk, as text with `set_encoding`; at the end StopAsyncIteration."""
        while True:
            while not self.size:
                if stream.life.read_ended:
                    rest = ""
                    if self._decoder is not None and not stream.life.readable_ended:
                        rest = self._decoder.decode(b"", True)
                    self.finish(stream)
                    if rest:
                        return rest
                    raise StopAsyncIteration
                await self._wait_readable(stream)
            data = self._take_chunk(stream)
            if self._decoder is None:
                if not self.size:
                    self.finish(stream)
                return data
            text = self._decoder.decode(data)
            if text:
                return text

    async def _wait_readable(self, stream: ReadStream) -> None:
        stream.raise_failure()
        if self._reader is not None and not self._reader.done():
            raise RuntimeError("another coroutine is already waiting to read this stream")
        # a cancelled reader that has not been removed yet does not count
        reader = self._reader = asyncio.get_running_loop().create_future()
        try:
            await reader
        finally:
            if self._reader is reader:
                self._reader = None

    def _wake_reader(self) -> None:
        reader = self._reader
        if reader is not None:
            self._reader = None
            if not reader.done():
                reader.set_result(None)

    async def wait_end(self, stream: ReadStream) -> None:
        """Wait until the peer has sent its last byte; raises the stream's error."""
        stream.raise_failure()
        if self._end_waiters is None:
            self._end_waiters = []
        await wait_among(self._end_waiters)
        if not stream.life.read_ended:
            stream.raise_failure()

    def _wake_end_waiters(self) -> None:
        waiters, self._end_waiters = self._end_waiters, None
        wake(waiters, None)

    # --- listeners of `data` ------------------------------------------------------------

    def set_encoding(self, encoding: str) -> None:
        """Decode the body for ``data`` listeners and `next_chunk`."""
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def resume(self, stream: ReadStream) -> None:
        """Pass the data to listeners."""
        self.flowing = self.did_read = True
        self._flow_soon(stream)

    def _flow_soon(self, stream: ReadStream) -> None:
        """Pass what is there to listeners in the next turn of the loop."""
        if not self._flow_scheduled and (self.size or stream.life.read_ended):
            self._flow_scheduled = True
            asyncio.get_running_loop().call_soon(self._flow, stream)

    def _flow(self, stream: ReadStream) -> None:
        self._flow_scheduled = False
        while self.flowing and self.size:
            self._emit_data(stream, self._take_chunk(stream))
        if self.flowing:
            self.finish(stream)

    def _emit_data(self, stream: ReadStream, data: bytes) -> None:
        if self._decoder is not None:
            text = self._decoder.decode(data)
            if text:
                stream.emit("data", text)
        else:
            stream.emit("data", data)

    # --- the end of the stream ----------------------------------------------------------

    def release(self, stream: ReadStream) -> None:
        """Report everything as read: nothing more can arrive, and a reader may come late.

        ``data`` and ``end`` that are due for received data precede ``close``.
        """
        if self._flow_scheduled:
            self._flow(stream)
        if self.size:
            stream.consumed(self.size - self.reported)
            self.reported = self.size

    def discard(self, stream: ReadStream) -> None:
        """Drop what is unread, and report it as read: the stream has failed."""
        self._take_all(stream)

    def end_for_reader(self, stream: ReadStream) -> None:
        """Handle the normal end of the stream."""
        if self.flowing:
            self._flow_soon(stream)
        elif not self.size:
            self._wake_reader()
            self.finish(stream)

    def fail(self) -> bool:
        """Wake all readers, for the stream's error; return whether there was one."""
        waited = self._reader is not None or self._end_waiters is not None
        self._wake_reader()
        self._wake_end_waiters()
        return waited
