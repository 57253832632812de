class WebSocketFrames:
    """What a peer has sent, and its frames."""

    def __init__(self, client: bool, max_size: int | None, compresses: bool) -> None: ...
    @property
    def unread(self) -> int:
        """Bytes that have come and were not given."""

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take *data*, bytes of the peer's."""

    def take(self, between: bool) -> str | bytes | bytearray | tuple[int, bytes] | None:
        """The next that has come; None when more is needed.

        A `str` or `bytes` is a whole message, and a tuple ``(opcode, bytes)`` one that is
        compressed. A `bytearray` is a piece of another frame, masked as it came. *between*:
        whether a message may begin here.
        """
