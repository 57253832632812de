"""Define the errors of this library: one hierarchy, each error with Node's name in `code`.

`new_error` builds an error from its code alone; `stream_error`, `session_error` and
`nghttp_error` build errors that carry a number. The class of a code follows these rules:

- Node raises a `TypeError`: `Http2TypeError`. Node raises a `RangeError`: `Http2ValueError`.
- Node raises a plain `Error` for a wrong argument (the CONNECT pseudo-headers, status 101, a stream
  that depends on itself, ...): `Http2ValueError`, because in Python a wrong argument is
  either a `TypeError` or a `ValueError`.
- ERR_INVALID_ARG_VALUE, which Node raises as either of the two, is both: `Http2ArgumentError`.
- Errors that depend on the state of a stream, session or file are not errors of an argument: plain
  `Http2Error`, or the class that carries the error's number.
"""

from __future__ import annotations

from typing import Final

from .constants import ERROR_CODE_NAMES, NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM

__all__ = [
    "CODES",
    "AbortError",
    "ConnectionClosed",
    "GoAwayError",
    "HeaderError",
    "Http2ArgumentError",
    "Http2Error",
    "Http2TypeError",
    "Http2ValueError",
    "NghttpError",
    "SessionError",
    "SessionTimeoutError",
    "StreamError",
    "StreamTimeoutError",
    "UnsupportedWarning",
    "connection_closed",
    "error_code_name",
    "goaway_error",
    "new_error",
    "nghttp_error",
    "session_error",
    "stream_error",
]


def _restore(cls: type[Http2Error], args: tuple[object, ...]) -> Http2Error:
    """Rebuild a pickled or copied error without its constructor; the state follows."""
    return cls.__new__(cls, *args)


class Http2Error(Exception):
    """Base of all errors of this library.

    Attributes:
        code: Node's name of the error, for example `'ERR_HTTP2_INVALID_STREAM'`.
        retryable: True when the peer has certainly not processed the request, so that repeating
            it is safe whatever its method (RFC 9113 section 8.7).
    """

    code: str
    retryable: bool

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        """Create an error; `str()` of it is the message.

        Args:
            code: Node's name of the error.
            message: The text that says what happened.
            retryable: Whether the peer has certainly not processed the request.
        """
        super().__init__(message)
        self.code = code
        self.retryable = retryable

    def __repr__(self) -> str:
        """Show the class, the code and the message."""
        return f"{type(self).__name__}({self.code!r}, {str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy without the constructor: its required keywords are not in `args`."""
        return _restore, (type(self), self.args), self.__dict__


class Http2TypeError(Http2Error, TypeError):
    """A wrong argument, where Node raises a `TypeError`."""


class Http2ValueError(Http2Error, ValueError):
    """A wrong argument: its value is not allowed."""


class Http2ArgumentError(Http2TypeError, Http2ValueError):
    """A wrong argument that is both a `TypeError`, as in Node, and a `ValueError`, as in Python."""


class HeaderError(Http2TypeError):
    """Headers that cannot be sent: a name, a value or a pseudo-header is invalid."""


class StreamError(Http2Error):
    """A stream ended with an error code, sent or received.

    Attributes:
        error_code: The code of RFC 9113 section 7, for example `NGHTTP2_CANCEL`.
        stream_id: The number of the stream; None when it never got one.
    """

    error_code: int
    stream_id: int | None

    def __init__(
        self,
        code: str,
        message: str,
        *,
        error_code: int,
        stream_id: int | None = None,
        retryable: bool = False,
    ) -> None:
        """Create an error; see the attributes. `stream_error` covers the common case."""
        super().__init__(code, message, retryable=retryable)
        self.error_code = error_code
        self.stream_id = stream_id


class SessionError(Http2Error):
    """A session ended with an error code, sent or received.

    Attributes:
        error_code: The code of RFC 9113 section 7, for example `NGHTTP2_PROTOCOL_ERROR`.
    """

    error_code: int

    def __init__(
        self, code: str, message: str, *, error_code: int, retryable: bool = False
    ) -> None:
        """Create an error; see the attribute. `session_error` covers the common case."""
        super().__init__(code, message, retryable=retryable)
        self.error_code = error_code


class GoAwayError(SessionError):
    """One side has sent GOAWAY (RFC 9113 section 6.8).

    With code ERR_HTTP2_GOAWAY_SESSION the session continues with its requests, and accepts no new
    ones. With ERR_HTTP2_SESSION_ERROR the peer's GOAWAY has ended the session and its streams.

    Attributes:
        error_code: The code of the GOAWAY that ended the session; `NGHTTP2_NO_ERROR` otherwise.
        last_stream_id: The last stream that the peer may have processed; None if unknown.
    """

    last_stream_id: int | None

    def __init__(
        self,
        code: str,
        message: str,
        *,
        error_code: int = NGHTTP2_NO_ERROR,
        last_stream_id: int | None = None,
        retryable: bool = False,
    ) -> None:
        """Create an error; see the attributes. `goaway_error` covers the peer's GOAWAY."""
        super().__init__(code, message, error_code=error_code, retryable=retryable)
        self.last_stream_id = last_stream_id


class ConnectionClosed(StreamError, ConnectionError):
    """The peer closed the connection, or it was lost, before everything was done.

    Also a `ConnectionError`. Raised to all callers that wait for a result from the connection;
    ``__cause__`` is the network's error, if there is one. `code` depends on the awaited result:
    ERR_HTTP2_STREAM_CANCEL for a stream, ERR_HTTP2_PING_CANCEL, ERR_HTTP2_SETTINGS_CANCEL, and
    ERR_SOCKET_CLOSED for the session itself. `error_code` is CANCEL; `stream_id` is None except
    for a stream.
    """

    def told(self, code: str, stream_id: int | None = None, *, retryable: bool) -> ConnectionClosed:
        """Return a copy of the error for another waiting caller, with its *code*."""
        error = ConnectionClosed(
            code, str(self), error_code=self.error_code, stream_id=stream_id, retryable=retryable
        )
        error.__cause__ = self.__cause__
        return error


class StreamTimeoutError(StreamError, TimeoutError):
    """This side ended a stream because a deadline had passed; also a `TimeoutError`.

    `error_code` is the code that was sent to the peer, for example `NGHTTP2_CANCEL`.
    """


class SessionTimeoutError(SessionError, TimeoutError):
    """This side ended a session because a deadline had passed; also a `TimeoutError`.

    `error_code` is the code that was sent to the peer, for example `NGHTTP2_NO_ERROR`.
    """


class NghttpError(Http2Error):
    """The nghttp2 library refused an operation (code ERR_HTTP2_ERROR).

    Attributes:
        errno: nghttp2's number, negative, for example -505 (NGHTTP2_ERR_PROTO).
    """

    errno: int

    def __init__(self, code: str, message: str, *, errno: int, retryable: bool = False) -> None:
        """Create an error; see the attribute. `nghttp_error` covers the common case."""
        super().__init__(code, message, retryable=retryable)
        self.errno = errno


class AbortError(Http2Error):
    """A request was aborted through its `signal` (code ABORT_ERR)."""


class UnsupportedWarning(UserWarning):
    """The application used a feature of HTTP/1 that HTTP/2 does not have; it is ignored."""


# Code -> class and message. The arguments of new_error fill the fields of a message in order.
# Values from a caller are shown as their repr, cut at 128 characters: they may be a body.
_TABLE: Final[dict[str, tuple[type[Http2Error], str]]] = {
    # Wrong arguments.
    "ERR_HTTP2_ALTSVC_INVALID_ORIGIN": (
        Http2TypeError,
        "an ALTSVC frame needs an origin such as 'https://example.org'",
    ),
    "ERR_HTTP2_ALTSVC_LENGTH": (
        Http2TypeError,
        "the origin and the value of an ALTSVC frame have more than 16382 bytes together",
    ),
    "ERR_HTTP2_CONNECT_AUTHORITY": (
        Http2ValueError,
        "a CONNECT request must have :authority",
    ),
    "ERR_HTTP2_CONNECT_PATH": (
        Http2ValueError,
        "a CONNECT request must not have :path",
    ),
    "ERR_HTTP2_CONNECT_SCHEME": (
        Http2ValueError,
        "a CONNECT request must not have :scheme",
    ),
    # name
    "ERR_HTTP2_HEADER_SINGLE_VALUE": (
        HeaderError,
        "header {!r:.128} may appear only once, with one value",
    ),
    "ERR_HTTP2_INFO_STATUS_NOT_ALLOWED": (
        Http2ValueError,
        "a final response cannot have an informational (1xx) status",
    ),
    # name
    "ERR_HTTP2_INVALID_CONNECTION_HEADERS": (
        HeaderError,
        "header {!r:.128} belongs to HTTP/1 connections and may not be sent over HTTP/2",
    ),
    # value, name
    "ERR_HTTP2_INVALID_HEADER_VALUE": (
        HeaderError,
        "{!r:.128} cannot be the value of header {!r:.128}",
    ),
    # status
    "ERR_HTTP2_INVALID_INFO_STATUS": (
        Http2ValueError,
        "{!r:.128} is not an informational status (100 to 199)",
    ),
    "ERR_HTTP2_INVALID_ORIGIN": (
        Http2TypeError,
        "an ORIGIN frame takes only origins such as 'https://example.org'",
    ),
    "ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH": (
        Http2ValueError,
        "the length of packed settings must be a multiple of 6 bytes",
    ),
    # name
    "ERR_HTTP2_INVALID_PSEUDOHEADER": (
        HeaderError,
        "pseudo-header {!r:.128} is unknown or not allowed in this place",
    ),
    # name, value
    "ERR_HTTP2_INVALID_SETTING_VALUE": (
        Http2ValueError,
        "setting {} cannot be {!r:.128}",
    ),
    "ERR_HTTP2_ORIGIN_LENGTH": (
        Http2TypeError,
        "origins are too long: an ORIGIN frame has at most 16384 bytes, 2 more for each origin",
    ),
    # status
    "ERR_HTTP2_PAYLOAD_FORBIDDEN": (
        Http2ValueError,
        "a response with status {} must not have a body",
    ),
    "ERR_HTTP2_PING_LENGTH": (
        Http2ValueError,
        "the payload of a PING must be exactly 8 bytes long",
    ),
    "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED": (
        HeaderError,
        "pseudo-headers cannot be set here",
    ),
    "ERR_HTTP2_STATUS_101": (
        Http2ValueError,
        "status 101 is not allowed: HTTP/2 cannot switch protocols",
    ),
    # status
    "ERR_HTTP2_STATUS_INVALID": (
        Http2ValueError,
        "{!r:.128} is not a status (100 to 599)",
    ),
    "ERR_HTTP2_STREAM_SELF_DEPENDENCY": (
        Http2ValueError,
        "a stream cannot be its own parent",
    ),
    "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS": (
        Http2ValueError,
        "at most 10 custom settings are allowed",
    ),
    # protocol
    "ERR_HTTP2_UNSUPPORTED_PROTOCOL": (
        Http2ValueError,
        "protocol {!r:.128} is not supported: use 'http:' or 'https:'",
    ),
    # the name, the expected value, the value
    "ERR_INVALID_ARG_TYPE": (
        Http2TypeError,
        "{} must be {}, not {.__class__.__name__}",
    ),
    # name, value
    "ERR_INVALID_ARG_VALUE": (
        Http2ArgumentError,
        "{} cannot be {!r:.128}",
    ),
    # name, the allowed range, value
    "ERR_OUT_OF_RANGE": (
        Http2ValueError,
        "{} must be {}; {!r:.128} is out of range",
    ),
    # the kind of the value ("Header name", "Method"), the value
    "ERR_INVALID_HTTP_TOKEN": (
        HeaderError,
        "{} {!r:.128} is not an HTTP token",
    ),
    # the place, name of the field
    "ERR_INVALID_CHAR": (
        HeaderError,
        "{} {!r:.128} contains a character that is not allowed there",
    ),
    # The state of a session, a stream, a socket or a file.
    "ERR_HTTP2_GOAWAY_SESSION": (
        GoAwayError,
        "the session is closing (GOAWAY) and accepts no new streams",
    ),
    "ERR_HTTP2_HEADERS_AFTER_RESPOND": (
        Http2Error,
        "additional headers must be sent before the response begins",
    ),
    "ERR_HTTP2_HEADERS_SENT": (
        Http2Error,
        "the response headers have already been sent",
    ),
    "ERR_HTTP2_INVALID_SESSION": (
        Http2Error,
        "the session is destroyed",
    ),
    "ERR_HTTP2_INVALID_STREAM": (
        Http2Error,
        "the stream is destroyed",
    ),
    "ERR_HTTP2_MAX_PENDING_SETTINGS_ACK": (
        Http2Error,
        "too many SETTINGS frames are not acknowledged yet",
    ),
    "ERR_HTTP2_NESTED_PUSH": (
        Http2Error,
        "a pushed stream cannot push another stream",
    ),
    "ERR_HTTP2_NO_MEM": (
        Http2Error,
        "nghttp2 could not allocate memory",
    ),
    "ERR_HTTP2_NO_SOCKET_MANIPULATION": (
        Http2Error,
        "the session owns this socket: it cannot be read, written or closed directly",
    ),
    "ERR_HTTP2_OUT_OF_STREAMS": (
        Http2Error,
        "the session has used all of its stream ids",
    ),
    "ERR_HTTP2_PING_CANCEL": (
        Http2Error,
        "the ping was cancelled: the session ended, or too many pings are unanswered",
    ),
    "ERR_HTTP2_PUSH_DISABLED": (
        Http2Error,
        "the client does not accept pushed streams",
    ),
    "ERR_HTTP2_SEND_FILE": (
        Http2Error,
        "only regular files can be sent, not directories",
    ),
    "ERR_HTTP2_SEND_FILE_NOSEEK": (
        Http2Error,
        "offset and length need a regular file",
    ),
    # error code
    "ERR_HTTP2_SESSION_ERROR": (
        SessionError,
        "the session was closed with {}",
    ),
    "ERR_HTTP2_SETTINGS_CANCEL": (
        Http2Error,
        "the session ended before the settings were acknowledged",
    ),
    "ERR_HTTP2_SOCKET_BOUND": (
        Http2Error,
        "the socket already carries another HTTP/2 session",
    ),
    "ERR_HTTP2_SOCKET_UNBOUND": (
        Http2Error,
        "the session no longer has a socket",
    ),
    "ERR_HTTP2_STREAM_CANCEL": (
        StreamError,
        "the stream was cancelled before it was sent",
    ),
    # stream id, error code
    "ERR_HTTP2_STREAM_ERROR": (
        StreamError,
        "stream {} was reset with {}",
    ),
    "ERR_HTTP2_TOO_MANY_INVALID_FRAMES": (
        Http2Error,
        "the peer sent too many invalid frames",
    ),
    "ERR_HTTP2_TRAILERS_ALREADY_SENT": (
        Http2Error,
        "the trailers have already been sent",
    ),
    "ERR_HTTP2_TRAILERS_NOT_READY": (
        Http2Error,
        "trailers cannot be sent before the event want_trailers",
    ),
    # nghttp2's number
    "ERR_HTTP2_ERROR": (
        NghttpError,
        "nghttp2 refused the operation ({})",
    ),
    "ERR_SOCKET_CLOSED": (
        Http2Error,
        "the socket is closed",
    ),
    "ERR_HTTP_CONTENT_LENGTH_MISMATCH": (
        Http2Error,
        "the body is longer than its content-length",
    ),
    "ERR_STREAM_PREMATURE_CLOSE": (
        Http2Error,
        "the stream was closed before its end",
    ),
    "ERR_STREAM_WRITE_AFTER_END": (
        Http2Error,
        "cannot write after the end of the body",
    ),
    "ABORT_ERR": (
        AbortError,
        "the request was aborted through its signal",
    ),
}

# All codes of HTTP/2: the 46 of Node's table, and ERR_HTTP2_ERROR.
CODES: Final[frozenset[str]] = frozenset(code for code in _TABLE if code.startswith("ERR_HTTP2_"))


def error_code_name(error_code: int) -> str:
    """Return the name of an error code, as in RFC 9113 section 7.

    Args:
        error_code: The number; an unknown one is returned in hexadecimal.

    Returns:
        For example `'REFUSED_STREAM'`, or `'error code 0x2a'`.
    """
    name = ERROR_CODE_NAMES.get(error_code)
    return f"error code {error_code:#x}" if name is None else name.removeprefix("NGHTTP2_")


def new_error(
    code: str, *args: object, message: str | None = None, retryable: bool = False
) -> Http2Error:
    """Create the error for a code.

    Codes whose errors carry a number take it as their only argument: ERR_HTTP2_STREAM_ERROR and
    ERR_HTTP2_SESSION_ERROR the error code, ERR_HTTP2_ERROR nghttp2's number.

    Args:
        code: Node's name of the error.
        *args: Values for the fields of the code's message; see the table in this module.
        message: A message that replaces the code's own; `args` are then ignored, except
            for the number above.
        retryable: Whether the peer has certainly not processed the request.

    Returns:
        An error of the code's class; the caller raises it.

    Raises:
        KeyError: The code is unknown.
        IndexError: There are fewer arguments than the message has fields.
    """
    cls, template = _TABLE[code]
    if cls is StreamError:
        if code == "ERR_HTTP2_STREAM_ERROR":
            # False is only the default here: REFUSED_STREAM stays retryable.
            return stream_error(_number(args), None, retryable=retryable or None, message=message)
        return StreamError(
            code, message or template, error_code=NGHTTP2_CANCEL, retryable=retryable
        )
    if cls is SessionError:
        return session_error(_number(args), retryable=retryable, message=message)
    if cls is NghttpError:
        return nghttp_error(_number(args), retryable=retryable, message=message)
    return cls(code, template.format(*args) if message is None else message, retryable=retryable)


def stream_error(
    error_code: int,
    stream_id: int | None,
    *,
    retryable: bool | None = None,
    message: str | None = None,
) -> StreamError:
    """Create the error of a stream that ended with an error code (ERR_HTTP2_STREAM_ERROR).

    Args:
        error_code: The code of RFC 9113 section 7.
        stream_id: The number of the stream; None when it never got one.
        retryable: Whether the peer has certainly not processed the request. The default is True
            for REFUSED_STREAM, which means just that (RFC 9113 section 8.7), and False otherwise.
        message: A message that replaces "stream 5 was reset with REFUSED_STREAM".

    Returns:
        The error; the caller raises it.
    """
    if message is None:
        name = error_code_name(error_code)
        if stream_id is None:
            message = f"a stream was reset with {name}"
        else:
            message = _TABLE["ERR_HTTP2_STREAM_ERROR"][1].format(stream_id, name)
    if retryable is None:
        retryable = error_code == NGHTTP2_REFUSED_STREAM
    return StreamError(
        "ERR_HTTP2_STREAM_ERROR",
        message,
        error_code=error_code,
        stream_id=stream_id,
        retryable=retryable,
    )


def connection_closed(
    cause: BaseException | None, *, retryable: bool, when: str = ""
) -> ConnectionClosed:
    """Create the error of a session that has lost its connection (ERR_SOCKET_CLOSED).

    Args:
        cause: The network's error; None when the peer has closed the connection in order.
        retryable: Whether no request was ever sent on it.
        when: Text added to the message: the time, or a possible reason.

    Returns:
        The error; `ConnectionClosed.told` creates the errors for the waiting callers.
    """
    message = f"the peer closed the connection{when}"
    if cause is not None:
        message = f"the connection was lost{when}: {cause or type(cause).__name__}"
    error = ConnectionClosed(
        "ERR_SOCKET_CLOSED", message, error_code=NGHTTP2_CANCEL, retryable=retryable
    )
    error.__cause__ = cause
    return error


def session_error(
    error_code: int, *, retryable: bool = False, message: str | None = None
) -> SessionError:
    """Create the error of a session that ended with an error code (ERR_HTTP2_SESSION_ERROR).

    Args:
        error_code: The code of RFC 9113 section 7.
        retryable: Whether the peer has certainly not processed the request that gets this error.
        message: A message that replaces "the session was closed with PROTOCOL_ERROR".

    Returns:
        The error; the caller raises it.
    """
    if message is None:
        message = _TABLE["ERR_HTTP2_SESSION_ERROR"][1].format(error_code_name(error_code))
    return SessionError(
        "ERR_HTTP2_SESSION_ERROR", message, error_code=error_code, retryable=retryable
    )


def goaway_error(error_code: int, last_stream_id: int, *, said: str = "") -> GoAwayError:
    """Create the error of a session that the peer has ended with GOAWAY (ERR_HTTP2_SESSION_ERROR).

    Args:
        error_code: The code of RFC 9113 section 7 in the frame.
        last_stream_id: The last stream that the peer may have processed, from the frame.
        said: Text added to the message: the debug data of the frame.

    Returns:
        The error; the caller raises it.
    """
    message = _TABLE["ERR_HTTP2_SESSION_ERROR"][1].format(error_code_name(error_code)) + said
    return GoAwayError(
        "ERR_HTTP2_SESSION_ERROR", message, error_code=error_code, last_stream_id=last_stream_id
    )


def nghttp_error(errno: int, *, retryable: bool = False, message: str | None = None) -> NghttpError:
    """Create the error of an operation that nghttp2 refused (ERR_HTTP2_ERROR).

    Args:
        errno: nghttp2's number, negative.
        retryable: Whether the peer has certainly not processed the request.
        message: A message that replaces the default, for example the text of `nghttp2_strerror`.

    Returns:
        The error; the caller raises it.
    """
    if message is None:
        message = _TABLE["ERR_HTTP2_ERROR"][1].format(errno)
    return NghttpError("ERR_HTTP2_ERROR", message, errno=errno, retryable=retryable)


def _number(args: tuple[object, ...]) -> int:
    """Return the number for an error that carries one, from the arguments of `new_error`."""
    number = args[0]
    if not isinstance(number, int):
        raise TypeError(f"the error carries a number, not {number!r}")
    return number
