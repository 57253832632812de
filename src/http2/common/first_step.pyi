"""The types of `http2.common.first_step`."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

from .interfaces import Watcher

Result = TypeVar("Result")

class FirstStep:
    """The first step of *coroutine*: its arguments, and its result."""

    @property
    def coroutine(self) -> Coroutine[Any, Any, Any]: ...
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def context(self) -> Context: ...
    @property
    def over(self) -> bool:
        """Whether the coroutine has ended, with `result` or `error`; else it waits."""
    @property
    def result(self) -> Any: ...
    @property
    def waiter(self) -> asyncio.Future[Any] | None:
        """What the coroutine waits for; None: for the next turn of the loop."""
    error: BaseException | None
    # What handles the end of the coroutine in its task, if it has one.
    watcher: Watcher | None
    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop
    ) -> None: ...
    def take(self, task: asyncio.Task[Any]) -> None:
        """Take the step while *task* is the current one. Raises what the coroutine raises."""

def run(
    coroutine: Coroutine[Any, Any, Result],
    loop: asyncio.AbstractEventLoop | None = None,
    *,
    keep: bool = False,
) -> asyncio.Task[Result] | None:
    """Run *coroutine* to its first `await`; return the task that continues it.

    Returns None if the coroutine has ended, or raises its exception. With *keep*, and if its task
    was used or kept, the task has the result or the exception: from the next turn of the loop on.
    The task has the name of the coroutine's function. *loop* is the running loop, if the caller
    knows it: CPython 3.11 makes a system call to find it.

    A loop with a task factory of its own makes its tasks itself: they may begin later.
    """
