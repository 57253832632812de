"""Enlarge receive windows to fit the path: bandwidth times round-trip time.

A sender may send at most a window's worth of bytes per round trip, so a window below bandwidth
times round-trip time limits a transfer. A sample detects this: a PING measures the round trip,
and the bytes that the application *consumes* in the next one are the amount that the path
delivers in that time. If they are a third of the window or more, the window is doubled: nghttp2
sends WINDOW_UPDATE when half a window was consumed, so a sender that is limited only by the
window sends between a half and a whole window per round trip. Unread data is not
consumed, so it does not enlarge windows.

The connection's window is kept well above the streams' windows: its purpose is to bound the
unread data in total. If several streams wait for it, they hold each other back,
and Node's server (20) then ends bodies without END_STREAM.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.connection import Connection as Engine

__all__ = ["DEFAULT_WINDOW", "WindowGrowth"]

# The initial size of both kinds of windows (RFC 9113 section 6.9.2).
DEFAULT_WINDOW = 65535
# Seconds between samples while the windows are large enough: the first value, and the maximum.
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
# The connection's window after the first read, and the number of streams that it has room for.
FIRST_CONNECTION_WINDOW = 1024 * 1024
STREAMS = 4


class WindowGrowth:
    """Enlarges the windows of *session* and of its streams that are being read, up to *limit*.

    A stream gets at most three quarters of *limit*, so that a stream that is suddenly not read
    leaves room for the others.
    """

    __slots__ = (
        "_engine",
        "_largest",
        "_limit",
        "_loop",
        "_not_before",
        "_pause",
        "_ping",
        "_read",
        "_sampling",
        "_size",
        "_stopped",
        "_timer",
        "_wake",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        engine: Engine,
        limit: int,
        ping: Callable[[Callable[[float], None]], None],
        wake: Callable[[], None],
    ) -> None:
        engine.reporting_windows = True
        self._loop = loop
        self._engine = engine
        self._ping = ping
        self._wake = wake
        self._stopped = False
        self._limit = limit
        self._largest = limit * 3 // 4
        # the window for streams that are being read, if larger than theirs
        self._size = DEFAULT_WINDOW
        self._sampling = False
        # the streams that were read during a sample
        self._read: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0
        self._pause = FIRST_PAUSE / 2

    def given(self, stream_id: int, *, sample: bool) -> None:
        """Handle a sent WINDOW_UPDATE: half a window was consumed on a stream, or in total (0).

        Unless *sample*, the path is not measured again: the session is about to end.
        """
        if stream_id:
            self._grow(stream_id)
            if self._sampling:
                self._read.add(stream_id)
        self._grow_connection(max(FIRST_CONNECTION_WINDOW, STREAMS * self._size))
        if (
            self._sampling
            or self._size >= self._largest
            or not sample
            or self._loop.time() < self._not_before
        ):
            return
        self._sampling = True
        self._ping(self._answered)

    def _grow(self, stream_id: int) -> None:
        engine = self._engine
        if 0 <= engine.stream_window(stream_id) < self._size > DEFAULT_WINDOW:
            engine.set_local_window_size(self._size, stream_id)

    def _grow_connection(self, size: int) -> None:
        engine = self._engine
        size = min(size, self._limit)
        if engine.connection_window() < size:
            engine.set_local_window_size(size)

    def _answered(self, round_trip: float) -> None:
        """Store the measured round trip, and measure the data of the next one."""
        if self._stopped:
            return
        self._timer = self._loop.call_later(
            round_trip,
            self._sampled,
            round_trip,
            time.monotonic(),
            self._engine.bytes_consumed,
        )

    def _sampled(self, round_trip: float, since: float, before: int) -> None:
        self._sampling = False
        self._timer = None
        # a timer may be late: the data then belongs to more than one round trip
        share = min(1.0, round_trip / max(time.monotonic() - since, 1e-9))
        consumed = (self._engine.bytes_consumed - before) * share
        read, self._read = self._read, set()
        if consumed * 3 < self._size:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self._not_before = self._loop.time() + self._pause
            return
        self._pause = FIRST_PAUSE / 2
        self._size = min(2 * self._size, self._largest)
        self._grow_connection(STREAMS * self._size)
        for stream_id in read:
            self._grow(stream_id)
        self._wake()

    def stop(self) -> None:
        """Stop: the session is destroyed, or the application has set its window."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self._engine.reporting_windows = False
