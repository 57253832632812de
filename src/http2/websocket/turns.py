"""Limit the time that the WebSockets of an event loop may use in one turn.

A frame takes two bytes or six, and a hundred times as long to process as to send. The frames of one
read could block the loop. When the time of a turn is used up, each WebSocket continues in the
next turn.
"""

from __future__ import annotations

import asyncio
import time
from weakref import WeakKeyDictionary

__all__ = ["Turn"]

# In seconds.
LONGEST = 0.01

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turn] = WeakKeyDictionary()


class Turn:
    """The current turn of a loop, and the time that its WebSockets may still use."""

    __slots__ = ("_begun", "_ends")

    def __init__(self) -> None:
        self._begun = False
        self._ends = 0.0

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Turn:
        """Return the turn of *loop*, which all its WebSockets share."""
        found = _turns.get(loop)
        if found is None:
            found = _turns[loop] = cls()
        return found

    @property
    def over(self) -> bool:
        """Whether the rest must wait for the next turn; the first query starts the time."""
        if self._begun:
            return time.monotonic() >= self._ends
        self._begun = True
        self._ends = time.monotonic() + LONGEST
        asyncio.get_running_loop().call_soon(self._next)
        return False

    def _next(self) -> None:
        self._begun = False
