"""Handle futures with several waiters, and futures that need not be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar

__all__ = ["fail", "quiet_future", "retrieve", "wait_among", "wake"]

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
