"""HTTP/2 servers and clients for asyncio with the API of Node's `http2` module, on nghttp2."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import constants, errors
    from .common.closing import Completion
    from .common.emitter import EventEmitter
    from .compat.request import Http2ServerRequest, ServerRequest
    from .compat.response import Http2ServerResponse, ServerResponse
    from .compat.server import create_secure_server, create_server
    from .compat.socket import StreamSocketProxy
    from .engine import nghttp2_version
    from .errors import (
        AbortError,
        ConnectionClosed,
        GoAwayError,
        HeaderError,
        Http2ArgumentError,
        Http2Error,
        Http2TypeError,
        Http2ValueError,
        NghttpError,
        SessionError,
        SessionTimeoutError,
        StreamError,
        StreamTimeoutError,
        UnsupportedWarning,
    )
    from .headers import Headers, sensitive_headers
    from .http1.messages import Http1IncomingMessage, Http1ServerResponse
    from .http1.options import Http1Options
    from .keywords import (
        ConnectionOptions,
        ConnectOptions,
        SecureContextOptions,
        SecureServerOptions,
        ServerOptions,
        ServerSessionOptions,
    )
    from .net.handshake_socket import HandshakeSocket
    from .net.raw_socket import RawSocket
    from .net.socket import SocketProxy
    from .observing.access_log import AccessFormatter, AccessLog
    from .observing.performance import (
        Http2SessionEntry,
        Http2StreamEntry,
        PerformanceEntry,
        PerformanceObserver,
        PerformanceObserverEntryList,
    )
    from .servers.handshake import perform_server_handshake
    from .servers.runner import run
    from .servers.secure_server import Http2SecureServer
    from .servers.server import Http2Server
    from .servers.unknown_protocol import UnknownProtocolSocket
    from .sessions.client_session import ClientHttp2Session
    from .sessions.connect import connect
    from .sessions.options import SessionOptions
    from .sessions.server_session import ServerHttp2Session
    from .sessions.session import Http2Session
    from .sessions.state import SessionState
    from .settings import Settings, get_default_settings, get_packed_settings, get_unpacked_settings
    from .streams.client_stream import ClientHttp2Stream
    from .streams.duplex import Duplex
    from .streams.exchange import Exchange
    from .streams.files import FileRange
    from .streams.pipe import pipe
    from .streams.server_stream import ServerHttp2Stream
    from .streams.stream import Http2Stream, StreamState
    from .websocket import WebSocket as WebSocket
    from .websocket import WebSocketClosed as WebSocketClosed
    from .websocket import WebSocketHandshakeError as WebSocketHandshakeError
    from .websocket import accept_websocket as accept_websocket
    from .websocket import connect_websocket as connect_websocket

__version__ = "0.1.0"

__all__ = [
    "AbortError",
    "AccessFormatter",
    "AccessLog",
    "ClientHttp2Session",
    "ClientHttp2Stream",
    "Completion",
    "ConnectOptions",
    "ConnectionClosed",
    "ConnectionOptions",
    "Duplex",
    "EventEmitter",
    "Exchange",
    "FileRange",
    "GoAwayError",
    "HandshakeSocket",
    "HeaderError",
    "Headers",
    "Http1IncomingMessage",
    "Http1Options",
    "Http1ServerResponse",
    "Http2ArgumentError",
    "Http2Error",
    "Http2SecureServer",
    "Http2Server",
    "Http2ServerRequest",
    "Http2ServerResponse",
    "Http2Session",
    "Http2SessionEntry",
    "Http2Stream",
    "Http2StreamEntry",
    "Http2TypeError",
    "Http2ValueError",
    "NghttpError",
    "PerformanceEntry",
    "PerformanceObserver",
    "PerformanceObserverEntryList",
    "RawSocket",
    "SecureContextOptions",
    "SecureServerOptions",
    "ServerHttp2Session",
    "ServerHttp2Stream",
    "ServerOptions",
    "ServerRequest",
    "ServerResponse",
    "ServerSessionOptions",
    "SessionError",
    "SessionOptions",
    "SessionState",
    "SessionTimeoutError",
    "Settings",
    "SocketProxy",
    "StreamError",
    "StreamSocketProxy",
    "StreamState",
    "StreamTimeoutError",
    "UnknownProtocolSocket",
    "UnsupportedWarning",
    "connect",
    "constants",
    "create_secure_server",
    "create_server",
    "errors",
    "get_default_settings",
    "get_packed_settings",
    "get_unpacked_settings",
    "nghttp2_version",
    "perform_server_handshake",
    "pipe",
    "run",
    "sensitive_headers",
]

# A name is loaded on first access: a client doesn't wait for modules that only servers need, and
# WebSocket's need an extra.
_MODULES = {
    "AbortError": "errors",
    "AccessFormatter": "observing.access_log",
    "AccessLog": "observing.access_log",
    "ClientHttp2Session": "sessions.client_session",
    "ClientHttp2Stream": "streams.client_stream",
    "Completion": "common.closing",
    "ConnectOptions": "keywords",
    "ConnectionClosed": "errors",
    "ConnectionOptions": "keywords",
    "Duplex": "streams.duplex",
    "EventEmitter": "common.emitter",
    "Exchange": "streams.exchange",
    "FileRange": "streams.files",
    "GoAwayError": "errors",
    "HandshakeSocket": "net.handshake_socket",
    "HeaderError": "errors",
    "Headers": "headers",
    "Http1IncomingMessage": "http1.messages",
    "Http1Options": "http1.options",
    "Http1ServerResponse": "http1.messages",
    "Http2ArgumentError": "errors",
    "Http2Error": "errors",
    "Http2SecureServer": "servers.secure_server",
    "Http2Server": "servers.server",
    "Http2ServerRequest": "compat.request",
    "Http2ServerResponse": "compat.response",
    "Http2Session": "sessions.session",
    "Http2SessionEntry": "observing.performance",
    "Http2Stream": "streams.stream",
    "Http2StreamEntry": "observing.performance",
    "Http2TypeError": "errors",
    "Http2ValueError": "errors",
    "NghttpError": "errors",
    "PerformanceEntry": "observing.performance",
    "PerformanceObserver": "observing.performance",
    "PerformanceObserverEntryList": "observing.performance",
    "RawSocket": "net.raw_socket",
    "SecureContextOptions": "keywords",
    "SecureServerOptions": "keywords",
    "ServerHttp2Session": "sessions.server_session",
    "ServerHttp2Stream": "streams.server_stream",
    "ServerOptions": "keywords",
    "ServerRequest": "compat.request",
    "ServerResponse": "compat.response",
    "ServerSessionOptions": "keywords",
    "SessionError": "errors",
    "SessionOptions": "sessions.options",
    "SessionState": "sessions.state",
    "SessionTimeoutError": "errors",
    "Settings": "settings",
    "SocketProxy": "net.socket",
    "StreamError": "errors",
    "StreamSocketProxy": "compat.socket",
    "StreamState": "streams.stream",
    "StreamTimeoutError": "errors",
    "UnknownProtocolSocket": "servers.unknown_protocol",
    "UnsupportedWarning": "errors",
    "WebSocket": "websocket",
    "WebSocketClosed": "websocket",
    "WebSocketHandshakeError": "websocket",
    "accept_websocket": "websocket",
    "connect": "sessions.connect",
    "connect_websocket": "websocket",
    "create_secure_server": "compat.server",
    "create_server": "compat.server",
    "get_default_settings": "settings",
    "get_packed_settings": "settings",
    "get_unpacked_settings": "settings",
    "nghttp2_version": "engine",
    "perform_server_handshake": "servers.handshake",
    "pipe": "streams.pipe",
    "run": "servers.runner",
    "sensitive_headers": "headers",
}
_SUBMODULES = {"constants", "errors"}


if not TYPE_CHECKING:  # it would make every name one of this module's

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name in _SUBMODULES:
            return import_module(f".{name}", __name__)
        module = _MODULES.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f".{module}", __name__), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES, *_SUBMODULES})
