"""Define `WatchedStream`: an exchange over HTTP/1 that records what it sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..compat.watched import Watched
from ..streams.compiled.base import as_buffer
from .http1_base import NO_BODY
from .stream import Http1Stream

if TYPE_CHECKING:
    from ..engine.http1.fields import Http1Fields
    from ..engine.http1.head import Http1Head
    from ..streams.keywords import Chunk
    from .interfaces import Http1Owner

__all__ = ["WatchedStream", "Watcher", "watched"]


class Watcher(Protocol):
    """Gets reports about exchanges."""

    def begun(self, stream: WatchedStream) -> None:
        """Handle the head of a request."""

    def over(self, stream: WatchedStream) -> None:
        """Handle the end of an exchange."""


class WatchedStream(Http1Stream):
    """Counts the bytes of an exchange's bodies, and records the status that was sent."""

    watched: Watched
    """The record of the exchange."""
    complete = False
    """Whether the whole response was written, or the connection was passed on."""

    _watchers: tuple[Watcher, ...] = ()

    def report_to(self, watchers: tuple[Watcher, ...], head: Http1Head) -> None:
        """Report the exchange, which begins with *head*, to *watchers*."""
        self.watched = Watched(
            time.monotonic(),
            head.version,
            "https" if self._session.encrypted else "http",
            self.peer_name(),
            head.method,
            head.url,
        )
        self.watched.received = self._unread_size()
        self._watchers = watchers
        self.once("close", self.over)
        for watcher in watchers:
            watcher.begun(self)

    def receive_data(self, data: bytes, end: bool) -> int:
        self.watched.received += len(data)
        return super().receive_data(data, end)

    def _head(self, whole: int | None) -> bytes:
        assert self._fields is not None
        status = self._fields.status
        head = super()._head(whole)
        self.watched.status = status
        return head

    def _write_body(self, data: bytes, size: int) -> None:
        super()._write_body(data, size)
        self.watched.sent += size

    def end(self, data: Chunk | None = None, encoding: str = "utf-8") -> None:
        if not isinstance(data, bytes) and self.life.writable:
            data = b"" if data is None else bytes(as_buffer(data, encoding))
        super().end(data, encoding)
        if self.response_ended and not self.complete:
            # it was written as a whole
            assert self._given is not None
            assert isinstance(data, bytes)
            self.watched.status = self._given.status
            self.watched.sent = len(data)
            self.complete = True

    def _end(self, data: bytes, trailers: Http1Fields | None) -> None:
        super()._end(data, trailers)
        self.complete = True
        if self._framing != NO_BODY:
            self.watched.sent += len(data)

    def refused(self, status: int) -> bool:
        if not super().refused(status):
            return False
        self.watched.status = status
        self.complete = True
        return True

    def handed_over(self) -> None:
        super().handed_over()
        self.complete = True
        self.over()

    def over(self) -> None:
        """Report the end to the watchers."""
        for watcher in self._watchers:
            watcher.over(self)


def watched(
    watchers: tuple[Watcher, ...],
) -> Callable[[Http1Owner, Http1Head], WatchedStream]:
    """Return a function that creates streams with reports to *watchers*."""

    def make(connection: Http1Owner, head: Http1Head) -> WatchedStream:
        stream = WatchedStream(connection, head)
        stream.report_to(watchers, head)
        return stream

    return make
