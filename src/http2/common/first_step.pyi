"""The types of `http2.common.first_step`."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

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
    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop
    ) -> None: ...
    def take(self, task: asyncio.Task[Any]) -> None:
        """Take the step while *task* is the current one. Raises what the coroutine raises."""
