"""HTTP/2 without I/O: a binding of libnghttp2 (`connection`) and header blocks."""

from .connection import Connection, nghttp2_version_string

__all__ = ["Connection", "nghttp2_version"]

nghttp2_version: str = nghttp2_version_string()
"""The version of the linked libnghttp2, such as ``'1.52.0'``."""
