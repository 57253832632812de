"""Track the sessions and servers that `http2.run` waits for."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from .interfaces import EndsWithProgram

__all__ = ["Referenced", "WaitedFor", "waited_for"]

# Seconds that transports may take to close at the end of the program.
CLOSING = 1.0


class WaitedFor:
    """The open sessions and servers of one loop, and which of them `run` waits for."""

    def __init__(self) -> None:
        self.open: set[EndsWithProgram] = set()
        self.referenced: set[EndsWithProgram] = set()
        self._changed = asyncio.Event()
        self.interrupted = False

    def note(self, thing: EndsWithProgram, *, is_open: bool, referenced: bool) -> None:
        """Record that *thing* was opened, closed, referenced or unreferenced."""
        (self.open.add if is_open else self.open.discard)(thing)
        (self.referenced.add if is_open and referenced else self.referenced.discard)(thing)
        self._changed.set()

    async def idle(self) -> None:
        """Wait until no referenced object is left."""
        while self.referenced:
            self._changed.clear()
            await self._changed.wait()

    async def end(self, grace: float) -> None:
        """Close everything in order for *grace* seconds, then destroy the rest."""
        if grace:
            for thing in tuple(self.open):
                thing.end_gently()
            await self._all_closed(grace)
        for thing in tuple(self.open):
            thing.end_now()
        await self._all_closed(CLOSING)

    async def _all_closed(self, limit: float) -> None:
        """Wait until nothing is open, or for *limit* seconds.

        The task may have been cancelled before, by Ctrl-C. Up to Python 3.11.2, `asyncio.timeout`
        would then raise `CancelledError`, because it mistook the old request for a new one.
        """
        loop = asyncio.get_running_loop()
        late = False

        def expire() -> None:
            nonlocal late
            late = True
            self._changed.set()

        timer = loop.call_later(limit, expire)
        try:
            while self.open and not late:
                self._changed.clear()
                await self._changed.wait()
        finally:
            timer.cancel()


# By loop, while `run` runs it.
waited_for: dict[asyncio.AbstractEventLoop, WaitedFor] = {}


class Referenced(ABC):
    """A mix-in for sessions and servers, which `run` waits for."""

    _referenced = True

    def count_open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make `run` wait for this object from now on."""
        found = waited_for.get(loop)
        if found is not None:
            found.note(self, is_open=True, referenced=self._referenced)

    @abstractmethod
    def end_gently(self) -> None:
        """Close, after the requests in progress."""

    @abstractmethod
    def end_now(self) -> None:
        """End at once."""

    def ref(self) -> None:
        """Make `run` wait for this object, as it does unless `unref` was called."""
        self._refer(True)

    def unref(self) -> None:
        """Let `run` return without waiting for this object."""
        self._refer(False)

    def _refer(self, referenced: bool) -> None:
        self._referenced = referenced
        found = waiting_for(self)
        if found is not None:
            found.note(self, is_open=True, referenced=referenced)


def waiting_for(thing: EndsWithProgram) -> WaitedFor | None:
    """Return the `WaitedFor` of the `run` that waits for *thing*, which is open; else None."""
    return next((found for found in waited_for.values() if thing in found.open), None)


def count_closed(thing: EndsWithProgram) -> None:
    """No `run` waits for *thing* any more: it is closed."""
    found = waiting_for(thing)
    if found is not None:
        found.note(thing, is_open=False, referenced=False)


def interrupted(thing: EndsWithProgram) -> bool:
    """Return whether Ctrl-C or SIGTERM has ended the `run` that waits for *thing*."""
    found = waiting_for(thing)
    return found is not None and found.interrupted
