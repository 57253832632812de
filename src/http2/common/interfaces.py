"""The doors of `http2.common`: what its objects need of those that they are handed.

Internal, although the names have no underscore: an interface is what one object may call on
another. Programs call what the reference names.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["EndsWithProgram"]


class EndsWithProgram(Protocol):
    """What `http2.run` ends when its program is over: a session or a server."""

    def end_gently(self) -> None:
        """Begin to end, after what is under way."""

    def end_now(self) -> None:
        """End at once."""
