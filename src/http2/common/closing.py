"""Define objects that end once and can be awaited: streams, sessions and servers."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING

from .emitter import EventEmitter
from .futures import wait_among, wake

if TYPE_CHECKING:
    from .interfaces import Last

__all__ = ["Closable", "Completion", "Ending"]


class Completion:
    """The result of ``close()``: awaiting it waits for the end; it need not be awaited."""

    __slots__ = ("_emitter",)

    def __init__(self, emitter: Ending) -> None:
        self._emitter = emitter

    def __repr__(self) -> str:
        state = "done" if self._emitter.told else "waits for"
        return f"<{type(self).__name__} {state} {self._emitter!r}>"

    def __await__(self) -> Generator[object, None, None]:
        return self._emitter._wait_closed().__await__()


class Ending(EventEmitter):
    """An emitter with one end: ``close`` is emitted once and can be awaited."""

    _close_waiters: list[asyncio.Future[None]] | None = None

    @property
    def told(self) -> bool:
        """Whether ``close`` was emitted, or is being emitted."""
        raise NotImplementedError

    async def _wait_closed(self) -> None:
        if self.told:
            return
        if self._close_waiters is None:
            self._close_waiters = []
            self._watched = True
        await wait_among(self._close_waiters)

    def _tell_closed(self) -> None:
        """Emit ``close``, and wake the callers that wait for it."""
        self.emit("close")
        waiters = self._close_waiters
        if waiters is not None:
            self._close_waiters = None
            wake(waiters, None)


class Closable(Ending):
    """A session or a server: an emitter that stores its end itself."""

    told = False

    def emit_late(self, event: str, args: tuple[object, ...], last: Last) -> bool:
        """Like `emit`; listeners that take one more argument also get the result of *last*."""
        found = (self._listeners or {}).get(event)
        if not found:
            return False
        whole: tuple[object, ...] | None = None
        for entry in tuple(found):
            if 0 <= entry.arity <= len(args):
                self._call(entry, event, args)
            else:
                if whole is None:
                    whole = (*args, last(args))
                self._call(entry, event, whole)
        return True

    def adopt(self, tasks: Iterable[asyncio.Task[object]]) -> None:
        """Keep *tasks* of a stream that has ended normally, so that they can finish."""
        if not isinstance(self._tasks, set):
            self._tasks = set()
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _emit_close(self) -> None:
        if not self.told:
            self.told = True
            self._tell_closed()
