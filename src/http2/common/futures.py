"""Handle futures with several waiters, that need not be awaited, or whose result needs an owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

__all__ = ["Handover", "fail", "quiet_future", "retrieve", "wait_among", "wake"]

Result = TypeVar("Result")


def retrieve(future: asyncio.Future[Result]) -> None:
    """Retrieve the exception of *future*, so that asyncio does not report it."""
    if not future.cancelled():
        future.exception()


def quiet_future(loop: asyncio.AbstractEventLoop) -> asyncio.Future[Any]:
    """Return a future that need not be awaited: asyncio never reports its exception."""
    future = loop.create_future()
    future.add_done_callback(retrieve)
    return future


def wake(waiters: Iterable[asyncio.Future[Result]] | None, result: Result) -> None:
    """Set *result* on those *waiters* that are still waiting."""
    for waiter in waiters or ():
        if not waiter.done():
            waiter.set_result(result)


def fail(waiters: Iterable[asyncio.Future[Result]] | None, error: BaseException) -> bool:
    """Raise *error* in those *waiters* that are still waiting; return whether there was one."""
    seen = False
    for waiter in waiters or ():
        if not waiter.done():
            seen = True
            waiter.set_exception(error)
    return seen


async def wait_among(waiters: list[asyncio.Future[Result]]) -> Result:
    """Wait as one of *waiters* until `wake` or `fail`; a cancelled waiter is removed."""
    waiter: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    waiters.append(waiter)
    try:
        return await waiter
    except asyncio.CancelledError:
        if waiter in waiters:
            waiters.remove(waiter)
        raise


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
