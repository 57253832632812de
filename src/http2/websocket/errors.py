"""Define the errors of WebSockets: the end, and a failed handshake."""

from __future__ import annotations

from ..errors import Http2Error
from ..headers import Headers

__all__ = ["WebSocketClosed", "WebSocketHandshakeError"]

# Codes of a normal end (RFC 6455 section 7.4.1).
MEANT = frozenset({1000, 1001, 1005})


class WebSocketClosed(Http2Error):
    """The WebSocket is closed (code ERR_WEBSOCKET_CLOSED).

    ``__cause__`` is the error of a lost connection, if known.

    Attributes:
        close_code: The code of RFC 6455 section 7.4: that of the peer's Close frame; 1005 if the
            frame had no code; 1006 if the connection was lost without a Close frame; the code that
            this side sent if it had to fail the connection (1002, 1007, 1009, 1011, 1013).
        close_reason: The text of the Close frame; empty if there was none.
    """

    close_code: int
    close_reason: str

    def __init__(self, close_code: int, close_reason: str = "") -> None:
        """Create the error of a WebSocket that was closed with *close_code*."""
        said = f": {close_reason}" if close_reason else ""
        if close_code == 1006 and not said:
            said = ": the connection ended without a Close frame"
        super().__init__(
            "ERR_WEBSOCKET_CLOSED", f"the WebSocket was closed with {close_code}{said}"
        )
        self.close_code = close_code
        self.close_reason = close_reason

    @property
    def ok(self) -> bool:
        """Whether the end was normal: 1000, 1001, or a Close frame without a code (1005)."""
        return self.close_code in MEANT


class WebSocketHandshakeError(Http2Error):
    """The handshake failed (code ERR_WEBSOCKET_HANDSHAKE); the message says why.

    Attributes:
        status: On a client, the status of the server's answer, or None if it does not
            explain the failure; on a server, the status that is sent to the client.
        headers: On a client, the headers of the server's response, else None.
        body: On a client, the first bytes of the response's body.
    """

    status: int | None
    headers: Headers | None
    body: bytes

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        headers: Headers | None = None,
        body: bytes = b"",
    ) -> None:
        """Create the error; see the attributes."""
        super().__init__("ERR_WEBSOCKET_HANDSHAKE", message)
        self.status = status
        self.headers = headers
        self.body = body
