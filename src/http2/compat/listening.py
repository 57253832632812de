"""Types of the listeners of requests and responses: see `http2.common.listening`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias, overload

from ..common.listening import Custom, Data, Error, Function, OnData, OnError, OnPlain, Plain

RequestPlain: TypeAlias = Literal["aborted", "close", "end", "timeout"]
ResponsePlain: TypeAlias = Literal["close", "drain", "finish", "timeout"]


class RequestEvents(Protocol):
    """The listeners of a request."""

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
    """The listeners of a response."""

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
