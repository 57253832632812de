"""Deadlines for the phases of a session and of its streams; see docs/deadlines.md for what each is.

A session with any of them has a registry for its streams in place of a plain dict, which
tells when one begins and ends; one without has the dict, and runs the same code as ever.
All streams have the same time, so that they run out in the order in which they began: one
timer does for any number of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ..constants import NGHTTP2_CANCEL, NGHTTP2_SESSION_CLIENT, NGHTTP2_SETTINGS_TIMEOUT
from ..errors import SessionTimeoutError, StreamTimeoutError
from .keepalive import give_up

if TYPE_CHECKING:
    from .accept import ServerProtocol
    from .client_session import ClientHttp2Session
    from .client_stream import ClientHttp2Stream
    from .session import Http2Session
    from .stream import Http2Stream

__all__ = ["Deadlines", "Queue", "Registry"]

T = TypeVar("T")

# How often what can only be seen by looking is looked at, within its time.
LOOKS = 4


class Registry(dict[Any, Any]):
    """The streams of a session, by id or (while they are pending) as keys."""

    def __init__(self, deadlines: Deadlines) -> None:
        super().__init__()
        self._deadlines = deadlines

    def __setitem__(self, key: Any, value: Any) -> None:
        """A stream has begun, or has got its identifier."""
        super().__setitem__(key, value)
        self._deadlines.began(key if value is None else value)

    def __delitem__(self, key: Any) -> None:
        """A stream has ended."""
        self.pop(key)

    def pop(self, key: Any, *default: Any) -> Any:
        """Likewise."""
        if key in self:
            value = super().pop(key)
            self._deadlines.ended(key if value is None else value)
            return value
        return super().pop(key, *default)


class Queue(Generic[T]):
    """Streams that have *seconds* each; *late* is called with those whose time is up.

    Or connections in their handshake: whatever begins in the order in which it runs out.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, late: Callable[[T], None]
    ) -> None:
        self._loop = loop
        self.seconds = seconds
        self._late = late
        self._due: dict[T, float] = {}
        self._handle: asyncio.TimerHandle | None = None

    def add(self, stream: T) -> None:
        """Begin to count, unless that was done before."""
        if stream not in self._due:
            self._due[stream] = self._loop.time() + self.seconds
            if self._handle is None:
                self._handle = self._loop.call_later(self.seconds, self._look)

    def discard(self, stream: T) -> None:
        """It has ended in time."""
        self._due.pop(stream, None)

    def _look(self) -> None:
        self._handle = None
        now = self._loop.time()
        while self._due:
            stream, due = next(iter(self._due.items()))
            if due > now:
                self._handle = self._loop.call_at(due, self._look)
                return
            del self._due[stream]
            self._late(stream)

    def stop(self) -> None:
        """The session is destroyed."""
        self._due.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class Deadlines:
    """The deadlines of one session, from the moment that it is made."""

    def __init__(self, session: Http2Session) -> None:
        options = session._options
        loop = session._loop
        self._session = session
        self._loop = loop
        self._client = session.type == NGHTTP2_SESSION_CLIENT
        self._protocol: ServerProtocol | None = None
        self._handles: dict[str, asyncio.TimerHandle] = {}
        self._headers: Queue[Http2Stream] | None = None
        self._requests: Queue[Http2Stream] | None = None
        self._idle_since = 0.0
        self._block = (0, 0.0)
        self._flushed = (-1, 0.0)
        self._bodies: dict[int, tuple[int, float]] = {}
        session._upkeep.append(self)
        if options.handshake_timeout:
            self._later("handshake", options.handshake_timeout, self._check_handshake)
        if options.headers_timeout and self._client:
            self._headers = Queue(loop, options.headers_timeout, self._headers_late)
        if options.request_timeout:
            self._requests = Queue(loop, options.request_timeout, self._request_late)

    def _later(self, name: str, seconds: float, function: Callable[[], None]) -> None:
        self._handles[name] = self._loop.call_later(seconds, function)

    def stop(self) -> None:
        """The session is destroyed."""
        for handle in self._handles.values():
            handle.cancel()
        for queue in (self._headers, self._requests):
            if queue is not None:
                queue.stop()
        self._protocol = None

    def accepted(self, protocol: ServerProtocol) -> None:
        """A server has accepted the connection; nothing is known of the client's protocol."""
        self._protocol = protocol

    def stands(self) -> None:
        """The connection stands."""
        options = self._session._options
        if options.headers_timeout and not self._client:
            self._later("first", options.headers_timeout, self._check_first)
            self._later("block", options.headers_timeout / LOOKS, self._check_block)
        if options.idle_timeout:
            self._idle_since = self._loop.time()
            self._later("idle", options.idle_timeout, self._check_idle)
        if options.write_timeout:
            self._later("write", options.write_timeout / LOOKS, self._check_writing)

    # --- streams ----------------------------------------------------------------------------

    def began(self, stream: Http2Stream) -> None:
        """A request has begun, here or at the peer's."""
        if self._headers is not None:
            self._headers.add(stream)
        if self._requests is not None:
            self._requests.add(stream)

    def ended(self, stream: Http2Stream) -> None:
        """It has ended; or a pending one begins."""
        if self._headers is not None:
            self._headers.discard(stream)
        if self._requests is not None:
            self._requests.discard(stream)
        self._idle_since = self._loop.time()
        idle_timeout = self._session._options.idle_timeout
        if (
            idle_timeout
            and not self._session._streams
            and "idle" not in self._handles
            and not self._session.connecting
            and not self._session.destroyed
        ):
            self._later("idle", idle_timeout, self._check_idle)

    def _late(self, stream: Http2Stream, message: str) -> None:
        if stream.destroyed:
            return
        stream.destroy(
            StreamTimeoutError(
                "ERR_HTTP2_STREAM_ERROR",
                message,
                error_code=NGHTTP2_CANCEL,
                stream_id=stream.id,
                retryable=self._client and stream._is_unsent(),
            )
        )

    def _headers_late(self, stream: Http2Stream) -> None:
        # only a client waits for them
        if cast("ClientHttp2Stream", stream)._response is None:
            seconds = self._session._options.headers_timeout
            self._late(stream, f"no response headers came within {seconds:g} s")

    def _request_late(self, stream: Http2Stream) -> None:
        seconds = self._session._options.request_timeout
        self._late(stream, f"request and response took more than {seconds:g} s")

    # --- the session ------------------------------------------------------------------------

    def _check_handshake(self) -> None:
        session = self._session
        seconds = session._options.handshake_timeout
        connection = session._connection
        message = f"the connection did not stand within {seconds:g} s"
        if session.connecting and self._client:
            cast("ClientHttp2Session", session)._fail_to_connect(
                SessionTimeoutError("ERR_HTTP2_SESSION_ERROR", message, error_code=0)
            )
        elif connection is None:
            protocol = self._protocol
            if protocol is not None and protocol._first is not None and protocol._transport:
                protocol._transport.abort()
        elif not connection.frames_received:
            give_up(session, message + ": no SETTINGS came", NGHTTP2_SETTINGS_TIMEOUT)

    def _check_first(self) -> None:
        session = self._session
        assert session._connection is not None
        if not session._connection.stream_count:
            seconds = session._options.headers_timeout
            give_up(session, f"no request came within {seconds:g} s")

    def _check_block(self) -> None:
        session = self._session
        assert session._connection is not None
        seconds = session._options.headers_timeout
        now = self._loop.time()
        block = session._connection.receiving_block
        if not block or block != self._block[0]:
            self._block = (block, now)
        elif now - self._block[1] >= seconds:
            give_up(session, f"a header block was not complete within {seconds:g} s")
            return
        self._later("block", seconds / LOOKS, self._check_block)

    def _check_idle(self) -> None:
        session = self._session
        del self._handles["idle"]
        if session.closed or session._streams:
            return
        left = self._idle_since + session._options.idle_timeout - self._loop.time()
        if left > 0:
            self._later("idle", max(left, 0.001), self._check_idle)
        else:
            session.close()

    def _check_writing(self) -> None:
        session = self._session
        connection, transport = session._connection, session._transport
        assert connection is not None
        seconds = session._options.write_timeout
        now = self._loop.time()
        queued = 0 if transport is None else transport.get_write_buffer_size()
        flushed = connection.bytes_sent - queued
        if not queued or flushed != self._flushed[0]:
            self._flushed = (flushed, now)
        elif now - self._flushed[1] >= seconds:
            give_up(session, f"the peer took nothing of what was written for {seconds:g} s")
            return
        bodies = {}
        for stream_id, sent in connection.unsent_bodies():
            stream = session._streams.get(stream_id)
            if stream is None or stream._is_unsent():
                continue
            before = self._bodies.get(stream_id)
            if before is None or before[0] != sent:
                bodies[stream_id] = (sent, now)
            elif now - before[1] < seconds:
                bodies[stream_id] = before
            else:
                self._late(stream, f"the peer gave no window to send in for {seconds:g} s")
        self._bodies = bodies
        if not session.destroyed:
            self._later("write", seconds / LOOKS, self._check_writing)
