"""Define `create_server` and `create_secure_server`: servers with both APIs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from ..common.checks import check_integer
from ..common.suggestions import reject_unknown
from ..errors import new_error
from ..http1.options import Http1Options
from ..net.origins import check_origins
from ..servers.secure_server import IDENTITY, Http2SecureServer
from ..servers.server import Http2Server
from ..sessions.options import SessionOptions
from ..tls.contexts import HTTP1
from .dispatch import Dispatcher
from .keywords import SecureServerOptions, ServerOptions

if TYPE_CHECKING:
    from ..net.proxy_protocol import Networks
    from .handlers import OwnRequestHandler, Request, RequestHandler, Response

__all__ = ["create_secure_server", "create_server"]

Handler = Callable[..., object]
Server = TypeVar("Server", bound=Http2Server)


def create_server(
    on_request: RequestHandler | OwnRequestHandler[Request, Response] | None = None,
    **options: Unpack[ServerOptions],
) -> Http2Server:
    """Create a server for HTTP/2 in the clear; `Http2Server.listen` starts it.

    *on_request*, a function or a coroutine function, becomes a listener of ``request``: it gets
    an `Http2ServerRequest` and an `Http2ServerResponse`. If it has a method ``attached``, as
    `http2.asgi.Handler` does, that is called with the server.

    Options: those of `SessionOptions`; ``http2_server_request_class`` and
    ``http2_server_response_class``, classes derived from these two, and for HTTP/1's
    clients ``http1_incoming_message_class`` and ``http1_server_response_class``, derived from
    `Http1IncomingMessage` and `Http1ServerResponse`.

    ``max_connections`` (None: any number) is the maximum number of connections: further
    clients wait in the system's queue (``backlog`` of `Http2Server.listen`) until one is closed.

    ``proxy_protocol`` (None) is a list of the proxies' networks, in a form for
    `ipaddress.ip_network`: every accepted connection must begin with a PROXY header, version 1
    or 2, whose addresses become those of the connection; any other connection is closed.

    ``allow_http1`` (False) serves clients of HTTP/1.1 and 1.0 too, with the same listeners of
    ``request``; the server detects the protocol from a connection's first bytes.
    ``http1_options``, an `Http1Options` or a mapping with its fields, are the options for such
    clients. When one of them offers another protocol with ``Upgrade``, or sends CONNECT, the
    server emits ``upgrade(request, socket, head)`` or ``connect(request, socket, head)``:
    *socket* is a `RawSocket`, and *head* the bytes that followed the request, with which the
    socket's ``reader`` begins.

    Raises ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, ERR_HTTP2_INVALID_SETTING_VALUE, `TypeError`
    for unknown options.
    """
    left: dict[str, object] = {**options}
    session_options = SessionOptions.take_for_server(left)
    dispatcher = Dispatcher.take(left)
    http1_options = _http1_options(left)
    limit = _max_connections(left)
    proxies = _proxies(left)
    reject_unknown(left, "create_server", ServerOptions.__annotations__)
    server = Http2Server(session_options, limit)
    server.proxies = proxies
    return _equipped(server, dispatcher, http1_options, on_request)


def create_secure_server(
    on_request: RequestHandler | OwnRequestHandler[Request, Response] | None = None,
    **options: Unpack[SecureServerOptions],
) -> Http2SecureServer:
    """Create a server for HTTP/2 over TLS 1.2 or later; `Http2Server.listen` starts it.

    Like `create_server`, with additional options for the certificate: ``ssl_context`` (an
    `ssl.SSLContext` that offers ``h2`` by ALPN; it is never changed), or ``cert`` and
    ``key`` (paths or PEM bytes), ``passphrase``, ``ca``, ``request_cert`` (ask clients
    for a certificate) and ``reject_unauthorized`` (True: refuse clients without a valid one).
    With ``allow_http1`` and its ``http1_options`` the server also supports ``http/1.1``, for
    clients that select it with ALPN and for clients without ALPN. ``origins`` is a list
    of origins that every new session announces with `ServerHttp2Session.origin`. The certificate
    can be replaced with `Http2SecureServer.set_secure_context`. Raises like
    `create_server` and `ServerHttp2Session.origin`, and `ssl.SSLError` or `OSError` for the
    certificate.
    """
    left: dict[str, object] = {**options}
    session_options = SessionOptions.take_for_server(left)
    dispatcher = Dispatcher.take(left)
    http1_options = _http1_options(left)
    origins = left.pop("origins", ())
    if not isinstance(origins, (list, tuple)):
        raise new_error("ERR_INVALID_ARG_TYPE", "origins", "a list", origins)
    origins = check_origins(origins)
    identity = {name: left.pop(name) for name in IDENTITY if name in left}
    protocols = ("h2",) if http1_options is None else ("h2", *HTTP1)
    limit = _max_connections(left)
    proxies = _proxies(left)
    reject_unknown(left, "create_secure_server", SecureServerOptions.__annotations__)
    server = Http2SecureServer(session_options, identity, protocols, limit)
    server.origins = origins
    server.proxies = proxies
    return _equipped(server, dispatcher, http1_options, on_request)


def _max_connections(options: dict[str, Any]) -> int | None:
    limit: int | None = options.pop("max_connections", None)
    if limit is not None:
        check_integer("max_connections", limit, 1, sys.maxsize)
    return limit


def _proxies(options: dict[str, Any]) -> Networks | None:
    """Return the networks of proxies that use the PROXY protocol, or None."""
    given = options.pop("proxy_protocol", None)
    if given is None:
        return None
    from ..net.proxy_protocol import trusted_networks

    return trusted_networks(given)


def _http1_options(options: dict[str, Any]) -> Http1Options | None:
    """Return the options for HTTP/1 clients; None if they are not served."""
    allowed = options.pop("allow_http1", False)
    http1_options = Http1Options.of(options.pop("http1_options", None))
    if not isinstance(allowed, bool):
        raise new_error("ERR_INVALID_ARG_TYPE", "allow_http1", "a bool", allowed)
    return http1_options if allowed else None


def _equipped(
    server: Server,
    dispatcher: Dispatcher,
    http1_options: Http1Options | None,
    on_request: Handler | None,
) -> Server:
    """Add the Compatibility API to *server*; it becomes active with its first listener."""
    server.on_first_request = dispatcher.http2(server)
    if http1_options is not None:
        # load the parser only if it is needed
        from ..http1.service import Http1Service

        server.serves_http1 = Http1Service(http1_options, dispatcher, server)
        server.should_upgrade_callback = http1_options.should_upgrade_callback
        seconds = http1_options.headers_timeout
        handshake = server.options.handshake_timeout
        # the shorter one is enough
        server.first_bytes_timeout = 0 if 0 < handshake <= seconds else seconds
    if on_request is not None:
        if not callable(on_request):
            raise new_error("ERR_INVALID_ARG_TYPE", "on_request", "a callable", on_request)
        server.on("request", on_request)
        attached = getattr(on_request, "attached", None)
        if attached is not None:
            # a handler of more than requests
            attached(server)
    return server
