"""Types of the listeners of streams: see `http2.common.listening`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias, overload

from ..common.listening import (
    Custom,
    Data,
    Error,
    Fields,
    FrameError,
    Function,
    OnData,
    OnError,
    OnFields,
    OnFrameError,
    OnPlain,
    Plain,
)

StreamPlain: TypeAlias = Literal[
    "aborted", "close", "drain", "end", "finish", "ready", "timeout", "want_trailers"
]
ClientStreamPlain: TypeAlias = Literal[
    "aborted", "close", "continue", "drain", "end", "finish", "ready", "timeout", "want_trailers"
]
ClientStreamFields: TypeAlias = Literal["headers", "push", "response", "trailers"]


class StreamEvents(Protocol):
    """The listeners of an `Http2Stream` of either side."""

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
    """The listeners of a `ClientHttp2Stream`."""

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
