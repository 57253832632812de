import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any

class Wakes:
    """Continues the tasks of waiters: all that are woken in one turn of *loop*, in the next."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None: ...
    def waiter(self) -> Waiter:
        """Return a new waiter."""

class Waiter:
    """A wait of one task, until `wake` or `fail`: like a future without a result, but cheaper."""

    def __await__(self) -> Generator[Any]: ...
    @property
    def get_loop(self) -> Callable[[], asyncio.AbstractEventLoop]:
        """The method of a future that returns its loop."""
    def done(self) -> bool:
        """Return whether the task may continue."""
    def cancel(self, msg: object = None) -> bool:
        """Raise `CancelledError` in the task; return False if it may continue already."""
    def add_done_callback(
        self, callback: Callable[[Any], object], *, context: Context | None = None
    ) -> None:
        """Continue the task with *callback*, which belongs to the task itself."""
    def wake(self) -> None:
        """Let the task continue."""
    def fail(self, error: BaseException) -> bool:
        """Raise *error* in the task; return False if it may continue already."""
