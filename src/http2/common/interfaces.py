"""Define the interfaces that `http2.common` requires of its arguments.

They are internal although the names have no underscore: one object of the library calls them on
another. Applications use only the names in the API reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from .tasks import Work

__all__ = ["Emits", "EndsWithProgram", "Last"]

Last: TypeAlias = Callable[[tuple[Any, ...]], object]
"""What makes an argument of those before it."""


class Emits(Protocol):
    """What those may call on an emitter whose events they hand on."""

    everyday: dict[str, Callable[..., object]]
    """By event, the listener that is the only one, and takes two arguments each time."""

    def listener_raised(self, error: Exception, event: str, args: tuple[object, ...]) -> None:
        """An `everyday` listener has raised *error*."""

    def returned(self, result: object, event: str, args: tuple[object, ...]) -> None:
        """An `everyday` listener has returned *result*, which is not None."""

    def run_listener(
        self, coroutine: Work[object], emitter: Any, event: str, args: tuple[object, ...]
    ) -> None:
        """Run *coroutine*, a listener of *event* of *emitter*, as a task of this object."""

    def task_owner(self, event: str, args: tuple[Any, ...]) -> Any:
        """Return what owns the tasks of coroutine listeners of *event*: its end cancels them."""

    def listener_ended(self, work: Work[object], event: str, args: tuple[object, ...]) -> None:
        """Handle the end of the coroutine listener *work*."""

    def emit_late(self, event: str, args: tuple[object, ...], last: Last) -> bool:
        """As `emit`, with one argument more for those who take it: what *last* makes of *args*."""


class EndsWithProgram(Protocol):
    """An object that `http2.run` ends at the end of the program: a session or a server."""

    def end_gently(self) -> None:
        """Close, after the requests in progress."""

    def end_now(self) -> None:
        """End at once."""
