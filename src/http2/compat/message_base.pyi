from collections.abc import Callable
from typing import Any, Self

from ..headers import Headers, OutgoingHeaders
from ..streams.exchange import Responder
from ..streams.keywords import Chunk
from .request import ServerRequest
from .response import ServerResponse

class RequestListenerBase:
    """A listener of ``request`` that needs no request and no response, but only the stream.

    It must be the only listener. With `_takes_streams`, its `take_stream` is called, which only
    compiled classes define.
    """

    _takes_streams: bool

class RequestBase:
    # Of `EventEmitter`, with the same defaults as there.
    _listeners: dict[str, list[Any]] | None
    _watched: bool

    stream: Any
    headers: Headers
    # The body that `text` and `json` have read.
    _body: bytes | None

    def __init__(self, stream: Responder, headers: Headers) -> None: ...

class Http1RequestBase(RequestBase):
    _method: str
    url: str

class ResponseBase:
    # Of `EventEmitter`, with the same defaults as there.
    _listeners: dict[str, list[Any]] | None
    _watched: bool

    stream: Any
    req: ServerRequest | None
    send_date: bool
    _ended: bool
    _status: int
    # None, or the block as it will be sent: first ``:status``, which has its value only then.
    _headers: dict[str, Any] | None
    _trailers: dict[str, Any] | None

    def __init__(self, stream: Responder, request: ServerRequest | None = None) -> None: ...
    def set_header(self, name: str, value: Any) -> None:
        """Set the header *name* to *value*: a `str`, a number, or a list for several fields.

        Raises ERR_HTTP2_HEADERS_SENT, ERR_INVALID_ARG_TYPE, ERR_INVALID_HTTP_TOKEN,
        ERR_INVALID_CHAR, ERR_HTTP2_INVALID_HEADER_VALUE, ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED.
        """

    def write_head(
        self,
        status_code: int,
        status_message: str | OutgoingHeaders | None = None,
        headers: OutgoingHeaders | None = None,
    ) -> Self:
        """Send the status and the headers; *headers* override those that were set.

        *headers* is a mapping or a list of (name, value) pairs, and may be the second
        argument. A *status_message* is sent over HTTP/1; over HTTP/2 it causes an
        `UnsupportedWarning`. Does nothing if the stream is closed. Returns
        the response.
        Raises ERR_HTTP2_HEADERS_SENT, ERR_HTTP2_STATUS_INVALID, and the errors of `set_header`.
        """

    def _send_head(self, status: int) -> None: ...
    def write(self, chunk: Chunk, encoding: str = "utf-8") -> bool:
        """Send *chunk*, a buffer or a `str`, after the headers; after False, wait for ``drain``.

        A response without a body (to HEAD, with status 204, 205 or 304) drops it. Raises
        ERR_STREAM_WRITE_AFTER_END, ERR_HTTP2_INVALID_STREAM, ERR_INVALID_ARG_TYPE.
        """

    def end(self, data: Chunk | None = None, encoding: str = "utf-8") -> Self:
        """End the response, after *data* if there is any; ending twice does nothing.

        Returns the response. Awaiting it waits until everything was passed to the transport, and
        raises the stream's error if it ends before that. Raises like `write`.
        """

def listener_of_streams(
    server: Any,
    request_class: type[ServerRequest],
    response_class: type[ServerResponse],
    dispatch_special: Callable[[Any, ServerRequest, ServerResponse], None],
    *,
    own_classes: bool = True,
) -> Callable[[Any, Headers], None]:
    """Return a listener of ``stream`` that creates a request and a response for each stream.

    They are arguments of *server*'s listeners of ``request``, or of *dispatch_special*.
    Without *own_classes*, a `RequestListenerBase` gets the stream instead.
    """
