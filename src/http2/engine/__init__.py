"""HTTP/2 and HTTP/1.1 without I/O: a binding of libnghttp2, header rules, HTTP/1 requests."""

from .connection import Connection, nghttp2_version_string

__all__ = ["Connection", "nghttp2_version"]

nghttp2_version: str = nghttp2_version_string()
"""The version of the linked libnghttp2, such as ``'1.52.0'``."""
