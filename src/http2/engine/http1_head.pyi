from http2.headers import Headers

class BadRequest(Exception):
    """What a client has sent is no request that can be served."""

    status: int
    """The status of the answer, after which the connection is closed."""

    def __init__(self, status: int, reason: str) -> None:
        """Make one; *reason* is for the log."""

class Http1Limits:
    """How large heads and trailer sections may be."""

    url_size: int
    """Bytes of a target."""
    section_size: int
    """Bytes of a header section, or of a trailer section."""
    fields: int
    """Fields of either."""

    def __init__(self, *, url_size: int, section_size: int, fields: int) -> None:
        """Make one."""

class Http1Head:
    """What a request says before its body."""

    method: str
    url: str
    version: str
    """``'1.1'`` or ``'1.0'``."""
    headers: Headers
    length: int
    """Bytes of the body, when it is not `chunked`."""
    chunked: bool
    keep_alive: bool
    """Whether the client wants to make another request on the connection."""
    upgrade: bool
    """Whether the client offers to leave HTTP, or by CONNECT asks for it."""
    expects: bool
    """Whether the client may wait for an informational response before it sends the body."""
    body: bytes | None
    """The whole body, when it was there already, or there is none; else None."""
