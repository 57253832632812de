"""Types of the options of `create_server` and `create_secure_server`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..sessions.keywords import ServerSessionOptions
from ..tls.keywords import SecureContextOptions

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from ..http1.messages import Http1IncomingMessage, Http1ServerResponse
    from ..http1.options import Http1Options
    from ..net.origins import Origin
    from .request import Http2ServerRequest
    from .response import Http2ServerResponse

__all__ = ["SecureServerOptions", "ServerOptions"]


class ServerOptions(ServerSessionOptions, total=False):
    """The keywords of `create_server`."""

    max_connections: int | None
    """Connections at a time; None: any number."""
    proxy_protocol: Sequence[str | IPv4Network | IPv6Network] | None
    """Networks of proxies that use the PROXY protocol; None: connections have no PROXY header."""
    allow_http1: bool
    """Whether the server also serves HTTP/1 clients."""
    http1_options: Http1Options | Mapping[str, object]
    """Options for HTTP/1 clients."""
    http2_server_request_class: type[Http2ServerRequest]
    """The class of HTTP/2 requests."""
    http2_server_response_class: type[Http2ServerResponse]
    """The class of their responses."""
    http1_incoming_message_class: type[Http1IncomingMessage]
    """The class of HTTP/1 requests."""
    http1_server_response_class: type[Http1ServerResponse]
    """The class of their responses."""


class SecureServerOptions(ServerOptions, SecureContextOptions, total=False):
    """The keywords of `create_secure_server`."""

    origins: Sequence[Origin]
    """Origins that every new session announces."""
