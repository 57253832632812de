"""The doors of `http2.common`: what its objects need of those that they are handed.

Internal, although the names have no underscore: an interface is what one object may call on
another. Programs call what the reference names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

__all__ = ["Emits", "EndsWithProgram", "Last"]

Last: TypeAlias = Callable[[tuple[Any, ...]], object]
"""What makes an argument of those before it."""


class Emits(Protocol):
    """What those may call on an emitter whose events they hand on."""

    def offer(self, event: str, first: object, second: object) -> bool:
        """Call the only listener of *event* if it takes these two; whether there is such a one."""

    def emit_late(self, event: str, args: tuple[object, ...], last: Last) -> bool:
        """As `emit`, with one argument more for those who take it: what *last* makes of *args*."""


class EndsWithProgram(Protocol):
    """What `http2.run` ends when its program is over: a session or a server."""

    def end_gently(self) -> None:
        """Begin to end, after what is under way."""

    def end_now(self) -> None:
        """End at once."""
