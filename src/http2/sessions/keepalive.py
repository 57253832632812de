"""Detect dead connections: send PING to a silent peer, and end the session without an answer."""

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
    """Destroy *session*, whose peer is unresponsive; waiting callers get *message*.

    Its streams get CANCEL. Data that the transport has not sent yet is discarded.
    """
    transport = session.transport
    session.destroy(SessionTimeoutError("ERR_HTTP2_SESSION_ERROR", message, error_code=code), code)
    if transport is not None and transport.get_write_buffer_size():
        transport.abort()


class WriteProgress:
    """Detects whether the peer's TCP accepts written data.

    Bytes that leave the transport's buffer prove that the peer is alive only while the buffer does
    not become empty: then the kernel's buffer is full, and gets room because the peer has
    acknowledged data.
    """

    __slots__ = ("_flushed", "_session")

    def __init__(self, session: Http2Session) -> None:
        self._session = session
        self._flushed: int | None = None
        self.made()

    def made(self) -> bool:
        """Return whether there was progress since the last call."""
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

    If nothing arrives, neither the answer nor other data, within *timeout* more seconds, the
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
            # uvloop rounds to milliseconds, and may be slightly early
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
        """Restart the interval: the peer has answered."""
        self._handle.cancel()
        self._look()

    def _judge(self) -> None:
        session = self._session
        assert session.engine is not None
        assert self._progress is not None
        if session.engine.last_received > self._asked:
            self._look()
        elif self._progress.made():
            # the PING waits in a long queue, which makes progress
            self._handle = session.loop.call_later(self._timeout, self._judge)
        else:
            give_up(
                session,
                f"the connection is dead: nothing came for {self._interval:g} s,"
                f" nor within {self._timeout:g} s after a PING",
            )
