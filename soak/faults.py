"""Faults to inject, each of which a run must detect: the proof that a soak can fail."""

from __future__ import annotations

import asyncio
import os

from .payload import part

__all__ = ["FAULTS", "Faults", "Planned"]

FAULTS = {
    "corrupt": "a byte of a response is changed",
    "hang": "a request is never answered",
    "raise": "a handler fails that should not",
    "leak-memory": "64 KiB of each request are kept",
    "leak-task": "a task is left behind",
    "leak-descriptor": "a descriptor is left behind",
    "leak-window": "a response is never read, and its stream never closed (by the client)",
}
# Every how many requests one is the victim.
EVERY = 20


class Planned(Exception):
    """The exception of a handler that was requested to fail."""


class Faults:
    """The requested faults; without any, nothing happens."""

    def __init__(self, planted: list[str]) -> None:
        self.planted = frozenset(planted)
        self._requests = 0
        self._kept: list[object] = []

    def due(self, fault: str) -> bool:
        """Return whether this request is a victim of *fault*; a request has at most one fault."""
        turn = list(FAULTS).index(fault)
        return fault in self.planted and self._requests % EVERY == turn

    async def strike(self) -> None:
        """Count a request, and inject the faults that do not need a response."""
        self._requests += 1
        if "leak-memory" in self.planted:
            self._kept.append(b"x" * 65_536)
        if self.due("leak-task"):
            never = asyncio.get_running_loop().create_future()
            self._kept.append(asyncio.ensure_future(_wait(never)))
        if self.due("leak-descriptor"):
            self._kept.append(os.dup(0))
        if self.due("raise"):
            raise RuntimeError("planted")
        if self.due("hang"):
            await asyncio.get_running_loop().create_future()

    def body(self, at: int, size: int) -> memoryview:
        """Return the piece of the block, or a changed copy."""
        right = part(at, size)
        if not size or not self.due("corrupt"):
            return right
        wrong = bytearray(right)
        wrong[size // 2] ^= 1
        return memoryview(bytes(wrong))


async def _wait(never: asyncio.Future[None]) -> None:
    await never
