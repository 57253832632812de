"""Define the common base of requests and responses: both are views of one stream.

A view does not duplicate the stream's state. The stream's events are forwarded to a
view only if it has listeners, so a request without listeners costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from ..common.emitter import EventEmitter
from ..errors import new_error
from .socket import StreamSocketProxy, socket_of

__all__ = ["Message"]


class Message(EventEmitter):
    """An emitter for a stream: a `ServerHttp2Stream`, or its equivalent for HTTP/1."""

    stream: Any
    """The underlying stream."""

    _keeps_context = True

    # The stream's events that are forwarded to this view, with the same name.
    _forwarded: frozenset[str]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.stream!r}>"

    def _listeners_changed(self, event: str, *, added: bool) -> None:
        if added and event in self._forwarded and self.listener_count(event) == 1:
            self._forward(event)

    def _forward(self, event: str) -> None:
        """Forward the stream's *event*."""
        self.stream.on(event, lambda *args: self.emit(event, *args))

    def task_owner(self, event: str, args: tuple[object, ...]) -> EventEmitter:
        stream: EventEmitter = self.stream
        return stream

    def listener_raised(self, error: Exception, event: str, args: tuple[object, ...]) -> None:
        self.stream.handler_failed(error, event)

    @property
    def socket(self) -> StreamSocketProxy | None:
        """The connection, read-only; see `StreamSocketProxy`."""
        return socket_of(self.stream)

    @property
    def connection(self) -> StreamSocketProxy | None:
        """The same as `socket`."""
        return self.socket

    @property
    def destroyed(self) -> bool:
        """Whether the stream has ended."""
        return bool(self.stream.destroyed)

    def destroy(self, error: BaseException | None = None) -> None:
        """End the stream at once, as `Http2Stream.destroy`; listeners of ``error`` get *error*."""
        self.stream.destroy(error)

    def set_timeout(self, seconds: float, callback: Callable[[], object] | None = None) -> Self:
        """Emit ``timeout`` after *seconds* without activity on the stream; 0 means never.

        *callback* becomes a listener. When the request, the response and the server have no
        listener of ``timeout``, the stream is closed with CANCEL. Raises
        ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """
        stream = self.stream
        if callback is not None and not callable(callback):
            raise new_error("ERR_INVALID_ARG_TYPE", "callback", "a callable", callback)
        stream.set_timeout(seconds)
        if callback is not None:
            self.on("timeout", callback)
        stream.end_when_idle()
        return self
