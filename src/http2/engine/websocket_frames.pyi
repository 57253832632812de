def message_frame(data: str | bytes | bytearray | memoryview, client: bool) -> bytes:
    """Return the frame of the message *data*: the only one, without compression.

    With *client* it is masked.
    """

class WebSocketFrames:
    """The received bytes of a WebSocket, split into frames."""

    def __init__(self, client: bool, max_size: int | None, compresses: bool) -> None: ...
    @property
    def unread(self) -> int:
        """Number of bytes that were received and not taken."""

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take *data*, received bytes."""

    def take(self, between: bool) -> str | bytes | bytearray | tuple[int, bytes] | None:
        """Return the next message or piece of a frame; None if more bytes are needed.

        A `str` or `bytes` is a whole message, and a tuple ``(opcode, bytes)`` one that is
        compressed. A `bytearray` is a piece of another frame, masked as it was received. *between*:
        whether a message may begin here.
        """
