from http2.headers import OutgoingHeaders

class Http1Fields:
    """Checked header fields."""

    held: OutgoingHeaders | None
    """A copy of the headers that were given."""
    status: int
    """The value of ``:status``; without one, 200 for a response, else 0."""
    bodiless: bool
    """Whether responses with this status have no body."""
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

class Http1FieldRules:
    """The rules for the application's header fields: HTTP/2's, and HTTP/1's.

    Their methods raise ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR, ERR_HTTP2_INVALID_HEADER_VALUE,
    ERR_HTTP2_HEADER_SINGLE_VALUE, ERR_HTTP2_INVALID_PSEUDOHEADER, ERR_INVALID_ARG_TYPE, and
    ERR_HTTP2_INVALID_CONNECTION_HEADERS for a ``transfer-encoding`` other than chunked.
    """

    def __init__(self, *, strict_whitespace: bool, strict_single_value: bool) -> None:
        """Create the rules of a server.

        *strict_whitespace*: whitespace around a value is an error; *strict_single_value*: so are
        several values of a field that must have one.
        """

    def response(self, headers: OutgoingHeaders | None, send_date: bool) -> Http1Fields:
        """Check the *headers* of a response; return them as lines.

        With *send_date*, a ``date`` is added unless one was given. The status is 200 unless one
        was given; ERR_HTTP2_STATUS_INVALID if it is not from 200 to 599.
        """

    def informational(self, headers: OutgoingHeaders | None) -> Http1Fields:
        """Check the *headers* of an informational response, with any status; the same."""

    def trailers(self, headers: OutgoingHeaders | None) -> Http1Fields:
        """Check the fields after a body; the same.

        ERR_HTTP2_INVALID_CONNECTION_HEADERS for fields that frame a message.
        """
