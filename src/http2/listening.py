"""What listeners of each event get, as types: nothing of this is there when a program runs.

A listener takes all of an event's arguments or the first few, and may be a coroutine function. Each
class of emitters has a protocol here, the type of its `on`, `once`, `add_listener`,
`prepend_listener` and `prepend_once_listener`: by event, one overload for a listener that is
given and one for the decorator. An event of a program's own has arguments that nobody knows, so
its listener takes ``object`` or ``Any``; so does one of a name that is mistyped, which is how a
checker finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, Never, Protocol, TypeAlias, TypeVar, overload

from .compat.request import Http2ServerRequest, ServerRequest
from .compat.response import Http2ServerResponse, ServerResponse
from .headers import Headers
from .http1.messages import Http1IncomingMessage
from .keywords import Carrying
from .net.handshake_socket import HandshakeSocket
from .net.socket import SocketProxy
from .net.unknown_protocol import RawSocket, UnknownProtocolSocket
from .sessions.client_session import ClientHttp2Session
from .sessions.server_session import ServerHttp2Session
from .sessions.session import Http2Session
from .settings import Settings
from .streams.client_stream import ClientHttp2Stream
from .streams.server_stream import ServerHttp2Stream
from .streams.stream import Http2Stream

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")

# Written out, each: mypy takes a lambda for the one in a union that is no union itself.
Listener0: TypeAlias = Callable[[], object]
Listener1: TypeAlias = Callable[[A], object] | Callable[[], object]
Listener2: TypeAlias = Callable[[A, B], object] | Callable[[A], object] | Callable[[], object]
Listener3: TypeAlias = (
    Callable[[A, B, C], object]
    | Callable[[A, B], object]
    | Callable[[A], object]
    | Callable[[], object]
)
Listener4: TypeAlias = (
    Callable[[A, B, C, D], object]
    | Callable[[A, B, C], object]
    | Callable[[A, B], object]
    | Callable[[A], object]
    | Callable[[], object]
)

Custom: TypeAlias = Listener4[object, object, object, object]
Function = TypeVar("Function", bound=Callable[..., object])

RawHeaders: TypeAlias = list[tuple[str, str]]

# A server may make requests and responses of a program's own classes.
Request = TypeVar("Request", bound=ServerRequest, contravariant=True)
Response = TypeVar("Response", bound=ServerResponse, contravariant=True)
RequestHandler: TypeAlias = Listener2[Http2ServerRequest, Http2ServerResponse]
OwnRequestHandler: TypeAlias = Listener2[Request, Response]

Plain: TypeAlias = Listener0
Error: TypeAlias = Listener1[Exception]
Data: TypeAlias = Callable[[bytes], object] | Callable[[str], object] | Callable[[], object]
FrameError: TypeAlias = Listener3[int, int, int]
Fields: TypeAlias = Listener2[Headers, int]
GoAway: TypeAlias = Listener3[int, int, bytes]
Ping: TypeAlias = Listener1[bytes]
NewSettings: TypeAlias = Listener1[Settings]
AltSvc: TypeAlias = Listener3[str, str, int]
Origins: TypeAlias = Listener1[list[str]]
Stream: TypeAlias = Listener4[Http2Stream, Headers, int, RawHeaders]
ServerStream: TypeAlias = Listener4[ServerHttp2Stream, Headers, int, RawHeaders]
ClientStream: TypeAlias = Listener4[ClientHttp2Stream, Headers, int, RawHeaders]
Connected: TypeAlias = Listener2[Http2Session, SocketProxy]
ServerConnected: TypeAlias = Listener2[ServerHttp2Session, SocketProxy]
ClientConnected: TypeAlias = Listener2[ClientHttp2Session, SocketProxy]
Session: TypeAlias = Listener1[ServerHttp2Session]
SessionError: TypeAlias = Listener2[Exception, ServerHttp2Session]
Accepted: TypeAlias = (
    Callable[[asyncio.Transport], object] | Callable[[Carrying], object] | Callable[[], object]
)
Upgrade: TypeAlias = Listener3[Http1IncomingMessage, RawSocket, bytes]
TlsError: TypeAlias = Listener2[Exception, HandshakeSocket]
Unknown: TypeAlias = Listener1[UnknownProtocolSocket]

# The same for decorators, which give back the very function.
OnPlain = TypeVar("OnPlain", bound=Plain)
OnError = TypeVar("OnError", bound=Error)
OnData = TypeVar("OnData", bound=Data)
OnFrameError = TypeVar("OnFrameError", bound=FrameError)
OnFields = TypeVar("OnFields", bound=Fields)
OnGoAway = TypeVar("OnGoAway", bound=GoAway)
OnPing = TypeVar("OnPing", bound=Ping)
OnNewSettings = TypeVar("OnNewSettings", bound=NewSettings)
OnAltSvc = TypeVar("OnAltSvc", bound=AltSvc)
OnOrigins = TypeVar("OnOrigins", bound=Origins)
OnStream = TypeVar("OnStream", bound=Stream)
OnServerStream = TypeVar("OnServerStream", bound=ServerStream)
OnClientStream = TypeVar("OnClientStream", bound=ClientStream)
OnConnected = TypeVar("OnConnected", bound=Connected)
OnServerConnected = TypeVar("OnServerConnected", bound=ServerConnected)
OnClientConnected = TypeVar("OnClientConnected", bound=ClientConnected)
OnSession = TypeVar("OnSession", bound=Session)
OnSessionError = TypeVar("OnSessionError", bound=SessionError)
OnAccepted = TypeVar("OnAccepted", bound=Accepted)
OnUpgrade = TypeVar("OnUpgrade", bound=Upgrade)
OnRequest = TypeVar("OnRequest", bound=Listener2[Never, Never])
OnTunnel = TypeVar("OnTunnel", bound=Listener2[Never, Never] | Upgrade)
OnTlsError = TypeVar("OnTlsError", bound=TlsError)
OnUnknown = TypeVar("OnUnknown", bound=Unknown)

# Events that give the same.
StreamPlain: TypeAlias = Literal[
    "aborted", "close", "drain", "end", "finish", "ready", "timeout", "want_trailers"
]
ClientStreamPlain: TypeAlias = Literal[
    "aborted", "close", "continue", "drain", "end", "finish", "ready", "timeout", "want_trailers"
]
ClientStreamFields: TypeAlias = Literal["headers", "push", "response", "trailers"]
SessionPlain: TypeAlias = Literal["close", "timeout"]
SettingsNames: TypeAlias = Literal["local_settings", "remote_settings"]
ServerPlain: TypeAlias = Literal["close", "listening"]
RequestNames: TypeAlias = Literal["check_continue", "check_expectation", "request"]
SessionNames: TypeAlias = Literal["session", "timeout"]
RequestPlain: TypeAlias = Literal["aborted", "close", "end", "timeout"]
ResponsePlain: TypeAlias = Literal["close", "drain", "finish", "timeout"]


class StreamEvents(Protocol):
    """Those of an `Http2Stream` of either side."""

    @overload
    def __call__(self, event: StreamPlain, listener: Plain) -> Plain: ...
    @overload
    def __call__(self, event: StreamPlain) -> Callable[[OnPlain], OnPlain]: ...
    @overload
    def __call__(self, event: Literal["data"], listener: Data) -> Data: ...
    @overload
    def __call__(self, event: Literal["data"]) -> Callable[[OnData], OnData]: ...
    @overload
    def __call__(self, event: Literal["error"], listener: Error) -> Error: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def __call__(self, event: Literal["frame_error"], listener: FrameError) -> FrameError: ...
    @overload
    def __call__(self, event: Literal["frame_error"]) -> Callable[[OnFrameError], OnFrameError]: ...
    @overload
    def __call__(self, event: Literal["trailers"], listener: Fields) -> Fields: ...
    @overload
    def __call__(self, event: Literal["trailers"]) -> Callable[[OnFields], OnFields]: ...
    @overload
    def __call__(self, event: str, listener: Custom) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: str) -> Callable[[Function], Function]: ...


class ClientStreamEvents(Protocol):
    """Those of a `ClientHttp2Stream`."""

    @overload
    def __call__(self, event: ClientStreamPlain, listener: Plain) -> Plain: ...
    @overload
    def __call__(self, event: ClientStreamPlain) -> Callable[[OnPlain], OnPlain]: ...
    @overload
    def __call__(self, event: Literal["data"], listener: Data) -> Data: ...
    @overload
    def __call__(self, event: Literal["data"]) -> Callable[[OnData], OnData]: ...
    @overload
    def __call__(self, event: Literal["error"], listener: Error) -> Error: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def __call__(self, event: Literal["frame_error"], listener: FrameError) -> FrameError: ...
    @overload
    def __call__(self, event: Literal["frame_error"]) -> Callable[[OnFrameError], OnFrameError]: ...
    @overload
    def __call__(self, event: ClientStreamFields, listener: Fields) -> Fields: ...
    @overload
    def __call__(self, event: ClientStreamFields) -> Callable[[OnFields], OnFields]: ...
    @overload
    def __call__(self, event: str, listener: Custom) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: str) -> Callable[[Function], Function]: ...


class SessionEvents(Protocol):
    """Those of an `Http2Session` of either side."""

    @overload
    def __call__(self, event: SessionPlain, listener: Plain) -> Plain: ...
    @overload
    def __call__(self, event: SessionPlain) -> Callable[[OnPlain], OnPlain]: ...
    @overload
    def __call__(self, event: Literal["connect"], listener: Connected) -> Connected: ...
    @overload
    def __call__(self, event: Literal["connect"]) -> Callable[[OnConnected], OnConnected]: ...
    @overload
    def __call__(self, event: Literal["error"], listener: Error) -> Error: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def __call__(self, event: Literal["frame_error"], listener: FrameError) -> FrameError: ...
    @overload
    def __call__(self, event: Literal["frame_error"]) -> Callable[[OnFrameError], OnFrameError]: ...
    @overload
    def __call__(self, event: Literal["goaway"], listener: GoAway) -> GoAway: ...
    @overload
    def __call__(self, event: Literal["goaway"]) -> Callable[[OnGoAway], OnGoAway]: ...
    @overload
    def __call__(self, event: SettingsNames, listener: NewSettings) -> NewSettings: ...
    @overload
    def __call__(self, event: SettingsNames) -> Callable[[OnNewSettings], OnNewSettings]: ...
    @overload
    def __call__(self, event: Literal["ping"], listener: Ping) -> Ping: ...
    @overload
    def __call__(self, event: Literal["ping"]) -> Callable[[OnPing], OnPing]: ...
    @overload
    def __call__(self, event: Literal["stream"], listener: Stream) -> Stream: ...
    @overload
    def __call__(self, event: Literal["stream"]) -> Callable[[OnStream], OnStream]: ...
    @overload
    def __call__(self, event: str, listener: Custom) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: str) -> Callable[[Function], Function]: ...


class ServerSessionEvents(Protocol):
    """Those of a `ServerHttp2Session`."""

    @overload
    def __call__(self, event: SessionPlain, listener: Plain) -> Plain: ...
    @overload
    def __call__(self, event: SessionPlain) -> Callable[[OnPlain], OnPlain]: ...
    @overload
    def __call__(self, event: Literal["connect"], listener: ServerConnected) -> ServerConnected: ...
    @overload
    def __call__(
        self, event: Literal["connect"]
    ) -> Callable[[OnServerConnected], OnServerConnected]: ...
    @overload
    def __call__(self, event: Literal["error"], listener: Error) -> Error: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def __call__(self, event: Literal["frame_error"], listener: FrameError) -> FrameError: ...
    @overload
    def __call__(self, event: Literal["frame_error"]) -> Callable[[OnFrameError], OnFrameError]: ...
    @overload
    def __call__(self, event: Literal["goaway"], listener: GoAway) -> GoAway: ...
    @overload
    def __call__(self, event: Literal["goaway"]) -> Callable[[OnGoAway], OnGoAway]: ...
    @overload
    def __call__(self, event: SettingsNames, listener: NewSettings) -> NewSettings: ...
    @overload
    def __call__(self, event: SettingsNames) -> Callable[[OnNewSettings], OnNewSettings]: ...
    @overload
    def __call__(self, event: Literal["ping"], listener: Ping) -> Ping: ...
    @overload
    def __call__(self, event: Literal["ping"]) -> Callable[[OnPing], OnPing]: ...
    @overload
    def __call__(self, event: Literal["stream"], listener: ServerStream) -> ServerStream: ...
    @overload
    def __call__(self, event: Literal["stream"]) -> Callable[[OnServerStream], OnServerStream]: ...
    @overload
    def __call__(self, event: str, listener: Custom) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: str) -> Callable[[Function], Function]: ...


class ClientSessionEvents(Protocol):
    """Those of a `ClientHttp2Session`."""

    @overload
    def __call__(self, event: Literal["altsvc"], listener: AltSvc) -> AltSvc: ...
    @overload
    def __call__(self, event: Literal["altsvc"]) -> Callable[[OnAltSvc], OnAltSvc]: ...
    @overload
    def __call__(self, event: SessionPlain, listener: Plain) -> Plain: ...
    @overload
    def __call__(self, event: SessionPlain) -> Callable[[OnPlain], OnPlain]: ...
    @overload
    def __call__(self, event: Literal["connect"], listener: ClientConnected) -> ClientConnected: ...
    @overload
    def __call__(
        self, event: Literal["connect"]
    ) -> Callable[[OnClientConnected], OnClientConnected]: ...
    @overload
    def __call__(self, event: Literal["error"], listener: Error) -> Error: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def __call__(self, event: Literal["frame_error"], listener: FrameError) -> FrameError: ...
    @overload
    def __call__(self, event: Literal["frame_error"]) -> Callable[[OnFrameError], OnFrameError]: ...
    @overload
    def __call__(self, event: Literal["goaway"], listener: GoAway) -> GoAway: ...
    @overload
    def __call__(self, event: Literal["goaway"]) -> Callable[[OnGoAway], OnGoAway]: ...
    @overload
    def __call__(self, event: SettingsNames, listener: NewSettings) -> NewSettings: ...
    @overload
    def __call__(self, event: SettingsNames) -> Callable[[OnNewSettings], OnNewSettings]: ...
    @overload
    def __call__(self, event: Literal["ping"], listener: Ping) -> Ping: ...
    @overload
    def __call__(self, event: Literal["ping"]) -> Callable[[OnPing], OnPing]: ...
    @overload
    def __call__(self, event: Literal["stream"], listener: ClientStream) -> ClientStream: ...
    @overload
    def __call__(self, event: Literal["stream"]) -> Callable[[OnClientStream], OnClientStream]: ...
    @overload
    def __call__(self, event: Literal["origin"], listener: Origins) -> Origins: ...
    @overload
    def __call__(self, event: Literal["origin"]) -> Callable[[OnOrigins], OnOrigins]: ...
    @overload
    def __call__(self, event: str, listener: Custom) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: str) -> Callable[[Function], Function]: ...


class ServerEvents(Protocol):
    """Those of an `Http2Server`."""

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
    """Those of an `Http2SecureServer`."""

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


class RequestEvents(Protocol):
    """Those of a request."""

    @overload
    def __call__(self, event: RequestPlain, listener: Plain) -> Plain: ...
    @overload
    def __call__(self, event: RequestPlain) -> Callable[[OnPlain], OnPlain]: ...
    @overload
    def __call__(self, event: Literal["data"], listener: Data) -> Data: ...
    @overload
    def __call__(self, event: Literal["data"]) -> Callable[[OnData], OnData]: ...
    @overload
    def __call__(self, event: Literal["error"], listener: Error) -> Error: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def __call__(self, event: str, listener: Custom) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: str) -> Callable[[Function], Function]: ...


class ResponseEvents(Protocol):
    """Those of a response."""

    @overload
    def __call__(self, event: ResponsePlain, listener: Plain) -> Plain: ...
    @overload
    def __call__(self, event: ResponsePlain) -> Callable[[OnPlain], OnPlain]: ...
    @overload
    def __call__(self, event: Literal["error"], listener: Error) -> Error: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def __call__(self, event: str, listener: Custom) -> Callable[..., object]: ...
    @overload
    def __call__(self, event: str) -> Callable[[Function], Function]: ...
