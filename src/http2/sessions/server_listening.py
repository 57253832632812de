"""Types of the listeners of a server's session; see `http2.common.listening`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias, TypeVar, overload

from ..common.listening import (
    Custom,
    Error,
    FrameError,
    Function,
    Listener2,
    Listener4,
    OnError,
    OnFrameError,
    OnPlain,
    Plain,
    RawHeaders,
)
from ..headers import Headers
from ..net.socket import SocketProxy
from ..streams.server_stream import ServerHttp2Stream
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
from .server_session import ServerHttp2Session

ServerStream: TypeAlias = Listener4[ServerHttp2Stream, Headers, int, RawHeaders]
ServerConnected: TypeAlias = Listener2[ServerHttp2Session, SocketProxy]

# The same for decorators, which return the same function.
OnServerStream = TypeVar("OnServerStream", bound=ServerStream)
OnServerConnected = TypeVar("OnServerConnected", bound=ServerConnected)


class ServerSessionEvents(Protocol):
    """The events of a `ServerHttp2Session`."""

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
