"""Define `Http1IncomingMessage` and `Http1ServerResponse`, for HTTP/1 clients."""

from __future__ import annotations

from ..compat.message_base import Http1RequestBase
from ..compat.request import ServerRequest, check_method
from ..compat.response import ServerResponse
from ..engine.field_rules import is_field_value
from ..errors import new_error
from ..net.raw_socket import RawSocket
from .status_line import reason_phrase

__all__ = ["Http1IncomingMessage", "Http1ServerResponse"]


class Http1IncomingMessage(Http1RequestBase, ServerRequest):
    """A request over HTTP/1.1 or 1.0, to a server with ``allow_http1``.

    Its `headers` have no pseudo-headers: use `method`, `url`,
    `scheme` and `authority`.
    """

    http_version_major = 1
    http_version_minor = 1

    upgrade: bool = False
    """Whether the connection leaves HTTP with this request, or is about to: True for the listeners
    of ``upgrade`` and ``connect``, and for `Http2Server.should_upgrade_callback`."""

    raw_socket: RawSocket | None = None
    """The connection of a request that has left HTTP, for ``upgrade`` and ``connect``."""

    @property
    def method(self) -> str:
        """The method, such as ``'GET'``; middleware may change it for later handlers.

        Setting raises ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an empty one.
        """
        return self._method

    @method.setter
    def method(self, method: str) -> None:
        self._method = check_method(method)


class Http1ServerResponse(ServerResponse):
    """The response to a request over HTTP/1.1 or 1.0.

    If `end` gets the whole body, ``content-length`` is added. Other bodies
    are sent in chunks, or, to clients of HTTP/1.0, up to the end of the connection.
    """

    @property
    def status_message(self) -> str:
        """The reason phrase; by default that of the status.

        Setting raises ERR_INVALID_ARG_TYPE, ERR_INVALID_CHAR.
        """
        message: str | None = self.stream.status_message
        return reason_phrase(self._status) if message is None else message

    @status_message.setter
    def status_message(self, message: str) -> None:
        if not isinstance(message, str):
            raise new_error("ERR_INVALID_ARG_TYPE", "status_message", "a str", message)
        if not is_field_value(message):
            raise new_error("ERR_INVALID_CHAR", "status message", message)
        self.stream.status_message = message
