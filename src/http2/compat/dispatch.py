"""Dispatch streams to the listeners of ``request`` and of its special cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..errors import new_error
from ..headers import Headers
from ..http1.messages import Http1IncomingMessage, Http1ServerResponse
from ..servers.server import Http2Server
from .message_base import listener_of_streams
from .request import Http2ServerRequest, ServerRequest
from .response import Http2ServerResponse, ServerResponse

__all__ = ["Dispatcher"]

OnStream: TypeAlias = Callable[[Any, Headers], None]
"""A listener of ``stream``, for a stream of either protocol."""


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """The classes of a server's requests and responses."""

    http2_server_request_class: type[Http2ServerRequest] = Http2ServerRequest
    """The class of requests over HTTP/2."""
    http2_server_response_class: type[Http2ServerResponse] = Http2ServerResponse
    """The type of their second argument."""
    http1_incoming_message_class: type[Http1IncomingMessage] = Http1IncomingMessage
    """The class of requests over HTTP/1."""
    http1_server_response_class: type[Http1ServerResponse] = Http1ServerResponse
    """The type of their second argument."""

    def __post_init__(self) -> None:
        for name, base in (
            ("http2_server_request_class", Http2ServerRequest),
            ("http2_server_response_class", Http2ServerResponse),
            ("http1_incoming_message_class", Http1IncomingMessage),
            ("http1_server_response_class", Http1ServerResponse),
        ):
            given = getattr(self, name)
            if not isinstance(given, type) or not issubclass(given, base):
                raise new_error("ERR_INVALID_ARG_TYPE", name, f"a {base.__name__} class", given)

    @classmethod
    def take(cls, options: dict[str, Any]) -> Dispatcher:
        """Remove the classes from *options*, and return them. Raises ERR_INVALID_ARG_TYPE."""
        return cls(**{name: options.pop(name) for name in cls.__slots__ if name in options})

    def http2(self, server: Http2Server) -> OnStream:
        """Return the listener of ``stream`` that creates a request for each stream of *server*."""
        return listener_of_streams(
            server,
            self.http2_server_request_class,
            self.http2_server_response_class,
            dispatch_special,
            own_classes=self.http2_server_request_class is not Http2ServerRequest
            or self.http2_server_response_class is not Http2ServerResponse,
        )

    def http1(self, server: Http2Server) -> OnStream:
        """Return the same for HTTP/1 clients of *server*."""
        return listener_of_streams(
            server,
            self.http1_incoming_message_class,
            self.http1_server_response_class,
            dispatch_special,
        )

    def leaving(self, stream: Any, headers: Headers) -> Http1IncomingMessage:
        """Return the request with which an HTTP/1 client leaves HTTP, if it may."""
        request = self.http1_incoming_message_class(stream, headers)
        request.upgrade = True
        return request


def dispatch_special(server: Http2Server, request: ServerRequest, response: ServerResponse) -> None:
    """Emit the event for a CONNECT request or one with ``expect`` (RFC 9110 section 10.1.1)."""
    if request.method == "CONNECT":
        if not server.emit("connect", request, response):
            response.status_code = 405
            response.end()
    elif request.headers.get("expect", "").lower() != "100-continue":
        if not server.emit("check_expectation", request, response):
            response.status_code = 417
            response.end()
    elif not server.emit("check_continue", request, response):
        if not request.stream.end_after_headers:
            response.write_continue()
        server.emit("request", request, response)
