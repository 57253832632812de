"""Define timers for idle time; activity only records the current time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..errors import new_error

__all__ = ["IdleTimer", "check_timeout"]


def check_timeout(seconds: object, name: str = "seconds") -> float:
    """Return *seconds* as a float; raise ERR_INVALID_ARG_TYPE or ERR_OUT_OF_RANGE for *name*."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise new_error("ERR_INVALID_ARG_TYPE", name, "a number", seconds)
    if not 0 <= seconds < float("inf"):
        raise new_error("ERR_OUT_OF_RANGE", name, ">= 0 and finite", seconds)
    return float(seconds)


class IdleTimer:
    """Calls *fire* after *seconds* without activity; `touch` reports activity.

    Only one loop timer is pending at a time. When it is due, it checks the time since the last
    activity, so that `touch` only reads the clock.
    """

    __slots__ = ("_fire", "_handle", "_last", "_loop", "_seconds")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, fire: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._fire = fire
        self._last = loop.time()
        self._handle: asyncio.TimerHandle | None = loop.call_later(seconds, self._due)

    def touch(self) -> None:
        """Restart the idle time."""
        self._last = self._loop.time()
        if self._handle is None:
            self._handle = self._loop.call_later(self._seconds, self._due)

    def cancel(self) -> None:
        """Cancel the timer."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _due(self) -> None:
        left = self._last + self._seconds - self._loop.time()
        if left > 0:
            self._handle = self._loop.call_later(left, self._due)
        else:
            self._handle = None
            self._fire()
