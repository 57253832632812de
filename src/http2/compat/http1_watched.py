"""`WatchedStream`: an exchange over HTTP/1 that knows what went out of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .http1_stream import Http1Stream
from .http1_writer import NO_BODY

if TYPE_CHECKING:
    from .http1 import Http1Connection
    from .http1_head import RequestHead
    from .http1_response import Fields

__all__ = ["WatchedStream", "watched"]


class WatchedStream(Http1Stream):
    """Counts its response's body, and notes the status when its head is written."""

    began = 0.0
    """When the request's head had come, on the clock `time.monotonic`."""
    status_sent = 0
    """The status that went out; 0 for none yet."""
    body_sent = 0
    """Bytes of the response's body, without their framing."""
    complete = False
    """Whether the whole response was written, or the connection was handed over."""

    _watchers: tuple[Callable[[WatchedStream], None], ...] = ()

    def _head(self, whole: int | None) -> bytes:
        assert self._fields is not None
        status = self._fields.status
        head = super()._head(whole)
        self.status_sent = status
        return head

    def _write_body(self, data: bytes, size: int) -> None:
        super()._write_body(data, size)
        self.body_sent += size

    def _end_plainly(self, data: bytes, fields: Fields) -> bool:
        if not super()._end_plainly(data, fields):
            return False
        self.status_sent = fields.status
        self.body_sent = len(data)
        self.complete = True
        return True

    def _end(self, data: bytes, trailers: Fields | None) -> None:
        super()._end(data, trailers)
        self.complete = True
        if self._framing != NO_BODY:
            self.body_sent += len(data)

    def _refused(self, status: int) -> None:
        self.status_sent = status
        self.complete = True

    def _handed_over(self) -> None:
        super()._handed_over()
        self.complete = True
        self.over()

    def over(self) -> None:
        """Tell those who watch."""
        for watcher in self._watchers:
            watcher(self)


def watched(
    watchers: tuple[Callable[[WatchedStream], None], ...],
) -> Callable[[Http1Connection, RequestHead], WatchedStream]:
    """What makes streams of whose end *watchers* are told."""

    def make(connection: Http1Connection, head: RequestHead) -> WatchedStream:
        stream = WatchedStream(connection, head)
        stream.began = time.monotonic()
        stream._watchers = watchers
        stream.once("close", stream.over)
        return stream

    return make
