"""Inspect the unread data of a stream."""

from __future__ import annotations

from typing import Any

__all__ = ["unread"]


def unread(stream: Any) -> int:
    """Return how many bytes *stream* has received that were not read."""
    buffer = stream._unread
    return 0 if buffer is None else int(buffer.size)
