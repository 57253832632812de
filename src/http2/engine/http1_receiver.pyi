from http2.engine.http1_head import Http1Head, Http1Limits
from http2.headers import Headers

class Http1Receiver:
    """What a client sends over HTTP/1: bytes in, heads and bodies out."""

    waiting: int
    """Bytes that were not looked at."""
    begun: bool
    """Whether a head has begun to come and is not complete."""
    receiving: bool
    """Whether a body, or a part of one, is still to come."""
    left: int
    """Bytes that are still to come of a body whose length is known; 0 of others."""
    trailers: Headers | None
    """The trailer fields behind the body that has come last, if there were any."""

    def __init__(self, limits: Http1Limits) -> None:
        """Make the one of a connection."""

    def feed(self, data: bytes | memoryview, size: int) -> None:
        """Take the first *size* bytes of *data*."""

    def head(self) -> Http1Head | None:
        """The head of the next request; None when more has to come first.

        Only between messages. Raises `BadRequest`.
        """

    def body(self) -> bytes:
        """What has come of the body since the last call; `receiving` says whether more will.

        Raises `BadRequest`.
        """

    def rest(self) -> bytes:
        """Take the bytes that were not looked at: they are another protocol's."""
