from http2.headers import Headers

class BadRequest(Exception):
    """A client's bytes are not a request that can be served."""

    status: int
    """The status of the response, after which the connection is closed."""

    def __init__(self, status: int, reason: str) -> None:
        """Create the error; *reason* is for the log."""

class Http1Limits:
    """Limits of heads and trailer sections."""

    url_size: int
    """Largest target, in bytes."""
    section_size: int
    """Largest header section or trailer section, in bytes."""
    fields: int
    """Largest number of fields in a section."""

    def __init__(self, *, url_size: int, section_size: int, fields: int) -> None:
        """Create the limits of a server."""

class Http1Head:
    """The head of a request."""

    method: str
    url: str
    version: str
    """``'1.1'`` or ``'1.0'``."""
    headers: Headers
    length: int
    """Length of the body in bytes, if it is not `chunked`."""
    chunked: bool
    keep_alive: bool
    """Whether the client permits another request on the connection."""
    upgrade: bool
    """Whether the client offers another protocol, or asks for a tunnel with CONNECT."""
    expects: bool
    """Whether the client may wait for an informational response before it sends the body."""
    body: bytes | None
    """The whole body if it has arrived, empty if there is none; else None."""
    request: tuple[Headers, str, str, str, bytes | None]
    """`headers`, `method`, `url`, `version` and `body`: faster than one by one."""
