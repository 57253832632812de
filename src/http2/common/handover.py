"""Define `Handover`: a future whose result must always have an owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from .futures import retrieve

__all__ = ["Handover"]

Result = TypeVar("Result")


class Handover(asyncio.Future[Result]):
    """A future with a result that must not be lost, such as a stream.

    A task that is cancelled in the same turn of the loop in which the result arrives never gets
    it. If no other task waits, *give_up* is called with the result. It need not be awaited.
    """

    def __init__(
        self, give_up: Callable[[Result], object], *, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(loop=loop)
        self._give_up = give_up
        self._awaited = 0
        self._got = False
        self.add_done_callback(retrieve)

    def __await__(self) -> Generator[Any, None, Result]:
        self._awaited += 1
        try:
            result = yield from super().__await__()
        except asyncio.CancelledError:
            lost = self.done() and not self.cancelled() and self.exception() is None
            if lost and self._awaited == 1 and not self._got:
                self._give_up(self.result())
            raise
        finally:
            self._awaited -= 1
        self._got = True
        return result
