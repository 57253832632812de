"""Types of the arguments of streams: bodies and files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import os

    from typing_extensions import Buffer

__all__ = ["Chunk", "Descriptor", "FilePath", "HasFileno", "OnError"]


class HasFileno(Protocol):
    """An object with a file descriptor, such as an open file."""

    def fileno(self) -> int:
        """Return the descriptor's number."""


Chunk: TypeAlias = "Buffer | str"
"""A part of a body: an object with the buffer protocol, or text, which is sent as UTF-8."""

OnError: TypeAlias = "Callable[[Exception], object] | Callable[[], object]"
"""A function that is called with an error."""

Descriptor: TypeAlias = "int | HasFileno"
"""A file descriptor, or an object with one."""

FilePath: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes]"
"""The path of a file."""
