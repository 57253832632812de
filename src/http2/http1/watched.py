"""`WatchedStream`: an exchange over HTTP/1 that knows what went out of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..streams.watched import Watched
from .stream import Http1Stream
from .writer import NO_BODY

if TYPE_CHECKING:
    from ..engine.http1_fields import Http1Fields
    from ..engine.http1_head import Http1Head
    from .connection import Http1Connection

__all__ = ["WatchedStream", "Watcher", "watched"]


class Watcher(Protocol):
    """Is told of exchanges."""

    def begun(self, stream: WatchedStream) -> None:
        """The head of a request has come."""

    def over(self, stream: WatchedStream) -> None:
        """Its exchange is over."""


class WatchedStream(Http1Stream):
    """Counts the bodies of an exchange, and notes the status that went out."""

    watched: Watched
    """What is known."""
    complete = False
    """Whether the whole response was written, or the connection was handed over."""

    _watchers: tuple[Watcher, ...] = ()

    def _receive_whole(self, body: bytes) -> None:
        self.watched.received += len(body)
        super()._receive_whole(body)

    def _receive(self, data: bytes, end: bool) -> None:
        self.watched.received += len(data)
        super()._receive(data, end)

    def _head(self, whole: int | None) -> bytes:
        assert self._fields is not None
        status = self._fields.status
        head = super()._head(whole)
        self.watched.status = status
        return head

    def _write_body(self, data: bytes, size: int) -> None:
        super()._write_body(data, size)
        self.watched.sent += size

    def _end_plainly(self, data: bytes, fields: Http1Fields) -> bool:
        if not super()._end_plainly(data, fields):
            return False
        self.watched.status = fields.status
        self.watched.sent = len(data)
        self.complete = True
        return True

    def _end(self, data: bytes, trailers: Http1Fields | None) -> None:
        super()._end(data, trailers)
        self.complete = True
        if self._framing != NO_BODY:
            self.watched.sent += len(data)

    def _refused(self, status: int) -> None:
        self.watched.status = status
        self.complete = True

    def _handed_over(self) -> None:
        super()._handed_over()
        self.complete = True
        self.over()

    def over(self) -> None:
        """Tell those who watch."""
        for watcher in self._watchers:
            watcher.over(self)


def watched(
    watchers: tuple[Watcher, ...],
) -> Callable[[Http1Connection, Http1Head], WatchedStream]:
    """What makes streams of which *watchers* are told."""

    def make(connection: Http1Connection, head: Http1Head) -> WatchedStream:
        stream = WatchedStream(connection, head)
        stream.watched = Watched(
            time.monotonic(),
            head.version,
            "https" if connection.encrypted else "http",
            stream.peer_name(),
            head.method,
            head.url,
        )
        stream._watchers = watchers
        stream.once("close", stream.over)
        for watcher in watchers:
            watcher.begun(stream)
        return stream

    return make
