"""Detect dead connections: send PING to a silent peer, and end the session without an answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.connection import Connection as Engine

__all__ = ["KeepAlive", "WriteProgress"]


class WriteProgress:
    """Detects whether the peer's TCP accepts written data.

    Bytes that leave the transport's buffer prove that the peer is alive only while the buffer does
    not become empty: then the kernel's buffer is full, and gets room because the peer has
    acknowledged data.
    """

    __slots__ = ("_engine", "_flushed", "_transport")

    def __init__(self, engine: Engine, transport: asyncio.Transport) -> None:
        self._engine = engine
        self._transport = transport
        self._flushed: int | None = None
        self.made()

    def made(self) -> bool:
        """Return whether there was progress since the last call."""
        queued = self._transport.get_write_buffer_size()
        before, self._flushed = self._flushed, None
        if not queued:
            return False
        self._flushed = self._engine.bytes_sent - queued
        return before is not None and self._flushed > before


class KeepAlive:
    """Sends PING (RFC 9113 section 6.7) after *interval* seconds without a byte from the peer.

    If nothing arrives, neither the answer nor other data, within *timeout* more seconds, the
    session is destroyed with a `SessionTimeoutError`. *timeout* 0: never.
    """

    __slots__ = (
        "_asked", "_engine", "_give_up", "_handle", "_heard", "_interval", "_loop", "_ping",
        "_progress", "_timeout", "_transport",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        engine: Engine,
        transport: asyncio.Transport,
        interval: float,
        timeout: float,
        ping: Callable[[Callable[[float], None]], None],
        give_up: Callable[[str], None],
    ) -> None:
        engine.stamping = True
        self._loop = loop
        self._engine = engine
        self._transport = transport
        self._ping = ping
        self._give_up = give_up
        self._interval = interval
        self._timeout = timeout
        self._heard = time.monotonic()
        self._asked = 0.0
        self._progress: WriteProgress | None = None
        self._handle: asyncio.TimerHandle = self._loop.call_later(interval, self._look)

    def stop(self) -> None:
        """Stop: the session is destroyed."""
        self._handle.cancel()

    def _look(self) -> None:
        self._heard = max(self._heard, self._engine.last_received)
        now = time.monotonic()
        left = self._heard + self._interval - now
        if left > 0:
            # uvloop rounds to milliseconds, and may be slightly early
            self._handle = self._loop.call_later(max(left, 0.001), self._look)
            return
        self._asked = now
        self._ping(self._answered)
        if self._timeout:
            self._progress = WriteProgress(self._engine, self._transport)
            self._handle = self._loop.call_later(self._timeout, self._look_for_answer)
        else:
            self._heard = now
            self._handle = self._loop.call_later(self._interval, self._look)

    def _answered(self, duration: float) -> None:
        """Restart the interval: the peer has answered."""
        self._handle.cancel()
        self._look()

    def _look_for_answer(self) -> None:
        assert self._progress is not None
        if self._engine.last_received > self._asked:
            self._look()
        elif self._progress.made():
            # the PING waits in a long queue, which makes progress
            self._handle = self._loop.call_later(self._timeout, self._look_for_answer)
        else:
            self._give_up(
                f"the connection is dead: nothing came for {self._interval:g} s,"
                f" nor within {self._timeout:g} s after a PING",
            )
