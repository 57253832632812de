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


# Defined here, because the room of WebSockets needs a package that may be missing.
class WebSocketOptions(TypedDict, total=False):
    """The options of a WebSocket that a `ServerHandshake` takes."""

    max_size: int | None
    """Maximum size of a decompressed message in bytes; None for no limit."""
    max_queue: int
    """Messages waiting for `WebSocket.recv` at which the peer is held back."""
    compression: bool
    """Whether permessage-deflate is negotiated."""
    ping_interval: float | None
    """Seconds between pings; None for no pings."""
    ping_timeout: float | None
    """Seconds within which the peer must send anything after a ping; None for no limit."""
    close_timeout: float
    """Seconds for the peer's Close frame after this side's."""
