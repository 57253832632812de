"""Options of WebSockets that do not exist, or have another type."""

from __future__ import annotations

import http2
from http2.websocket import ServerHandshake


def websockets(session: http2.ClientHttp2Session) -> None:
    """Options of WebSockets."""
    http2.connect_websocket("wss://example.org/", session=session, maxSize=5)  # wrong
    http2.connect_websocket("wss://example.org/", cafile="ca.pem")  # wrong
    http2.connect_websocket("wss://example.org/", ping_interval="30")  # wrong


def handshake(stream: http2.ServerHttp2Stream) -> None:
    """The server's side."""
    http2.accept_websocket(stream, max_sise=5)  # wrong
    ServerHandshake(stream, max_size="5")  # wrong
