"""Faults to plant, each of which a run has to notice: the proof that a soak can fail."""

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
# One request in so many is the victim.
EVERY = 20


class Planned(Exception):
    """What a handler raises when it was asked to fail."""


class Faults:
    """The faults that were asked for. Without any, nothing happens."""

    def __init__(self, planted: list[str]) -> None:
        self.planted = frozenset(planted)
        self._requests = 0
        self._kept: list[object] = []

    def due(self, fault: str) -> bool:
        """Whether this request is a victim of *fault*; no request is of two."""
        turn = list(FAULTS).index(fault)
        return fault in self.planted and self._requests % EVERY == turn

    async def strike(self) -> None:
        """A request has come."""
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
        """The piece of the block, or something like it."""
        right = part(at, size)
        if not size or not self.due("corrupt"):
            return right
        wrong = bytearray(right)
        wrong[size // 2] ^= 1
        return memoryview(bytes(wrong))


async def _wait(never: asyncio.Future[None]) -> None:
    await never
