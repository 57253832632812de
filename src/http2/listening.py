"""Types of the listeners of servers, streams, requests and responses.

See `http2.common.listening`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, Never, Protocol, TypeAlias, TypeVar, overload

from .common.listening import (
    Custom,
    Error,
    Function,
    Listener1,
    Listener2,
    Listener3,
    OnError,
    OnPlain,
    Plain,
)
from .compat.handlers import OwnRequestHandler, Request, RequestHandler, Response
from .http1.messages import Http1IncomingMessage
from .net.handshake_socket import HandshakeSocket
from .net.raw_socket import RawSocket
from .servers.unknown_protocol import UnknownProtocolSocket
from .sessions.server_listening import OnServerStream, ServerStream
from .sessions.server_session import ServerHttp2Session
from .tunnels.carriers import Carrying

# A server may create requests and responses of the application's own classes.
Session: TypeAlias = Listener1[ServerHttp2Session]
SessionError: TypeAlias = Listener2[Exception, ServerHttp2Session]
Accepted: TypeAlias = (
    Callable[[asyncio.Transport], object] | Callable[[Carrying], object] | Callable[[], object]
)
Upgrade: TypeAlias = Listener3[Http1IncomingMessage, RawSocket, bytes]
TlsError: TypeAlias = Listener2[Exception, HandshakeSocket]
Unknown: TypeAlias = Listener1[UnknownProtocolSocket]

# The same for decorators, which return the same function.
OnSession = TypeVar("OnSession", bound=Session)
OnSessionError = TypeVar("OnSessionError", bound=SessionError)
OnAccepted = TypeVar("OnAccepted", bound=Accepted)
OnUpgrade = TypeVar("OnUpgrade", bound=Upgrade)
OnRequest = TypeVar("OnRequest", bound=Listener2[Never, Never])
OnTunnel = TypeVar("OnTunnel", bound=Listener2[Never, Never] | Upgrade)
OnTlsError = TypeVar("OnTlsError", bound=TlsError)
OnUnknown = TypeVar("OnUnknown", bound=Unknown)

# Events with the same arguments.
ServerPlain: TypeAlias = Literal["close", "listening"]
RequestNames: TypeAlias = Literal["check_continue", "check_expectation", "request"]
SessionNames: TypeAlias = Literal["session", "timeout"]


class ServerEvents(Protocol):
    """The listeners of an `Http2Server`."""

    @overload
    def __call__(self, event: ServerPlain, listener: Plain) -> Plain: ...
    @overload
    def __call__(self, event: ServerPlain) -> Callable[[OnPlain], OnPlain]: ...
    @overload
    def __call__(self, event: RequestNames, listener: RequestHandler) -> Callable[..., object]: ...
    @overload
    def __call__(
        self, event: RequestNames, listener: OwnRequestHandler[Request, Response]
    ) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: RequestNames) -> Callable[[OnRequest], OnRequest]: ...
    @overload
    def __call__(self, event: Literal["connect"], listener: Upgrade) -> Callable[..., object]: ...
    @overload
    def __call__(
        self, event: Literal["connect"], listener: OwnRequestHandler[Request, Response]
    ) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: Literal["connect"]) -> Callable[[OnTunnel], OnTunnel]: ...
    @overload
    def __call__(self, event: Literal["connection"], listener: Accepted) -> Accepted: ...
    @overload
    def __call__(self, event: Literal["connection"]) -> Callable[[OnAccepted], OnAccepted]: ...
    @overload
    def __call__(self, event: Literal["error"], listener: Error) -> Error: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def __call__(self, event: SessionNames, listener: Session) -> Session: ...
    @overload
    def __call__(self, event: SessionNames) -> Callable[[OnSession], OnSession]: ...
    @overload
    def __call__(self, event: Literal["session_error"], listener: SessionError) -> SessionError: ...
    @overload
    def __call__(
        self, event: Literal["session_error"]
    ) -> Callable[[OnSessionError], OnSessionError]: ...
    @overload
    def __call__(self, event: Literal["stream"], listener: ServerStream) -> ServerStream: ...
    @overload
    def __call__(self, event: Literal["stream"]) -> Callable[[OnServerStream], OnServerStream]: ...
    @overload
    def __call__(self, event: Literal["upgrade"], listener: Upgrade) -> Upgrade: ...
    @overload
    def __call__(self, event: Literal["upgrade"]) -> Callable[[OnUpgrade], OnUpgrade]: ...
    @overload
    def __call__(self, event: str, listener: Custom) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: str) -> Callable[[Function], Function]: ...


class SecureServerEvents(Protocol):
    """The listeners of an `Http2SecureServer`."""

    @overload
    def __call__(self, event: ServerPlain, listener: Plain) -> Plain: ...
    @overload
    def __call__(self, event: ServerPlain) -> Callable[[OnPlain], OnPlain]: ...
    @overload
    def __call__(self, event: RequestNames, listener: RequestHandler) -> Callable[..., object]: ...
    @overload
    def __call__(
        self, event: RequestNames, listener: OwnRequestHandler[Request, Response]
    ) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: RequestNames) -> Callable[[OnRequest], OnRequest]: ...
    @overload
    def __call__(self, event: Literal["connect"], listener: Upgrade) -> Callable[..., object]: ...
    @overload
    def __call__(
        self, event: Literal["connect"], listener: OwnRequestHandler[Request, Response]
    ) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: Literal["connect"]) -> Callable[[OnTunnel], OnTunnel]: ...
    @overload
    def __call__(self, event: Literal["connection"], listener: Accepted) -> Accepted: ...
    @overload
    def __call__(self, event: Literal["connection"]) -> Callable[[OnAccepted], OnAccepted]: ...
    @overload
    def __call__(self, event: Literal["error"], listener: Error) -> Error: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def __call__(self, event: SessionNames, listener: Session) -> Session: ...
    @overload
    def __call__(self, event: SessionNames) -> Callable[[OnSession], OnSession]: ...
    @overload
    def __call__(self, event: Literal["session_error"], listener: SessionError) -> SessionError: ...
    @overload
    def __call__(
        self, event: Literal["session_error"]
    ) -> Callable[[OnSessionError], OnSessionError]: ...
    @overload
    def __call__(self, event: Literal["stream"], listener: ServerStream) -> ServerStream: ...
    @overload
    def __call__(self, event: Literal["stream"]) -> Callable[[OnServerStream], OnServerStream]: ...
    @overload
    def __call__(self, event: Literal["upgrade"], listener: Upgrade) -> Upgrade: ...
    @overload
    def __call__(self, event: Literal["upgrade"]) -> Callable[[OnUpgrade], OnUpgrade]: ...
    @overload
    def __call__(self, event: Literal["tls_client_error"], listener: TlsError) -> TlsError: ...
    @overload
    def __call__(
        self, event: Literal["tls_client_error"]
    ) -> Callable[[OnTlsError], OnTlsError]: ...
    @overload
    def __call__(self, event: Literal["unknown_protocol"], listener: Unknown) -> Unknown: ...
    @overload
    def __call__(self, event: Literal["unknown_protocol"]) -> Callable[[OnUnknown], OnUnknown]: ...
    @overload
    def __call__(self, event: str, listener: Custom) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: str) -> Callable[[Function], Function]: ...
