"""What streams take, as types: bodies and files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import os

    from typing_extensions import Buffer

__all__ = ["Chunk", "Descriptor", "FilePath", "HasFileno", "OnError"]


class HasFileno(Protocol):
    """What has a file descriptor, such as an open file."""

    def fileno(self) -> int:
        """Its number."""


Chunk: TypeAlias = "Buffer | str"
"""A piece of a body: what has the buffer protocol, or text, which is sent as UTF-8."""

OnError: TypeAlias = "Callable[[Exception], object] | Callable[[], object]"
"""What is called with an error."""

Descriptor: TypeAlias = "int | HasFileno"
"""A file descriptor, or what has one."""

FilePath: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes]"
"""The path of a file."""
