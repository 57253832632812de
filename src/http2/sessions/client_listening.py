"""Types of the listeners of a client's session; see `http2.common.listening`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias, TypeVar, overload

from ..common.listening import (
    Custom,
    Error,
    FrameError,
    Function,
    Listener1,
    Listener2,
    Listener3,
    Listener4,
    OnError,
    OnFrameError,
    OnPlain,
    Plain,
    RawHeaders,
)
from ..headers import Headers
from ..net.socket import SocketProxy
from ..streams.client_stream import ClientHttp2Stream
from .client_session import ClientHttp2Session
from .listening import (
    GoAway,
    NewSettings,
    OnGoAway,
    OnNewSettings,
    OnPing,
    Ping,
    SessionPlain,
    SettingsNames,
)

AltSvc: TypeAlias = Listener3[str, str, int]
Origins: TypeAlias = Listener1[list[str]]
ClientStream: TypeAlias = Listener4[ClientHttp2Stream, Headers, int, RawHeaders]
ClientConnected: TypeAlias = Listener2[ClientHttp2Session, SocketProxy]

# The same for decorators, which return the same function.
OnAltSvc = TypeVar("OnAltSvc", bound=AltSvc)
OnOrigins = TypeVar("OnOrigins", bound=Origins)
OnClientStream = TypeVar("OnClientStream", bound=ClientStream)
OnClientConnected = TypeVar("OnClientConnected", bound=ClientConnected)


class ClientSessionEvents(Protocol):
    """The events of a `ClientHttp2Session`."""

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
