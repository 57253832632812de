from http2.headers import OutgoingHeaders

class Http1Fields:
    """Checked header fields."""

    held: OutgoingHeaders | None
    """What was given, copied."""
    status: int
    """The value of ``:status``; 0 without."""
    length: int | None
    """The value of ``content-length``."""
    dated: bool
    """Whether there is a ``date`` among what was given."""
    date: str | None
    """The ``date`` that was added."""
    keep_alive: bool
    """Whether there is a ``keep-alive``."""
    connection: str | None
    """The value of ``connection``; several are joined."""
    lines: bytes
    """The fields that are sent as they are, each with its CRLF."""

    def whole(self, line: bytes, connection: bytes, body: bytes, most: int) -> bytes | None:
        """The response with these fields, whose whole body is *body*: *line*, fields, length.

        *connection* is the fields that say what becomes of the connection. A body of up to *most*
        bytes is part of the result. None if the fields say something about the connection
        themselves, or have another ``content-length``.
        """

def http1_fields(
    headers: OutgoingHeaders | None,
    *,
    strict_whitespace: bool = True,
    strict_single_value: bool = True,
    informational: bool = False,
    trailers: bool = False,
    send_date: bool = False,
) -> Http1Fields:
    """Check *headers* by the rules that hold over HTTP/2, and those of HTTP/1.

    With *send_date*, a ``date`` is added unless one was given.

    Raises ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR, ERR_HTTP2_INVALID_HEADER_VALUE,
    ERR_HTTP2_HEADER_SINGLE_VALUE, ERR_HTTP2_INVALID_PSEUDOHEADER, ERR_INVALID_ARG_TYPE;
    ERR_HTTP2_INVALID_CONNECTION_HEADERS for what the framing is left to: a
    ``transfer-encoding`` other than chunked, and in *trailers*.
    """
