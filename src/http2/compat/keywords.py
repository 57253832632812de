"""The keywords of `create_server` and `create_secure_server`, as types."""

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
    """Networks of the proxies that say for whom they speak; None: no connection begins so."""
    allow_http1: bool
    """Whether clients of HTTP/1 are served too."""
    http1_options: Http1Options | Mapping[str, object]
    """How they are."""
    http2_server_request_class: type[Http2ServerRequest]
    """What ``request`` gives for HTTP/2's requests."""
    http2_server_response_class: type[Http2ServerResponse]
    """What it gives for their responses."""
    http1_incoming_message_class: type[Http1IncomingMessage]
    """What it gives for HTTP/1's requests."""
    http1_server_response_class: type[Http1ServerResponse]
    """What it gives for their responses."""


class SecureServerOptions(ServerOptions, SecureContextOptions, total=False):
    """The keywords of `create_secure_server`."""

    origins: Sequence[Origin]
    """Origins that every new session announces."""
