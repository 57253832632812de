"""Inspect the unread data of a stream."""

from __future__ import annotations

from typing import Any

__all__ = ["unread"]


def unread(stream: Any) -> int:
    """Return how many bytes *stream* has received that were not read."""
    receiver = stream._receiver
    return 0 if receiver is None else int(receiver.size)
