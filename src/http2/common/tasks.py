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
from collections.abc import Coroutine
from typing import Any, TypeAlias, TypeVar

from .first_step import run

__all__ = ["Work", "run", "start"]

Result = TypeVar("Result")

Work: TypeAlias = Coroutine[Any, Any, Result]
"""A coroutine with a `Result`, which any loop can run."""


def start(
    coroutine: Work[Result], loop: asyncio.AbstractEventLoop | None = None
) -> asyncio.Task[Result]:
    """Run *coroutine* to its first `await`, or to its end; return its task, as `run` does."""
    task = run(coroutine, loop, keep=True)
    assert task is not None
    return task
