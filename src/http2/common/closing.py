"""Define objects that end once and can be awaited: streams, sessions and servers."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable

from .emitter import EventEmitter
from .futures import wait_among, wake

__all__ = ["Closable", "Completion", "Ending"]


class Completion:
    """The result of ``close()``: awaiting it waits for the end; it need not be awaited."""

    __slots__ = ("_emitter",)

    def __init__(self, emitter: Ending) -> None:
        self._emitter = emitter

    def __repr__(self) -> str:
        state = "done" if self._emitter._has_told() else "waits for"
        return f"<{type(self).__name__} {state} {self._emitter!r}>"

    def __await__(self) -> Generator[object, None, None]:
        return self._emitter._wait_closed().__await__()


class Ending(EventEmitter):
    """An emitter with one end: ``close`` is emitted once and can be awaited."""

    _close_waiters: list[asyncio.Future[None]] | None = None

    def _has_told(self) -> bool:
        """Whether ``close`` was emitted, or is being emitted."""
        raise NotImplementedError

    async def _wait_closed(self) -> None:
        if self._has_told():
            return
        if self._close_waiters is None:
            self._close_waiters = []
            self._watched = True
        await wait_among(self._close_waiters)

    def _tell_closed(self) -> None:
        """Emit ``close``, and wake the callers that wait for it."""
        self.emit("close")
        waiters, self._close_waiters = self._close_waiters, None
        wake(waiters, None)


class Closable(Ending):
    """A session or a server: an emitter that stores its end itself."""

    _close_emitted = False

    def _has_told(self) -> bool:
        return self._close_emitted

    def adopt(self, tasks: Iterable[asyncio.Task[object]]) -> None:
        """Keep *tasks* of a stream that has ended normally, so that they can finish."""
        if not isinstance(self._tasks, set):
            self._tasks = set()
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _emit_close(self) -> None:
        if not self._close_emitted:
            self._close_emitted = True
            self._tell_closed()
