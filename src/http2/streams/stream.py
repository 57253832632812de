"""Define `Http2Stream`, the base class of streams of both roles."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..common.checks import check_error_code
from ..common.closing import Completion
from ..constants import NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_STREAM_STATE_CLOSED
from ..errors import ConnectionClosed, Http2Error, StreamTimeoutError, new_error, stream_error
from ..headers import Headers, OutgoingHeaders, headers_as_sent
from .compiled.base import Http2StreamBase
from .exchange import Exchange, code_of, error_of
from .interfaces import StreamOwner
from .priority import prioritize

if TYPE_CHECKING:
    from ..sessions.session import Http2Session
    from .listening import StreamEvents

__all__ = ["Http2Stream", "StreamState"]

# Seconds between a complete response and the reset that stops the peer's body: some
# clients (curl 7.88) drop a response that arrives in one read with the reset. Meanwhile the
# peer can send at most its window.
RESET_GRACE = 0.05


@dataclass(frozen=True, slots=True)
class StreamState:
    """A snapshot of nghttp2's state of a stream; all 0 except `state` after its end."""

    state: int = NGHTTP2_STREAM_STATE_CLOSED
    """One of the ``NGHTTP2_STREAM_STATE_`` constants."""
    weight: int = 0
    """RFC 7540 weight, 1 to 256."""
    sum_dependency_weight: int = 0
    """The sum of the weights of the streams that depend on this one."""
    local_close: int = 0
    """1 when this side has ended."""
    remote_close: int = 0
    """1 when the peer's side has ended."""
    local_window_size: int = 0
    """Bytes that the peer may send before the next WINDOW_UPDATE."""


class Http2Stream(Http2StreamBase, Exchange):
    """One stream of a session (RFC 9113 section 5); applications do not construct it.

    Events: ``aborted``, ``close``, ``data(chunk)``, ``drain``, ``end``, ``error(error)``,
    ``finish``, ``frame_error(type, code, id)``, ``ready``, ``timeout``,
    ``trailers(headers, flags)``, ``want_trailers``.
    """

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: StreamEvents  # type: ignore[assignment]
        once: StreamEvents  # type: ignore[assignment]
        add_listener: StreamEvents  # type: ignore[assignment]
        prepend_listener: StreamEvents  # type: ignore[assignment]
        prepend_once_listener: StreamEvents  # type: ignore[assignment]

    _session: StreamOwner
    # The trailers that are sent if ``want_trailers`` has no listener.
    _final_trailers: OutgoingHeaders = ()

    def __repr__(self) -> str:
        life = self.life
        state = "destroyed" if life.destroyed else "closed" if life.closed else "open"
        return f"<{type(self).__name__} {self.id or 'pending'} {state}>"

    # --- attributes -------------------------------------------------------------------

    @property
    def session(self) -> Http2Session | None:
        """The session that the stream belongs to; None once the stream is destroyed.

        Listeners of ``close`` can still use it, and the addresses of its socket.
        """
        life = self.life
        if life.destroyed and not life.telling:
            return None
        # no cast, which would be a call: every request reads this property
        return self._session  # type: ignore[return-value]

    @property
    def pending(self) -> bool:
        """Whether the stream has no identifier yet."""
        return self.id is None

    @property
    def writable_length(self) -> int:
        """Written bytes that are still queued, because the peer's window or the socket is full."""
        connection = self._session.engine
        if not self.life.on_wire or connection is None:
            return 0
        assert self.id is not None
        return connection.pending(self.id)

    @property
    def state(self) -> StreamState:
        """A snapshot of the stream's state."""
        connection = self._session.engine
        if not self.life.on_wire or connection is None:
            return StreamState()
        assert self.id is not None
        state = connection.stream_state(self.id)
        return StreamState() if state is None else StreamState(**state)

    # --- writing ----------------------------------------------------------------------

    def _proceed(self) -> None:
        """Send the headers before a body; a request has always sent them."""

    def _refused_by_engine(self, error: Http2Error) -> None:
        """End the stream: its body does not have the declared length."""
        if error.code == "ERR_HTTP_CONTENT_LENGTH_MISMATCH" and not self.life.destroyed:
            self.error_seen = True  # it is raised to the caller
            self.life = self.life.on_end_refused
            self.destroy(error)

    def send_trailers(self, headers: OutgoingHeaders) -> None:
        """Send the trailers and end the stream (RFC 9113 section 8.1).

        Call it at or after ``want_trailers``, on a stream that was begun with
        ``wait_for_trailers=True``. Raises ERR_HTTP2_TRAILERS_NOT_READY,
        ERR_HTTP2_TRAILERS_ALREADY_SENT, ERR_HTTP2_INVALID_STREAM,
        ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED.
        """
        if self.sent_trailers is not None:
            raise new_error("ERR_HTTP2_TRAILERS_ALREADY_SENT")
        if self.life.closed:
            raise self.closed_error()
        if not self.life.trailers_ready:
            raise new_error("ERR_HTTP2_TRAILERS_NOT_READY")
        session = self._session
        assert self.id is not None
        assert session.engine is not None
        session.engine.submit_trailers(self.id, headers)
        self.sent_trailers = headers_as_sent(headers, {})
        session.wake()

    def has_room(self) -> None:
        """Handle a queue of written data that is short again."""
        self.touch()
        self.writable_again()

    def wants_trailers(self) -> None:
        """Handle a sent body: the trailers may follow."""
        self.life = self.life.on_want_trailers
        if self.life.closed:
            return
        if not self.emit("want_trailers"):
            self.send_trailers(self._final_trailers)

    # --- reading ----------------------------------------------------------------------

    @abstractmethod
    def receive_headers(self, headers: Headers, flags: int) -> None:
        """Handle a header block after the first of a request; *flags* are those of its frame."""

    # --- ends -------------------------------------------------------------------------

    def close(self, code: int = NGHTTP2_NO_ERROR) -> Completion:
        """Close the stream with RST_STREAM and *code*; awaiting waits until ``close`` is emitted.

        With NO_ERROR, a stream whose body was ended is closed only after all
        of it has been sent. A stream that is complete in both directions, and waits for its
        reader, is closed at once; received data can still be read.
        Raises ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE.
        """
        check_error_code(code)
        life = self.life
        if life.closed:
            if life.whole:
                self._session.loop.call_soon(self._end_unread)
            return Completion(self)
        sending = life.writable_ended and self.headers_sent and not life.writable_finished
        # no event will report the end of a stream that never began
        unsent = self.is_unsent()
        self._shut(life.on_close, code)
        if life.idle or not sending or code != NGHTTP2_NO_ERROR:
            if unsent:
                self._leave(error_of(code, self.id))
            else:
                self._reset(code)
        return Completion(self)

    def is_unsent(self) -> bool:
        """Return whether the stream's HEADERS wait for the peer's MAX_CONCURRENT_STREAMS."""
        return False

    def all_sent(self) -> None:
        super().all_sent()
        if self.life.closed and self.life.on_wire and self._code == NGHTTP2_NO_ERROR:
            # close() waited for the last byte
            self._session.loop.call_later(RESET_GRACE, self._reset, NGHTTP2_NO_ERROR)

    def _reset(self, code: int) -> None:
        session = self._session
        if self.life.on_wire and session.engine is not None:
            assert self.id is not None
            session.engine.reset(self.id, code)
            session.wake()

    def never_sent(self, code: int) -> bool:
        """Handle HEADERS that were not sent; return True if nothing else remains to be done."""
        return False

    def destroy(self, error: BaseException | None = None) -> None:
        """End the stream at once with RST_STREAM, with INTERNAL_ERROR if there is an *error*.

        A `StreamError` has its own code, an `AbortError` CANCEL. ``error`` and
        ``close`` are emitted in the next turn of the loop.
        """
        life = self.life
        if not life.destroyed:
            self._shut(life.on_close, code_of(error))
            self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        """End on this side's request; the events follow in the next turn."""
        if self.life.on_wire:
            self._reset(self._code)
            if self._has_data():
                # it will not be read, and must not occupy the connection's window
                self._reading().discard(self)
        self._fail(error)
        self._session.forget(self)
        self._session.loop.call_soon(self._emit_end)

    def end_late(self, message: str) -> None:
        """End with CANCEL, because its time is up; waiting callers get *message*."""
        if not self.life.destroyed:
            self.destroy(
                StreamTimeoutError(
                    "ERR_HTTP2_STREAM_ERROR",
                    message,
                    error_code=NGHTTP2_CANCEL,
                    stream_id=self.id,
                    retryable=self.is_unsent(),
                )
            )

    def session_ended(self, error: BaseException | None, code: int) -> None:
        """Fail all readers and waiters: the session is destroyed."""
        life = self.life
        if life.destroyed:
            return
        lost = error is None or isinstance(error, ConnectionClosed)
        self._shut(life.on_lost if lost else life.on_broken, code)
        if self.life.whole:
            self._await_reader()
            return
        self._fail(error)
        if self.error_seen:
            self._session.ending.error_seen = True
        # the session reports it once for all its streams
        self.error_seen = True
        self._session.loop.call_soon(self._emit_end)

    def _end_over(self, code: int, unsent: bool) -> None:
        if self._has_data():
            # Nothing more can arrive on this stream: its buffer is bounded by its
            # window, and the connection's window must not depend on a reader.
            self._reading().release(self)
        life = self.life
        if life.destroyed:
            return
        if life.closed:
            # this side has ended the stream: the peer's code does not matter
            code = self._code
        self._shut(life.on_over if code == NGHTTP2_NO_ERROR else life.on_broken, code)
        if not self.life.whole:
            self._fail(error_of(code, self.id))
            self._emit_end()
            return
        if unsent or self.life.aborted:
            # the response is complete, and the peer needs no more of the request
            self._error = stream_error(code, self.id)
            self._fail_drainers()
        else:
            self.all_sent()
        self._await_reader()
        if life.closed:
            # the application has closed it, without waiting for its own reader
            self._end_unread()

    def _lost(self) -> BaseException | None:
        return self._session.ending.lost_to(self)

    # --- priority ---------------------------------------------------------------------

    def priority(
        self,
        *,
        exclusive: bool | None = None,
        parent: int | None = None,
        weight: int | None = None,
        silent: bool = False,
        urgency: int | None = None,
        incremental: bool | None = None,
    ) -> None:
        """Change the stream's priority: by the rules of RFC 7540, of RFC 9218, or of both.

        *parent* (the id of a stream, 0 for none), *weight* (1 to 256, 16) and *exclusive*
        (adopt the parent's other dependents) are RFC 7540's: they are sent as PRIORITY,
        or with *silent* change the order in which this side sends. *urgency* (0 to 7, 3; 0
        goes first) and *incremental* (False; True shares the connection with others of
        the same urgency) are RFC 9218's: a client sends PRIORITY_UPDATE, if the server
        supports it; a server changes the order in which it sends, if it was created with
        ``extensible_priorities``. Without any argument, RFC 7540's defaults are sent.

        Has no effect if the peer or the linked nghttp2 does not support them. Raises
        ERR_HTTP2_STREAM_SELF_DEPENDENCY, ERR_HTTP2_INVALID_STREAM, ERR_INVALID_ARG_TYPE,
        ERR_OUT_OF_RANGE.
        """
        prioritize(self, self._session, exclusive, parent, weight, silent, urgency, incremental)
