"""`create_server` and `create_secure_server`: servers with both APIs, Core and Compatibility."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..core.options import SessionOptions, reject_unknown
from ..core.origins import check_origins
from ..core.server import Http2SecureServer, Http2Server
from ..core.tls import server_context
from ..errors import new_error
from .dispatch import Dispatcher

__all__ = ["create_secure_server", "create_server"]

Handler = Callable[..., Any]
Server = TypeVar("Server", bound=Http2Server)


def create_server(on_request: Handler | None = None, **options: Any) -> Http2Server:
    """Make a server for HTTP/2 in the clear; `Http2Server.listen` starts it.

    *on_request*, a function or a coroutine function, becomes a listener of ``request``: it gets
    an `Http2ServerRequest` and an `Http2ServerResponse`.

    Options: those of `SessionOptions`; ``http2_server_request_class`` and
    ``http2_server_response_class``, classes derived from these two, and for HTTP/1's
    clients ``http1_incoming_message_class`` and ``http1_server_response_class``, derived from
    `Http1IncomingMessage` and `Http1ServerResponse`. Raises
    ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, ERR_HTTP2_INVALID_SETTING_VALUE, `TypeError` for
    unknown options.
    """
    session_options = _session_options(options)
    dispatcher = Dispatcher.take(options)
    reject_unknown(options, "create_server")
    return _equipped(Http2Server(session_options), dispatcher, on_request)


def create_secure_server(on_request: Handler | None = None, **options: Any) -> Http2SecureServer:
    """Make a server for HTTP/2 over TLS 1.2 or later; `Http2Server.listen` starts it.

    Like `create_server`, and with the server's identity: ``ssl_context`` (an
    `ssl.SSLContext`; its ALPN is set to ``h2``), or ``cert`` and ``key`` (paths or PEM
    bytes), ``passphrase``, ``ca``, ``request_cert`` (ask clients for a certificate) and
    ``reject_unauthorized`` (True: refuse those without a valid one). ``origins`` is a list
    of what every new session tells its client with `ServerHttp2Session.origin`. Raises like
    `create_server` and `ServerHttp2Session.origin`, and `ssl.SSLError`, `OSError` for the
    identity.
    """
    session_options = _session_options(options)
    dispatcher = Dispatcher.take(options)
    origins = options.pop("origins", ())
    if not isinstance(origins, (list, tuple)):
        raise new_error("ERR_INVALID_ARG_TYPE", "origins", "a list", origins)
    origins = check_origins(origins)
    context = server_context(options)
    reject_unknown(options, "create_secure_server")
    server = Http2SecureServer(session_options, context)
    server._origins = origins
    return _equipped(server, dispatcher, on_request)


def _session_options(options: dict[str, Any]) -> SessionOptions:
    return SessionOptions.take(options, least_pairs=4, unused=("max_reserved_remote_streams",))


def _equipped(server: Server, dispatcher: Dispatcher, on_request: Handler | None) -> Server:
    """*server* with the Compatibility API, which begins to work with its first listener."""
    server._on_stream = dispatcher.http2(server)
    if on_request is not None:
        if not callable(on_request):
            raise new_error("ERR_INVALID_ARG_TYPE", "on_request", "a callable", on_request)
        server.on("request", on_request)
    return server
