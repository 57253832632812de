import asyncio
import codecs
from collections import deque

from ..interfaces import ReadStream

class ReceiverBase:
    chunks: list[bytes] | deque[bytes]
    """The unread bytes, in the chunks in which they came."""
    size: int
    """The number of unread bytes."""
    reported: int
    """Bytes at the front that are already reported as read: their read was cancelled."""
    did_read: bool
    """Whether the program has begun to read."""
    flowing: bool | None
    """Whether data goes to listeners; None until the program has decided."""
    _flow_scheduled: bool
    _decoder: codecs.IncrementalDecoder | None
    # The coroutine that waits for data.
    _reader: asyncio.Future[None] | None
    # Callers that wait for the peer's last byte, read or unread.
    _end_waiters: list[asyncio.Future[None]] | None

    def __init__(self, data: bytes = b"") -> None: ...
    def receive(self, stream: ReadStream, data: bytes, end: bool) -> None:
        """Accept *data* from the peer; *end* says that these are its last bytes."""

    def finish(self, stream: ReadStream) -> None:
        """End the stream's reading if the peer has sent its last byte, and all is read."""

    def _take_all(self, stream: ReadStream) -> bytes:
        """Remove and return the unread bytes."""

    def _take(self, stream: ReadStream, n: int) -> bytes:
        """Remove and return at most *n* unread bytes."""

    def _take_chunk(self, stream: ReadStream) -> bytes:
        """Remove and return the oldest chunk."""
