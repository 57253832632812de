from http2.headers import OutgoingHeaders

class Http1Fields:
    """Checked header fields."""

    held: OutgoingHeaders | None
    """A copy of the headers that were given."""
    status: int
    """The value of ``:status``; 0 without one."""
    length: int | None
    """The value of ``content-length``."""
    dated: bool
    """Whether the headers that were given have a ``date``."""
    date: str | None
    """The ``date`` that was added."""
    keep_alive: bool
    """Whether the headers have a ``keep-alive``."""
    connection: str | None
    """The value of ``connection``; several are joined."""
    lines: bytes
    """The fields that are sent as they are, each with its CRLF."""

    def whole(self, line: bytes, connection: bytes, body: bytes, most: int) -> bytes | None:
        """Return the response with these fields and *body*: *line*, fields, length, *connection*.

        *connection* is the fields that say whether the connection persists. A *body* of at most
        *most* bytes is part of the result; a longer one only sets ``content-length``. None if the
        headers have ``connection``, ``keep-alive`` or another ``content-length``.
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
    """Check *headers* by HTTP/2's rules and HTTP/1's; return them as lines.

    With *send_date*, a ``date`` is added unless one was given.

    Raises ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR, ERR_HTTP2_INVALID_HEADER_VALUE,
    ERR_HTTP2_HEADER_SINGLE_VALUE, ERR_HTTP2_INVALID_PSEUDOHEADER, ERR_INVALID_ARG_TYPE;
    ERR_HTTP2_INVALID_CONNECTION_HEADERS for a ``transfer-encoding`` other than chunked, and for
    fields of the framing in *trailers*.
    """
