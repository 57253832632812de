"""Implement deadlines that are on by default, with one polling timer per event loop.

Requests cost nothing here, and an idle connection one entry in a set. The engine's counters
show what has changed since the last poll; a session is recorded only while it is active.
Expired deadlines are detected by the next poll.
"""

from __future__ import annotations

import asyncio
import functools
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from ...constants import NGHTTP2_SESSION_CLIENT
from .deadlines import COARSE

if TYPE_CHECKING:
    from ...streams.interfaces import DrivenClientStream
    from ..interfaces import TimedSession
    from ..options import SessionOptions

__all__ = ["Watch", "watch_for"]

# Polls per deadline, and the maximum of the polling interval in seconds: these conditions raise
# no event.
LOOKS = 4
SLOWEST = 5.0
# Number of sessions that are polled in one turn of the loop.
AT_ONCE = 1000

# By loop and period; referenced by the watched sessions and by the timer.
_watches: weakref.WeakValueDictionary[tuple[int, float], Watch] = weakref.WeakValueDictionary()


def watch_for(
    loop: asyncio.AbstractEventLoop, options: SessionOptions, is_client: bool
) -> Watch | None:
    """Return what polls the deadlines of a session with *options* that raise no event, if any."""
    period = _period(options.write_timeout, options.headers_timeout, is_client)
    if not period:
        return None
    key = id(loop), period
    found = _watches.get(key)
    if found is None:
        found = _watches[key] = Watch(loop, period)
    return found


@functools.lru_cache
def _period(write_timeout: float, headers_timeout: float, client: bool) -> float:
    """Return the polling interval in seconds; 0 if there is nothing to poll."""
    times = [write_timeout]
    if not client or headers_timeout >= COARSE:
        times.append(headers_timeout)
    shortest = min((seconds for seconds in times if seconds), default=0.0)
    return min(shortest / LOOKS, SLOWEST)


class _Seen:
    """The results of the last polls of one session."""

    __slots__ = ("block", "bodies", "flushed", "marks", "pending", "uploads")

    def __init__(self, now: float) -> None:
        self.block = (0, now)
        self.flushed = (-1, now)
        self.bodies: dict[int, tuple[int, float]] = {}
        # for each poll, the limits of the open streams: (time, this side's next identifier,
        # the peer's last one)
        self.marks: deque[tuple[float, int, int]] = deque()
        # requests that wait, or have waited, for the connection
        self.pending: dict[DrivenClientStream, float] = {}
        self.uploads: dict[DrivenClientStream, tuple[int, float]] = {}


class Watch:
    """Polls the added sessions of *loop* every *period* seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, period: float) -> None:
        self._loop = loop
        self._period = period
        # in the order of their beginning, so that polls are deterministic
        self._sessions: dict[TimedSession, None] = {}
        self._seen: dict[TimedSession, _Seen] = {}
        self._handle: asyncio.Handle | None = None

    def add(self, session: TimedSession) -> None:
        """Add *session*."""
        self._sessions[session] = None
        if self._handle is None:
            self._handle = self._loop.call_later(self._period, self._look)

    def discard(self, session: TimedSession) -> None:
        """Remove *session*, which is destroyed."""
        self._sessions.pop(session, None)
        self._seen.pop(session, None)
        if not self._sessions and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _look(self) -> None:
        self._look_at_some(list(self._sessions))

    def _look_at_some(self, sessions: list[TimedSession]) -> None:
        """Poll the last of *sessions*, and the others in the next turns of the loop."""
        now = self._loop.time()
        for session in sessions[-AT_ONCE:]:
            if not session.destroyed:
                self._look_at(session, now)
        del sessions[-AT_ONCE:]
        if self._handle is not None:
            # restart it if a callback has added a session
            self._handle.cancel()
        if not self._sessions:
            self._handle = None
        elif sessions:
            self._handle = self._loop.call_soon(self._look_at_some, sessions)
        else:
            self._handle = self._loop.call_later(self._period, self._look)

    def _look_at(self, session: TimedSession, now: float) -> None:
        connection, transport = session.engine, session.transport
        if connection is None or transport is None:
            queued = block = 0
        else:
            queued = transport.get_write_buffer_size()
            block = connection.receiving_block
        if not (queued or block or session.streams or session.waiting_requests):
            self._seen.pop(session, None)
            return
        seen = self._seen.get(session)
        if seen is None:
            seen = self._seen[session] = _Seen(now)
        options = session.options
        if connection is not None:
            if options.write_timeout:
                self._look_at_writing(session, connection, queued, seen, now)
            if options.headers_timeout and session.type != NGHTTP2_SESSION_CLIENT:
                self._look_at_block(session, block, seen, now)
        if (
            options.headers_timeout >= COARSE
            and session.type == NGHTTP2_SESSION_CLIENT
            and not session.destroyed
        ):
            self._look_at_responses(session, connection, seen, now)

    def _look_at_block(self, session: TimedSession, block: int, seen: _Seen, now: float) -> None:
        seconds = session.options.headers_timeout
        if session.destroyed:
            return
        if not block or block != seen.block[0]:
            seen.block = (block, now)
        elif now - seen.block[1] >= seconds:
            session.give_up(f"header block not complete within {seconds:g} s")

    def _look_at_writing(
        self, session: TimedSession, connection: Any, queued: int, seen: _Seen, now: float
    ) -> None:
        seconds = session.options.write_timeout
        flushed = connection.bytes_sent - queued
        if not queued or flushed != seen.flushed[0]:
            seen.flushed = (flushed, now)
        elif now - seen.flushed[1] >= seconds:
            session.give_up(f"peer read nothing of the written data for {seconds:g} s")
            return
        bodies: dict[int, tuple[int, float]] = {}
        for stream_id, sent in connection.unsent_bodies():
            stream = session.streams.get(stream_id)
            if stream is None or stream.is_unsent():
                continue
            before = seen.bodies.get(stream_id)
            if before is None or before[0] != sent:
                bodies[stream_id] = (sent, now)
            elif now - before[1] < seconds:
                bodies[stream_id] = before
            else:
                stream.end_late(f"peer kept its flow-control window closed for {seconds:g} s")
        seen.bodies = bodies

    # --- a client's responses -----------------------------------------------------------------

    def _look_at_responses(self, session: Any, connection: Any, seen: _Seen, now: float) -> None:
        """End the requests that have had no final response for too long.

        Streams are ordered by their beginning: after the first one that began after a poll, all
        others did too.
        """
        seconds = session.options.headers_timeout
        before = now - seconds
        if session.waiting_requests:
            for stream in session.waiting_requests:
                seen.pending.setdefault(stream, now)
        old = [stream for stream, since in seen.pending.items() if since <= before]
        if connection is not None:
            marks = seen.marks
            state = connection.state()
            marks.append((now, state["next_stream_id"], state["last_proc_stream_id"]))
            while len(marks) > 1 and marks[1][0] <= before:
                marks.popleft()
            since, own, pushed = marks[0]
            if since <= before:
                for stream_id, stream in session.streams.items():
                    if stream_id >= own if stream_id & 1 else stream_id > pushed:
                        break
                    if stream.status is None and stream not in seen.pending:
                        old.append(stream)
        uploads: dict[DrivenClientStream, tuple[int, float]] = {}
        for stream in old:
            if not session.has(stream) or stream.status is not None:
                continue
            # the upload makes progress: the server waits for it
            sent = stream.body_sent()
            known = seen.uploads.get(stream, (0, before))
            if known[0] != sent:
                uploads[stream] = (sent, now)
            elif known[1] > before:
                uploads[stream] = known
            else:
                stream.end_late(f"no response headers received within {seconds:g} s")
        seen.uploads = uploads
        if seen.pending:
            seen.pending = {
                stream: since
                for stream, since in seen.pending.items()
                if session.has(stream) and stream.status is None
            }
