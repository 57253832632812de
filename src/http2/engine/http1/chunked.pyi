from http2.engine.http1.head import Http1Limits
from http2.headers import Headers

class ChunkedBody:
    """The chunked body of one request."""

    kept: bytes
    """Bytes of an incomplete line, or of an incomplete trailer section."""
    rest: bytes
    """The bytes after the message, once it is `done`."""
    done: bool
    """Whether the last byte of the message has arrived."""
    trailers: Headers | None
    """The trailer fields, if there were any."""

    def __init__(self, limits: Http1Limits) -> None:
        """Create the parser of one body."""

    def feed(self, data: bytes) -> bytes:
        """Take *data*; return the part of the body in it. Raises `BadRequest`."""
