"""Control how fast transfers begin, and pause them."""

from __future__ import annotations

import asyncio
import time

__all__ = ["Pace"]


class Pace:
    """Lets a number of transfers begin per second, and none during a pause."""

    def __init__(self, rate: float) -> None:
        self._step = 1 / rate
        self._next = time.monotonic()
        self._open = asyncio.Event()
        self._open.set()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def begin(self) -> None:
        """Wait for the turn of a transfer."""
        while True:
            now = time.monotonic()
            # a busy machine does not start all missed transfers at once
            self._next = max(self._next + self._step, now - 1)
            await asyncio.sleep(self._next - now)
            if self._open.is_set():
                break
            await self._open.wait()
        self._under_way += 1
        self._idle.clear()

    def end(self) -> None:
        """Count the end of a transfer."""
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()

    async def rest(self) -> None:
        """Begin no further transfers, and wait for the running ones."""
        self._open.clear()
        await self._idle.wait()

    def resume(self) -> None:
        """Continue."""
        self._open.set()
