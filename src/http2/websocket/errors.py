"""What goes wrong with a WebSocket: its end, and a handshake that fails."""

from __future__ import annotations

from ..errors import Http2Error
from ..headers import Headers

__all__ = ["WebSocketClosed", "WebSocketHandshakeError"]

# Codes of an end that was meant, by one side or the other (RFC 6455 section 7.4.1).
MEANT = frozenset({1000, 1001, 1005})


class WebSocketClosed(Http2Error):
    """The WebSocket is closed (code ERR_WEBSOCKET_CLOSED): nothing more comes, nothing more goes.

    ``__cause__`` is why the connection was lost, where that is known.

    Attributes:
        close_code: The code of RFC 6455 section 7.4: that of the peer's Close frame; 1005 for one
            without a code; 1006 for a connection that was lost without one; and what the peer was
            told, when this side had to fail the connection (1002, 1007, 1009, 1011,
            1013).
        close_reason: The text that came with it; empty when there was none.
    """

    close_code: int
    close_reason: str

    def __init__(self, close_code: int, close_reason: str = "") -> None:
        """Make the error of a WebSocket that was closed with *close_code*."""
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
        """Whether the end was meant: 1000, 1001, or a Close frame without a code (1005)."""
        return self.close_code in MEANT


class WebSocketHandshakeError(Http2Error):
    """There is no WebSocket (code ERR_WEBSOCKET_HANDSHAKE): the message says why.

    Attributes:
        status: On a client, the status that the server has answered with, or None when it has
            answered with none that explains it; on a server, the status that the client is told.
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
        """Make the error; see the attributes."""
        super().__init__("ERR_WEBSOCKET_HANDSHAKE", message)
        self.status = status
        self.headers = headers
        self.body = body
