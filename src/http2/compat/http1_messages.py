"""`Http1IncomingMessage` and `Http1ServerResponse`: the same two faces, for HTTP/1's clients."""

from __future__ import annotations

from typing import Any, Self

from ..core.unknown_protocol import RawSocket
from ..errors import new_error
from ..headers import Headers, OutgoingHeaders
from ..layout import lay_out
from .fields import NOT_IN_VALUES
from .http1_response import reason_phrase
from .request import ServerRequest, check_method
from .response import ServerResponse

__all__ = ["Http1IncomingMessage", "Http1ServerResponse"]


class Http1IncomingMessage(ServerRequest):
    """A request over HTTP/1.1 or 1.0, to a server with ``allow_http1``.

    Its `headers` have no pseudo-headers: what these would say is in `method`, `url`,
    `scheme` and `authority`.
    """

    http_version_major = 1
    http_version_minor = 1

    upgrade: bool = False
    """Whether the connection leaves HTTP with this request, or is about to: True for the listeners
    of ``upgrade`` and ``connect``, and for `Http2Server.should_upgrade_callback`."""

    raw_socket: RawSocket | None = None
    """The connection of a request that has left HTTP, which ``upgrade`` and ``connect`` tell of."""

    def __init__(self, stream: Any, headers: Headers) -> None:
        self.stream = stream
        self.headers = headers
        self._method: str = stream.method
        self.url = stream.url
        if stream.http_version == "1.0":
            self.http_version_minor = 0

    @property
    def method(self) -> str:
        """The method, such as ``'GET'``; may be set to another, for handlers to come.

        Setting raises ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an empty one.
        """
        return self._method

    @method.setter
    def method(self, method: str) -> None:
        self._method = check_method(method)


class Http1ServerResponse(ServerResponse):
    """The response to a request over HTTP/1.1 or 1.0.

    A response whose body is given to `end` as a whole has a ``content-length`` by itself; others
    are sent in chunks, or, to clients of HTTP/1.0, until the connection ends.
    """

    _message: str | None = None

    @property
    def status_message(self) -> str:
        """The reason phrase: that of the status, unless it is set.

        Setting raises ERR_INVALID_ARG_TYPE, ERR_INVALID_CHAR.
        """
        if self._message is not None:
            return self._message
        return reason_phrase(self._status)

    @status_message.setter
    def status_message(self, message: str) -> None:
        if not isinstance(message, str):
            raise new_error("ERR_INVALID_ARG_TYPE", "status_message", "a str", message)
        if NOT_IN_VALUES.search(message):
            raise new_error("ERR_INVALID_CHAR", "status message", message)
        self._message = message

    def write_head(
        self,
        status_code: int,
        status_message: str | OutgoingHeaders | None = None,
        headers: OutgoingHeaders | None = None,
    ) -> Self:
        """`ServerResponse.write_head`; the reason phrase is sent."""
        if (
            type(headers) is dict
            and status_message is None
            and self._headers is None
            and self._message is None
            and type(status_code) is int
            and 200 <= status_code <= 599
        ):
            given = headers.copy()
            if self.stream._respond_again(status_code, given, self.send_date):
                # what a program sends all the time
                self._headers = given
                self._status = status_code
                return self
        return super().write_head(status_code, status_message, headers)

    def _send_head(self, status: int, message: str | None) -> None:
        stream = self.stream
        if message is not None:
            self.status_message = message
        if self._message is None:
            if stream._respond_again(status, self._headers, self.send_date):
                self._status = status
                return
        else:
            stream._status_message = self._message
        super()._send_head(status, message)


lay_out(Http1IncomingMessage, "stream", "headers", "_method", "url", "_listeners")
lay_out(
    Http1ServerResponse,
    *("stream", "req", "_ended", "_headers", "_status", "_trailers", "_listeners"),
)
