"""Types of keyword arguments and signatures, for type checkers, editors and programs.

Each room defines its own. A `TypedDict` has the options of one function:
``def function(**options: Unpack[ServerOptions])``. All keywords are optional.
"""

from __future__ import annotations

from .compat.keywords import SecureServerOptions, ServerOptions
from .net.origins import HasOrigin, Origin
from .sessions.keywords import (
    Carrying,
    ConnectionOptions,
    ConnectOptions,
    ServerSessionOptions,
)
from .streams.files import StatCheck
from .streams.keywords import Chunk, Descriptor, FilePath, HasFileno, OnError
from .streams.pipe import Sink, Source
from .tls.keywords import Pem, SecureContextOptions
from .websocket.keywords import WebSocketOptions

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
