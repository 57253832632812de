"""Finding dead connections: a peer that says nothing is asked whether it is still there."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ..constants import NGHTTP2_NO_ERROR
from ..errors import SessionTimeoutError

if TYPE_CHECKING:
    from .session import Http2Session

__all__ = ["KeepAlive", "WriteProgress", "give_up"]


def give_up(session: Http2Session, message: str, code: int = NGHTTP2_NO_ERROR) -> None:
    """Destroy *session*, whose peer has gone or does nothing: every waiter is told *message*.

    Its streams get CANCEL. What the transport could not send by now, it never will.
    """
    transport = session.transport
    session.destroy(SessionTimeoutError("ERR_HTTP2_SESSION_ERROR", message, error_code=code), code)
    if transport is not None and transport.get_write_buffer_size():
        transport.abort()


class WriteProgress:
    """Whether the peer's TCP takes what is written.

    Bytes that leave the transport's buffer are a sign of life only while it does not run
    empty: then the kernel's buffer is full, and has room again because the peer has
    acknowledged something.
    """

    __slots__ = ("_flushed", "_session")

    def __init__(self, session: Http2Session) -> None:
        self._session = session
        self._flushed: int | None = None
        self.made()

    def made(self) -> bool:
        """Whether there was progress since this was asked last."""
        transport = self._session.transport
        connection = self._session.engine
        queued = 0 if transport is None else transport.get_write_buffer_size()
        before, self._flushed = self._flushed, None
        if not queued or connection is None:
            return False
        self._flushed = connection.bytes_sent - queued
        return before is not None and self._flushed > before


class KeepAlive:
    """Sends PING (RFC 9113 section 6.7) after *interval* seconds without a byte from the peer.

    When *timeout* more seconds bring nothing, be it the answer or anything else, the
    session is destroyed with a `SessionTimeoutError`. *timeout* 0: never.
    """

    __slots__ = ("_asked", "_handle", "_heard", "_interval", "_progress", "_session", "_timeout")

    def __init__(self, session: Http2Session, interval: float, timeout: float) -> None:
        assert session.engine is not None
        session.engine.stamping = True
        self._session = session
        self._interval = interval
        self._timeout = timeout
        self._heard = time.monotonic()
        self._asked = 0.0
        self._progress: WriteProgress | None = None
        self._handle: asyncio.TimerHandle = session.loop.call_later(interval, self._look)

    def stop(self) -> None:
        """The session is destroyed."""
        self._handle.cancel()

    def _look(self) -> None:
        session = self._session
        assert session.engine is not None
        self._heard = max(self._heard, session.engine.last_received)
        now = time.monotonic()
        left = self._heard + self._interval - now
        if left > 0:
            # uvloop counts in milliseconds, and may be a little early
            self._handle = session.loop.call_later(max(left, 0.001), self._look)
            return
        self._asked = now
        session.ping_unseen(self._answered)
        if self._timeout:
            self._progress = WriteProgress(session)
            self._handle = session.loop.call_later(self._timeout, self._judge)
        else:
            self._heard = now
            self._handle = session.loop.call_later(self._interval, self._look)

    def _answered(self, duration: float) -> None:
        """The peer is there: its silence is counted anew."""
        self._handle.cancel()
        self._look()

    def _judge(self) -> None:
        session = self._session
        assert session.engine is not None
        assert self._progress is not None
        if session.engine.last_received > self._asked:
            self._look()
        elif self._progress.made():
            # our PING waits in a long queue, which moves
            self._handle = session.loop.call_later(self._timeout, self._judge)
        else:
            give_up(
                session,
                f"the connection is dead: nothing came for {self._interval:g} s,"
                f" nor within {self._timeout:g} s after a PING",
            )
