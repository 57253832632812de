"""Define the interfaces that `http2.common` requires of its arguments.

They are internal although the names have no underscore: one object of the library calls them on
another. Applications use only the names in the API reference.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from .tasks import Work

__all__ = ["Emits", "EmitsRequests", "EndsOnce", "EndsWithProgram", "Last", "Watcher"]

Last: TypeAlias = Callable[[tuple[Any, ...]], object]
"""A function that makes one more argument from an event's other arguments."""


class Emits(Protocol):
    """The methods of an emitter that the sources of its events call."""

    def listener_raised(self, error: Exception, event: str, args: tuple[object, ...]) -> None:
        """Handle *error*, raised by a listener."""

    def returned(
        self, result: object, event: str, args: tuple[object, ...], owner: Any = None
    ) -> None:
        """Handle *result*, which a listener has returned and which is not None.

        If it is a coroutine, it becomes a task of *owner*, by default of `task_owner`.
        """

    def run_listener(
        self, coroutine: Work[object], emitter: Any, event: str, args: tuple[object, ...]
    ) -> None:
        """Run *coroutine*, a listener of *event* of *emitter*, as a task of this object."""

    def task_owner(self, event: str, args: tuple[object, ...]) -> Any:
        """Return the owner of the tasks of *event*'s coroutine listeners: its end cancels them."""

    def listener_ended(self, work: Work[object], event: str, args: tuple[object, ...]) -> None:
        """Handle the end of the coroutine listener *work*."""


class EndsOnce(Protocol):
    """An object that emits ``close`` once."""

    @property
    def told(self) -> bool:
        """Whether ``close`` was emitted, or is being emitted."""


class EmitsRequests(Emits, Protocol):
    """A server, as used by the sources of its requests."""

    everyday: dict[str, tuple[Callable[..., object], int]]
    """By event, its only listener, unless that is for once; and the number of arguments that the
    listener takes, -1 for any number."""

    def emit_late(self, event: str, args: tuple[object, ...], last: Last) -> bool:
        """Emit *event*; listeners that take one more argument also get the result of *last*."""


class EndsWithProgram(Protocol):
    """An object that `http2.run` closes at the end of the program: a session or a server."""

    def end_gently(self) -> None:
        """Close after the requests in progress."""

    def end_now(self) -> None:
        """Close at once."""


class Watcher(Protocol):
    """What handles the end of a coroutine in the task that continues it."""

    def finish(self, work: Awaitable[Any]) -> Coroutine[Any, Any, Any]:
        """Wait for *work*, the rest of the coroutine, and handle its result or its error."""
