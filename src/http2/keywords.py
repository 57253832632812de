"""Types of keyword arguments and signatures, for type checkers, editors and programs.

Each room defines its own. A `TypedDict` has the options of one function:
``def function(**options: Unpack[ServerOptions])``. All keywords are optional.
"""

from __future__ import annotations

from typing import TypedDict

from .compat.keywords import SecureServerOptions, ServerOptions
from .net.origins import HasOrigin, Origin
from .sessions.keywords import (
    ConnectionOptions,
    ConnectOptions,
    ServerSessionOptions,
)
from .streams.files import StatCheck
from .streams.keywords import Chunk, Descriptor, FilePath, HasFileno, OnError
from .streams.pipe import Sink, Source
from .tls.keywords import Pem, SecureContextOptions
from .tunnels.carriers import Carrying

__all__ = [
    "Carrying",
    "Chunk",
    "ConnectOptions",
    "ConnectionOptions",
    "Descriptor",
    "FilePath",
    "HasFileno",
    "HasOrigin",
    "OnError",
    "Origin",
    "Pem",
    "SecureContextOptions",
    "SecureServerOptions",
    "ServerOptions",
    "ServerSessionOptions",
    "Sink",
    "Source",
    "StatCheck",
    "WebSocketOptions",
]


# Here, for the room of WebSockets needs a package that may be missing.
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
