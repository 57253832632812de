"""HTTP/2 without I/O: a binding of libnghttp2 (`connection`) and header blocks."""

from .connection import Connection

__all__ = ["Connection"]
