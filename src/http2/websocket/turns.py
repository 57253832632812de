"""How long the WebSockets of a loop may work in one turn of it, before others have theirs.

A frame is two bytes or six and takes a hundred times as long as these take to send, so what one
read brings would keep a loop from everything else. Once a turn's time is used up, each WebSocket
goes on in the next one.
"""

from __future__ import annotations

import asyncio
import time
from weakref import WeakKeyDictionary

__all__ = ["Turn"]

# Seconds.
LONGEST = 0.01

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turn] = WeakKeyDictionary()


class Turn:
    """The turn of a loop that is under way: the time that its WebSockets have taken."""

    __slots__ = ("_begun", "_ends")

    def __init__(self) -> None:
        self._begun = False
        self._ends = 0.0

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Turn:
        """That of *loop*, for all of its WebSockets."""
        found = _turns.get(loop)
        if found is None:
            found = _turns[loop] = cls()
        return found

    @property
    def over(self) -> bool:
        """Whether the rest has to wait for the next turn; the first to ask begins the time."""
        if self._begun:
            return time.monotonic() >= self._ends
        self._begun = True
        self._ends = time.monotonic() + LONGEST
        asyncio.get_running_loop().call_soon(self._next)
        return False

    def _next(self) -> None:
        self._begun = False
