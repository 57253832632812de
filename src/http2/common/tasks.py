"""Start tasks eagerly: a coroutine runs to its first `await` in the call that starts it.

So listeners that a coroutine registers in its first lines get all later events,
as with a plain function; a handler that never waits is done when the call returns; and its
queued data is known before the next request is emitted.

CPython 3.12 and later support this (``eager_start``). On 3.11 this module runs the first step,
which a new task passes to its loop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeAlias, TypeVar, cast

__all__ = ["Work", "start"]

Result = TypeVar("Result")

Work: TypeAlias = Coroutine[Any, Any, Result]
"""A coroutine with a `Result`, which any loop can run."""


def _start_eagerly(
    coroutine: Work[Result], loop: asyncio.AbstractEventLoop, name: str | None
) -> asyncio.Task[Result]:
    # typeshed knows the parameter for 3.12 and later alone
    make: Any = asyncio.Task
    return cast("asyncio.Task[Result]", make(coroutine, loop=loop, name=name, eager_start=True))


class _FirstStep:
    """Replaces a loop's `call_soon` while a task is created, and stores the callback."""

    __slots__ = ("callback", "context")

    def __call__(self, callback: Callable[[], None], *, context: Context) -> None:
        self.callback = callback
        self.context = context


# The running task of each loop on CPython 3.11: `asyncio.current_task` as it looks it up.
_current: dict[asyncio.AbstractEventLoop, asyncio.Task[Any]]
_current = getattr(asyncio.tasks, "_current_tasks", {})


def _start_by_hand(
    coroutine: Work[Result], loop: asyncio.AbstractEventLoop, name: str | None
) -> asyncio.Task[Result]:
    first = _FirstStep()
    with_attributes: Any = loop
    with_attributes.call_soon = first
    try:
        task = asyncio.Task(coroutine, loop=loop, name=name)
    finally:
        del with_attributes.call_soon
    # the caller may be a task: it is not the current one meanwhile
    current = _current.get(loop)
    if current is None:
        first.context.run(first.callback)
        return task
    asyncio.tasks._leave_task(loop, current)
    try:
        first.context.run(first.callback)
    finally:
        asyncio.tasks._enter_task(loop, current)
    return task


_start = _start_eagerly if sys.version_info >= (3, 12) else _start_by_hand


def start(
    coroutine: Work[Result], loop: asyncio.AbstractEventLoop | None = None
) -> asyncio.Task[Result]:
    """Create a task from *coroutine* that has run to its first `await`, or to its end.

    The task has the name of the function, which costs less than a number. *loop* is the running
    loop, if the caller knows it: CPython 3.11 makes a system call to find it.

    A loop with a task factory of its own makes its tasks itself: they may begin later.
    """
    if loop is None:
        loop = asyncio.get_running_loop()
    if loop.get_task_factory() is not None:
        return loop.create_task(coroutine, name=getattr(coroutine, "__qualname__", None))
    return _start(coroutine, loop, getattr(coroutine, "__qualname__", None))
