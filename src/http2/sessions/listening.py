"""Types of the listeners of a session; see `http2.common.listening`."""

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
from ..settings import Settings
from ..streams.stream import Http2Stream
from .session import Http2Session

GoAway: TypeAlias = Listener3[int, int, bytes]
Ping: TypeAlias = Listener1[bytes]
NewSettings: TypeAlias = Listener1[Settings]
Stream: TypeAlias = Listener4[Http2Stream, Headers, int, RawHeaders]
Connected: TypeAlias = Listener2[Http2Session, SocketProxy]

# The same for decorators, which return the same function.
OnGoAway = TypeVar("OnGoAway", bound=GoAway)
OnPing = TypeVar("OnPing", bound=Ping)
OnNewSettings = TypeVar("OnNewSettings", bound=NewSettings)
OnStream = TypeVar("OnStream", bound=Stream)
OnConnected = TypeVar("OnConnected", bound=Connected)

SessionPlain: TypeAlias = Literal["close", "timeout"]
SettingsNames: TypeAlias = Literal["local_settings", "remote_settings"]


class SessionEvents(Protocol):
    """The events of an `Http2Session` of either role."""

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
