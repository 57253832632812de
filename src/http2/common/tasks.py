"""Run coroutines eagerly: to their first `await` in the call that starts them.

So listeners that a coroutine registers in its first lines get all later events,
as with a plain function; a handler that never waits is done when the call returns; and its
queued data is known before the next request is emitted.

Most handlers never wait, and an `asyncio.Task` costs more than a small request. So `run` makes
the task object, which is `asyncio.current_task` meanwhile, but asyncio's part of it begins only
when the coroutine waits, or when anything asks for one of its attributes: `asyncio.timeout` or
`asyncio.TaskGroup`, for example. From then on it is a task like others.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Generator
from types import coroutine as generator_coroutine
from typing import Any, TypeAlias, TypeVar

from .first_step import FirstStep

__all__ = ["Work", "run", "start"]

Result = TypeVar("Result")

Work: TypeAlias = Coroutine[Any, Any, Result]
"""A coroutine with a `Result`, which any loop can run."""


@generator_coroutine
def _continue(step: FirstStep) -> Generator[Any, Any, Any]:
    """Continue the coroutine of *step* in a task, which begins after the first `yield`."""
    thrown: BaseException | None = None
    try:
        yield
    except asyncio.CancelledError as error:
        # cancelled before asyncio knew what the task waits for
        waiter = step.waiter
        if step.over or waiter is None or not waiter.cancel(*error.args):
            thrown = error
    except BaseException as error:
        thrown = error
    if step.over:
        thrown = thrown or step.error
        if thrown is None:
            return step.result
        raise thrown
    coroutine, waiter = step.coroutine, step.waiter
    while True:
        if thrown is not None:
            try:
                waiter = coroutine.throw(thrown)
            except StopIteration as end:
                return end.value
            finally:
                thrown = None
        elif waiter is None or waiter.done():
            break
        try:
            yield waiter
        except BaseException as error:
            thrown = error
        else:
            break
    return (yield from coroutine)


async def _rest(step: FirstStep) -> Any:
    return await _continue(step)


class EagerTask(asyncio.Task[Any]):
    """A task whose coroutine was started by `run`."""

    __slots__ = ("_coro", "step")

    _coro: Work[Any]
    step: FirstStep

    def get_coro(self) -> Any:
        """Return the coroutine that `run` has started."""
        return self._coro


class _UnbegunTask(EagerTask):
    """The same before asyncio's part begins, with the first use of an attribute."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        _begin(self)
        return getattr(self, name)

    def __repr__(self) -> str:
        _begin(self)
        return repr(self)


_new_task = _UnbegunTask.__new__


def _begin(task: EagerTask) -> None:
    task.__class__ = EagerTask
    step = task.step
    del task.step
    task._coro = step.coroutine
    work = _rest(step)
    work.send(None)
    asyncio.Task.__init__(
        task, work, loop=step.loop, name=_name(step.coroutine), context=step.context
    )


def _name(coroutine: Work[Any]) -> str | None:
    # costs less than the number that asyncio would choose
    return getattr(coroutine, "__qualname__", None)


def _references() -> int:
    task = object()
    return sys.getrefcount(task)


# What `sys.getrefcount` counts for an object that only one local variable refers to.
_ALONE = _references()


def run(
    coroutine: Work[Result],
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
    if loop is None:
        loop = asyncio.get_running_loop()
    if loop.get_task_factory() is not None:
        return loop.create_task(coroutine, name=_name(coroutine))
    step = FirstStep(coroutine, loop)
    task = _new_task(_UnbegunTask)
    task.step = step
    error: BaseException | None = None
    try:
        step.take(task)
    except (Exception, asyncio.CancelledError) as raised:
        error = raised
    if type(task) is _UnbegunTask:
        if step.over and not keep and sys.getrefcount(task) == _ALONE:
            if error is None:
                return None
            try:
                raise error
            finally:
                error = None  # which refers to this frame
        _begin(task)
    step.error = error
    return task


def start(
    coroutine: Work[Result], loop: asyncio.AbstractEventLoop | None = None
) -> asyncio.Task[Result]:
    """Run *coroutine* to its first `await`, or to its end; return its task, as `run` does."""
    task = run(coroutine, loop, keep=True)
    assert task is not None
    return task
