from http2.engine.http1_head import Http1Limits
from http2.headers import Headers

class ChunkedBody:
    """The body of one request, as it comes."""

    kept: bytes
    """What has come of a line, or of a trailer section, that is not complete."""
    rest: bytes
    """What lies behind the message, once it is `done`."""
    done: bool
    """Whether the last byte of the message was there."""
    trailers: Headers | None
    """The trailer fields, if there were any."""

    def __init__(self, limits: Http1Limits) -> None:
        """Make one."""

    def feed(self, data: bytes) -> bytes:
        """Take *data*; what it has of the body. Raises `BadRequest`."""
