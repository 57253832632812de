"""Define `WatchedStream`: an exchange over HTTP/1 that records what it sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..compat.watched import Watched
from .stream import Http1Stream
from .writer import NO_BODY

if TYPE_CHECKING:
    from ..engine.http1_fields import Http1Fields
    from ..engine.http1_head import Http1Head
    from .connection import Http1Connection

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
        """Report the end to the watchers."""
        for watcher in self._watchers:
            watcher.over(self)


def watched(
    watchers: tuple[Watcher, ...],
) -> Callable[[Http1Connection, Http1Head], WatchedStream]:
    """Return a function that creates streams with reports to *watchers*."""

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
