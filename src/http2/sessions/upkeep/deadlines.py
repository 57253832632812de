"""Implement exact deadlines of a session, and of the handshake; see docs/deadlines.md.

Exact deadlines cost something for each stream, so most of them are off by default.
Deadlines that are on by default are polled every few seconds; see `http2.sessions.upkeep.watch`.
All streams have the same time limit, so they expire in the order in which they began: one timer
is enough for any number of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from ...constants import NGHTTP2_SESSION_CLIENT, NGHTTP2_SETTINGS_TIMEOUT
from ...engine import events
from ...errors import SessionTimeoutError

if TYPE_CHECKING:
    from ...streams.interfaces import DrivenClientStream, DrivenStream
    from ..interfaces import Dialled, TimedSession
    from ..options import SessionOptions

__all__ = [
    "Deadlines",
    "HandshakeTimer",
    "Queue",
    "begin_deadlines",
    "end_silent_session",
]

T = TypeVar("T")

# From this value on, a client's `headers_timeout` is polled: see `http2.sessions.upkeep.watch`.
COARSE = 60.0
# Number of ended streams that may stay in a queue, in addition to one for each open stream.
SPARE = 64


class Queue(Generic[T]):
    """A queue of objects with a limit of *seconds* each; calls *late* with the expired ones.

    For example connections in their handshake: they expire in the order in which they began.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, late: Callable[[T], None]
    ) -> None:
        self._loop = loop
        self.seconds = seconds
        self._late = late
        self._due: dict[T, float] = {}
        self._handle: asyncio.TimerHandle | None = None

    def add(self, thing: T) -> None:
        """Start the time limit, unless it is already running."""
        if thing not in self._due:
            self._due[thing] = self._loop.time() + self.seconds
            if self._handle is None:
                self._handle = self._loop.call_later(self.seconds, self._look)

    def discard(self, thing: T) -> None:
        """Remove an object that has ended in time."""
        self._due.pop(thing, None)

    def _look(self) -> None:
        self._handle = None
        now = self._loop.time()
        while self._due:
            thing, due = next(iter(self._due.items()))
            if due > now:
                self._handle = self._loop.call_at(due, self._look)
                return
            del self._due[thing]
            self._late(thing)

    def stop(self) -> None:
        """Stop: no more objects will expire."""
        self._due.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class StreamQueue:
    """Streams of *session* with a limit of *seconds* each: a `Queue` without removal.

    Calls *late* with streams that are open when they expire; if it returns True, they get the
    same time again.
    """

    def __init__(
        self, session: TimedSession, seconds: float, late: Callable[[DrivenStream], bool]
    ) -> None:
        self._session = session
        self._loop = session.loop
        self.seconds = seconds
        self._late = late
        self._due: deque[tuple[float, DrivenStream]] = deque()
        self._most = SPARE
        self._handle: asyncio.TimerHandle | None = None

    def add(self, stream: DrivenStream) -> None:
        """Start the time limit."""
        self._due.append((self._loop.time() + self.seconds, stream))
        if self._handle is None:
            self._handle = self._loop.call_later(self.seconds, self._look)
        elif len(self._due) > self._most:
            # most have ended: clean up occasionally, so that the cost per stream is small
            is_open = self._session.has
            self._due = deque(entry for entry in self._due if is_open(entry[1]))
            self._most = 2 * len(self._due) + SPARE

    def _look(self) -> None:
        self._handle = None
        now = self._loop.time()
        while self._due:
            due, stream = self._due[0]
            if due > now:
                self._handle = self._loop.call_at(due, self._look)
                return
            self._due.popleft()
            if self._session.has(stream) and self._late(stream):
                self._due.append((now + self.seconds, stream))

    def stop(self) -> None:
        """Stop: the session is destroyed."""
        self._due.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


def _not_established(seconds: float) -> str:
    return f"connection not established within {seconds:g} s"


def end_silent_session(session: TimedSession, seconds: float) -> None:
    """End *session* if its peer has not sent SETTINGS within *seconds*."""
    connection = session.engine
    if connection is not None and not connection.frames_received:
        message = _not_established(seconds) + ": no SETTINGS received"
        session.give_up(message, NGHTTP2_SETTINGS_TIMEOUT)


class HandshakeTimer:
    """Ends *session* after *seconds* unless its connection is established and uses HTTP/2.

    A server has one `Queue` for all of its connections instead.
    """

    def __init__(self, session: TimedSession, seconds: float) -> None:
        self._session = session
        self._seconds = seconds
        self._handle = session.loop.call_later(seconds, self._check)
        session.upkeep.add(self)

    def stop(self) -> None:
        """Stop: the session is destroyed."""
        self._handle.cancel()

    def _check(self) -> None:
        session = self._session
        if session.connecting and session.type == NGHTTP2_SESSION_CLIENT:
            message = _not_established(self._seconds)
            cast("Dialled", session).fail_to_connect(
                SessionTimeoutError("ERR_HTTP2_SESSION_ERROR", message, error_code=0)
            )
        else:
            end_silent_session(session, self._seconds)


def begin_deadlines(session: TimedSession, options: SessionOptions) -> Deadlines | None:
    """Create the deadlines of *session*, if its *options* have exact ones."""
    client = session.type == NGHTTP2_SESSION_CLIENT
    if client:
        if options.handshake_timeout:
            HandshakeTimer(session, options.handshake_timeout)
        wanted = 0 < options.headers_timeout < COARSE
    else:
        wanted = bool(options.first_request_timeout)
    if wanted or options.request_timeout or options.idle_timeout:
        return Deadlines(session, client)
    return None


class Deadlines:
    """The exact deadlines of one session, from its creation on."""

    def __init__(self, session: TimedSession, client: bool) -> None:
        options = session.options
        self._session = session
        self._loop = session.loop
        self._handles: dict[str, asyncio.TimerHandle] = {}
        self._headers: StreamQueue | None = None
        self._requests: StreamQueue | None = None
        self._idle_since = 0.0
        # bytes of a request's body that had been sent when its headers_timeout ran out
        self._sent: dict[DrivenStream, int] = {}
        session.upkeep.add(self)
        if client and 0 < options.headers_timeout < COARSE:
            self._headers = StreamQueue(session, options.headers_timeout, self._headers_late)
        if options.request_timeout:
            self._requests = StreamQueue(session, options.request_timeout, self._request_late)
        if options.idle_timeout or (options.request_timeout and not client):
            session.handlers.add(self._lay)

    def _lay(self, handlers: events.Handlers) -> None:
        """Register handlers; sessions without deadlines do not have them."""
        request, closed = handlers[events.REQUEST], handlers[events.STREAM_CLOSED]

        def on_request(
            session: TimedSession, stream_id: int, first: object, second: object
        ) -> None:
            request(session, stream_id, first, second)
            stream = session.streams.get(stream_id)
            if stream is not None:
                self.began(stream)

        def on_stream_closed(
            session: TimedSession, stream_id: int, first: object, second: object
        ) -> None:
            closed(session, stream_id, first, second)
            self.ended()

        if self._requests is not None:
            handlers[events.REQUEST] = on_request
        if self._session.options.idle_timeout:
            handlers[events.STREAM_CLOSED] = on_stream_closed

    def _later(self, name: str, seconds: float, function: Callable[[], None]) -> None:
        self._handles[name] = self._loop.call_later(seconds, function)

    def stop(self) -> None:
        """Stop: the session is destroyed."""
        for handle in self._handles.values():
            handle.cancel()
        for queue in (self._headers, self._requests):
            if queue is not None:
                queue.stop()
        self._sent.clear()

    def established(self) -> None:
        """Handle the established connection."""
        options = self._session.options
        if options.first_request_timeout and self._session.type != NGHTTP2_SESSION_CLIENT:
            self._later("first", options.first_request_timeout, self._check_first)
        if options.idle_timeout:
            self._idle_since = self._loop.time()
            self._later("idle", options.idle_timeout, self._check_idle)

    # --- streams ----------------------------------------------------------------------------

    def began(self, stream: DrivenStream) -> None:
        """Count a new request, of either side."""
        if self._headers is not None:
            self._headers.add(stream)
        if self._requests is not None:
            self._requests.add(stream)

    def ended(self) -> None:
        """Handle the end of a stream, which may have been the last one."""
        session = self._session
        idle_timeout = session.options.idle_timeout
        if not idle_timeout or session.streams or session.connecting or session.destroyed:
            return
        self._idle_since = self._loop.time()
        if "idle" not in self._handles:
            self._later("idle", idle_timeout, self._check_idle)

    def _headers_late(self, stream: DrivenStream) -> bool:
        # only a client waits for them
        waiting = cast("DrivenClientStream", stream)
        if waiting.status is not None:
            return False
        sent = waiting.body_sent()
        if sent != self._sent.pop(stream, 0):
            # the upload makes progress: the server waits for it
            self._sent[stream] = sent
            return True
        seconds = self._session.options.headers_timeout
        stream.end_late(f"no response headers received within {seconds:g} s")
        return False

    def _request_late(self, stream: DrivenStream) -> bool:
        seconds = self._session.options.request_timeout
        stream.end_late(f"request and response not complete within {seconds:g} s")
        return False

    # --- the session ------------------------------------------------------------------------

    def _check_first(self) -> None:
        session = self._session
        if session.engine is not None and not session.engine.stream_count:
            seconds = session.options.first_request_timeout
            session.give_up(f"no request received within {seconds:g} s")

    def _check_idle(self) -> None:
        session = self._session
        del self._handles["idle"]
        if session.closed or session.streams:
            return
        left = self._idle_since + session.options.idle_timeout - self._loop.time()
        if left > 0:
            self._later("idle", max(left, 0.001), self._check_idle)
        else:
            session.close()
