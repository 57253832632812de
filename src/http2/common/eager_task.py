"""`EagerTask`: a task whose coroutine was started before asyncio knew of it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from types import coroutine as generator_coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .first_step import FirstStep
    from .tasks import Work

__all__ = ["EagerTask", "UnbegunTask", "begin", "name_of"]


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


class UnbegunTask(EagerTask):
    """The same before asyncio's part begins, with the first use of an attribute."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name == "get_name":
            # `logging` asks for it with each record, from CPython 3.12 on
            known = name_of(object.__getattribute__(self, "step").coroutine)
            if known is not None:
                return lambda: known
        begin(self)
        return getattr(self, name)

    def __repr__(self) -> str:
        begin(self)
        return repr(self)


def begin(task: EagerTask) -> None:
    """Begin asyncio's part of *task*."""
    task.__class__ = EagerTask
    step = task.step
    del task.step
    task._coro = step.coroutine
    watcher = step.watcher
    work = _rest(step) if watcher is None else watcher.finish(_continue(step))
    work.send(None)
    asyncio.Task.__init__(
        task, work, loop=step.loop, name=name_of(step.coroutine), context=step.context
    )


def name_of(coroutine: Work[Any]) -> str | None:
    """Return the name of the coroutine's function, for its task."""
    # costs less than the number that asyncio would choose
    return getattr(coroutine, "__qualname__", None)
