"""WebSocket (RFC 6455) over streams of HTTP/2 (RFC 8441), and over HTTP/1.1 on servers.

Needs ``wsproto``, which ``pip install 'http2[websocket]'`` installs. `http2` has the names for
applications; `ServerHandshake`, `HttpAnswer` and `is_websocket_request` are for frameworks on
top of them.
"""

from __future__ import annotations

try:
    import wsproto  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "wsproto":
        raise
    raise ModuleNotFoundError(
        "WebSockets need the package wsproto: pip install 'http2[websocket]'", name="wsproto"
    ) from error

from .client import connect_websocket
from .connection import WebSocket
from .errors import WebSocketClosed, WebSocketHandshakeError
from .server import HttpAnswer, ServerHandshake, accept_websocket, is_websocket_request

__all__ = [
    "HttpAnswer",
    "ServerHandshake",
    "WebSocket",
    "WebSocketClosed",
    "WebSocketHandshakeError",
    "accept_websocket",
    "connect_websocket",
    "is_websocket_request",
]
