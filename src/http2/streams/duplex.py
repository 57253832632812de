"""Define `Duplex`: a Python stream and an emitter of Node's events.

A `Receiver` keeps the received data, and readers take it from there:
``async for``, ``read``, ``readexactly``, or ``data`` listeners. The peer may send again as many
bytes as were read, so an application that does not read holds the peer
back. Back-pressure needs nothing else.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Self

from ..common.closing import Ending
from ..common.futures import fail, wait_among, wake
from ..errors import new_error
from .compiled.base import ExchangeBase
from .life import LIVE
from .parts.receiver import Receiver

if TYPE_CHECKING:
    pass

__all__ = ["Duplex"]


class Duplex(ExchangeBase, Ending):
    """A readable and writable stream of bytes."""

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

    def _reading(self) -> Receiver:
        """Return the receiver, for a program that reads."""
        receiver = self._receiver
        if receiver is None:
            whole = self._whole
            receiver = self._receiver = Receiver(whole or b"")
            if whole is not None:
                self._whole = None
        return receiver

    def _has_data(self) -> bool:
        """Return whether there is a receiver, or a body that needs none."""
        return self._receiver is not None or self._whole is not None

    def peer_ended(self) -> None:
        """Handle the peer's last byte, which was received."""
        self.life = self.life.on_peer_end

    def consumed(self, size: int) -> None:
        """Handle *size* bytes that the program has read: the peer may send as many again."""

    def all_read(self, rest: str) -> None:
        """Handle the end of reading: emit *rest* as ``data`` if it is not empty, and ``end``."""
        life = self.life = self.life.on_read
        if self._listeners is not None:
            if rest:
                self.emit("data", rest)
            self.emit("end")
            life = self.life
        if life.whole:
            self._close_well()

    def _close_well(self) -> None:
        """Become destroyed after a normal end."""
        raise NotImplementedError

    def raise_failure(self) -> None:
        """Raise the stream's error if nothing more will arrive because of it."""
        if self._error is not None:
            self.error_seen = True
            raise self._error
        if self.life.destroyed and not self.life.read_ended:
            raise new_error("ERR_STREAM_PREMATURE_CLOSE")

    async def read(self, n: int = -1) -> bytes:
        """Read at most *n* bytes, or to the end if *n* is negative.

        Returns ``b""`` at the end. Raises the stream's error if the body ended early. A
        read that is cancelled or raises loses nothing: the next read gets the bytes
        that had arrived.
        """
        receiver = self._receiver
        if receiver is None:
            whole = self._whole
            if whole is not None and not 0 <= n < len(whole) and not self._watched:
                self._whole = None
                self.consumed(len(whole))
                life = self.life.on_read
                # over HTTP/1 the response may follow
                self.life = life.on_done if life.whole else life
                return whole
            receiver = self._reading()
        if n >= 0:
            return await receiver.read(self, n)
        if self.life.read_ended:
            return receiver.read_rest(self)
        return await receiver.read_to_end(self)

    async def readexactly(self, n: int) -> bytes:
        """Read exactly *n* bytes; raise `asyncio.IncompleteReadError` if the body is shorter.

        If it is cancelled, or raises the stream's error, the next read gets the bytes that
        had arrived.
        """
        if n < 0:
            raise new_error("ERR_OUT_OF_RANGE", "n", ">= 0", n)
        return await self._reading().readexactly(self, n)

    def __aiter__(self) -> Self:
        self._reading().did_read = True
        return self

    def __anext__(self) -> Coroutine[Any, Any, Any]:
        # not a coroutine around the receiver's: there is one for each chunk
        return self._reading().next_chunk(self)

    def set_encoding(self, encoding: str = "utf-8") -> None:
        """Decode the body for ``data`` listeners and ``async for``, across chunk boundaries."""
        self._reading().set_encoding(encoding)

    def pause(self) -> None:
        """Stop the ``data`` events; received data is kept, and the peer is held back."""
        self._reading().flowing = False

    def resume(self) -> None:
        """Start the ``data`` events; without a listener the data is discarded."""
        self._watched = True
        self._reading().resume(self)

    def _listeners_changed(self, event: str, *, added: bool) -> None:
        if added and event == "data" and self._reading().flowing is None:
            self.resume()

    # --- writing ----------------------------------------------------------------------

    async def drain(self) -> None:
        """Wait until `write` may continue; raise the stream's error if it never may."""
        if self._drainers is None:
            if self._error is not None:
                self.raise_failure()
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
        receiver = self._receiver
        if receiver is not None and receiver.fail() and not self._tasks:
            # the error is raised to this reader, unless it is a listener's, which is cancelled
            self.error_seen = True
        self._fail_drainers()

    def _fail_drainers(self) -> None:
        drainers, self._drainers = self._drainers, None
        if drainers and fail(drainers, self._error or new_error("ERR_STREAM_PREMATURE_CLOSE")):
            self.error_seen = True
