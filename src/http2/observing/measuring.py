"""Measure sessions and streams while there are observers, and only then.

A measured session has a layer over its event handlers that wraps those for
a stream's progress; other sessions run unchanged code.
The engine always counts the connection's bytes, frames and streams, so that
they are correct even for a session that began without an observer.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..constants import NGHTTP2_SESSION_SERVER
from ..engine import events
from ..sessions.upkeep.established import established, observers

if TYPE_CHECKING:
    from ..sessions.interfaces import SessionDoor
    from .entries import PerformanceEntry

__all__ = ["begin", "end", "sinks"]

Sink = Callable[["PerformanceEntry", asyncio.AbstractEventLoop], None]

# Functions that are called with each entry and its loop.
sinks: list[Sink] = []
# What measures a session now.
_active: weakref.WeakSet[Measuring] = weakref.WeakSet()


def begin(sink: Sink) -> None:
    """Call *sink* with every entry from now on; start to measure established sessions."""
    sinks.append(sink)
    if len(sinks) == 1:
        observers.append(Measuring)
        for session in tuple(established):
            if not session.destroyed:
                Measuring(session)


def end(sink: Sink) -> None:
    """Remove *sink*; after the last one, nothing is measured."""
    sinks.remove(sink)
    if not sinks:
        observers.remove(Measuring)
        for measuring in tuple(_active):
            measuring.forget()


class _Progress:
    """The measurements of an open stream."""

    __slots__ = ("first_byte", "first_byte_sent", "first_header", "read", "start", "written")

    def __init__(self, start: float) -> None:
        self.start = start
        self.read = self.written = 0
        self.first_header: float | None = None
        self.first_byte: float | None = None
        self.first_byte_sent: float | None = None


class Measuring:
    """Measures one session and those of its streams that begin from now on."""

    def __init__(self, session: SessionDoor) -> None:
        assert session.engine is not None
        self._session = session
        self._connection = session.engine
        self._streams: dict[int, _Progress] = {}
        self._ended = 0
        self._durations = 0.0
        session.engine.measuring += 1
        session.handlers.add(self._lay)
        session.upkeep.add(self)
        _active.add(self)

    def _lay(self, handlers: events.Handlers) -> None:
        for kind, before in (
            (events.REQUEST, self._on_request),
            (events.RESPONSE, self._on_headers),
            (events.HEADERS, self._on_headers),
            (events.PUSH_RESPONSE, self._on_headers),
            (events.DATA, self._on_data),
            (events.PUSH_PROMISE, self._on_push_promise),
            (events.STREAM_CLOSED, self._on_stream_closed),
            (events.MEASURED, self._on_measured),
        ):
            handlers[kind] = _after(before, handlers[kind])

    def forget(self) -> None:
        """Stop measuring, without an entry."""
        self._session.handlers.remove(self._lay)
        _active.discard(self)
        self._connection.measuring -= 1
        self._streams.clear()

    def stop(self) -> None:
        """Stop: the session and its remaining streams are destroyed."""
        if self not in _active:
            return
        for stream_id in tuple(self._streams):
            self._on_stream_closed(stream_id, None, None)
        session, connection = self._session, self._connection
        began = established[session]
        duration = time.monotonic() - began
        self.forget()

        from .entries import Http2SessionEntry

        def tell() -> None:
            # the last GOAWAY has been counted by now
            _tell(
                session,
                Http2SessionEntry(
                    start_time=began,
                    duration=duration,
                    type="server" if session.type == NGHTTP2_SESSION_SERVER else "client",
                    bytes_read=connection.bytes_received,
                    bytes_written=connection.bytes_sent,
                    frames_received=connection.frames_received,
                    frames_sent=connection.frames_sent,
                    stream_count=connection.stream_count,
                    max_concurrent_streams=connection.max_open_streams,
                    stream_average_duration=self._durations / self._ended if self._ended else 0.0,
                    ping_rtt=None if session.pings is None else session.pings.round_trip,
                ),
            )

        session.loop.call_soon(tell)

    # --- before the session's own handlers ------------------------------------------------

    def _on_request(self, stream_id: int, _: object, __: object) -> None:
        progress = self._streams[stream_id] = _Progress(time.monotonic())
        progress.first_header = 0.0

    def _on_push_promise(self, _: int, __: object, promised: int) -> None:
        self._streams[promised] = _Progress(time.monotonic())

    def _on_headers(self, stream_id: int, _: object, __: object) -> None:
        progress = self._streams.get(stream_id)
        if progress is not None and progress.first_header is None:
            progress.first_header = time.monotonic() - progress.start

    def _on_data(self, stream_id: int, data: bytes, _: object) -> None:
        progress = self._streams.get(stream_id)
        if progress is not None and data:
            if not progress.read:
                progress.first_byte = time.monotonic() - progress.start
            progress.read += len(data)

    def _on_measured(self, stream_id: int, what: int, size: int) -> None:
        if what == 0:
            self._streams[stream_id] = _Progress(time.monotonic())
            return
        progress = self._streams.get(stream_id)
        if progress is not None:
            if progress.first_byte_sent is None:
                progress.first_byte_sent = time.monotonic() - progress.start
            progress.written += size

    def _on_stream_closed(self, stream_id: int, _: object, __: object) -> None:
        progress = self._streams.pop(stream_id, None)
        if progress is None:
            return
        duration = time.monotonic() - progress.start
        self._ended += 1
        self._durations += duration
        from .entries import Http2StreamEntry

        _tell(
            self._session,
            Http2StreamEntry(
                start_time=progress.start,
                duration=duration,
                id=stream_id,
                bytes_read=progress.read,
                bytes_written=progress.written,
                time_to_first_header=progress.first_header,
                time_to_first_byte=progress.first_byte,
                time_to_first_byte_sent=progress.first_byte_sent,
            ),
        )


def _tell(session: SessionDoor, entry: PerformanceEntry) -> None:
    for sink in tuple(sinks):
        sink(entry, session.loop)


def _after(before: Callable[[int, Any, Any], None], handler: events.Handler) -> events.Handler:
    def both(session: SessionDoor, stream_id: int, first: object, second: object) -> None:
        before(stream_id, first, second)
        handler(session, stream_id, first, second)

    return both
