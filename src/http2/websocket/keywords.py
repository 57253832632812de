"""The keywords of WebSockets, as types."""

from __future__ import annotations

from typing import TypedDict

__all__ = ["WebSocketOptions"]


class WebSocketOptions(TypedDict, total=False):
    """The options of a WebSocket that a `ServerHandshake` takes."""

    max_size: int | None
    """Bytes of a message; None: any number."""
    max_queue: int
    """Messages that wait for the application."""
    compression: bool
    """Whether permessage-deflate is negotiated."""
    ping_interval: float | None
    """Seconds between pings; None: none."""
    ping_timeout: float | None
    """Seconds for an answer; None: any time."""
    close_timeout: float
    """Seconds for the peer's Close frame."""
