from http2.engine.http1.head import Http1Head, Http1Limits
from http2.headers import Headers

class Http1Receiver:
    """The receiving half of an HTTP/1 server connection: bytes in, heads and bodies out."""

    waiting: int
    """Bytes that were not parsed yet."""
    begun: bool
    """Whether a head has arrived in part."""
    receiving: bool
    """Whether a body, or a part of one, is still to come."""
    left: int
    """Bytes of a body of known length that are still to come; 0 for other bodies."""
    trailers: Headers | None
    """The trailer fields of the last body, if there were any."""

    def __init__(self, limits: Http1Limits) -> None:
        """Create a receiver for one connection."""

    def feed(self, data: bytes | memoryview, size: int) -> None:
        """Take the first *size* bytes of *data*."""

    def head(self) -> Http1Head | None:
        """Return the head of the next request; None if more bytes are needed.

        Only between messages. Raises `BadRequest`.
        """

    def body(self) -> bytes:
        """Return the part of the body that has arrived since the last call.

        `receiving` says whether more will follow. Raises `BadRequest`.
        """

    def rest(self) -> bytes:
        """Remove and return the bytes that were not parsed: they are another protocol's."""
