"""Define `Exchange`: a request and its response over any protocol; `Responder` on servers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

from ..common.closing import Completion
from ..common.emitter import logger
from ..common.timers import IdleTimer, check_timeout
from ..constants import NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR
from ..errors import AbortError, Http2Error, StreamError, new_error, stream_error
from ..headers import Headers, OutgoingHeaders, headers_as_sent
from .duplex import Duplex
from .interfaces import ExchangeOwner
from .life import Life

__all__ = ["Exchange", "Responder"]


# Errors that are always the handler's own mistake, whatever the state of its stream.
OF_THE_PROGRAM = frozenset({"ERR_HTTP_CONTENT_LENGTH_MISMATCH", "ERR_STREAM_WRITE_AFTER_END"})


# Events of a request whose listeners may answer it.
OF_THE_BODY = ("data", "end", "trailers", "timeout")

# Number of characters of a request's target in a log line.
SHOWN_TARGET = 200


def code_of(error: BaseException | None) -> int:
    """Return the code for RST_STREAM if this side ends a stream with *error*."""
    if error is None:
        return NGHTTP2_NO_ERROR
    if isinstance(error, StreamError):
        return error.error_code
    return NGHTTP2_CANCEL if isinstance(error, AbortError) else NGHTTP2_INTERNAL_ERROR


def error_of(code: int, stream_id: int | None) -> BaseException | None:
    """Return the error of a stream that was reset with *code*, or None."""
    if code in (NGHTTP2_NO_ERROR, NGHTTP2_CANCEL):
        return None
    return stream_error(code, stream_id)


def _described(exchange: Exchange) -> str:
    """Return method, path and peer for the log."""
    method, target = exchange.request_line()
    shown = "".join(char if char.isprintable() else "?" for char in target[:SHOWN_TARGET])
    return f"{method} {shown}, peer {exchange.peer_name() or 'unknown'}"


def _is_own_fault(error: Http2Error, life: Life) -> bool:
    """Return whether *error* is the handler's own mistake, and not the end of its peer."""
    if error.code in OF_THE_PROGRAM:
        return True
    # it wrote after its own end, when the whole response had been sent
    ended = life.writable_ended and not life.aborted
    return ended and error.code == "ERR_HTTP2_INVALID_STREAM" and error.__cause__ is None


class Exchange(Duplex, ABC):
    """A stream of HTTP/2, or a request and its response over HTTP/1.

    `http2.streams.life` defines its states and their transitions.
    """

    sent_trailers: Headers | None = None
    """The trailers that were sent."""

    _keeps_context = True

    _session: ExchangeOwner
    # The peer's trailers, for `http2.compat`.
    received_trailers: Headers | None = None
    # The error for the event `error`, until it is emitted.
    _unemitted: BaseException | None = None

    @property
    def owner(self) -> ExchangeOwner:
        """The session or HTTP/1 connection; also after the end of the exchange."""
        return self._session

    # --- attributes -------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the stream has been closed, by either side."""
        return self.life.closed

    @property
    def aborted(self) -> bool:
        """Whether the stream ended before this side had ended its body; see ``aborted``."""
        return self.life.aborted

    @property
    def rst_code(self) -> int | None:
        """The error code that the stream was closed with (RFC 9113 section 7); None while open."""
        return self._code if self.life.closed else None

    @property
    def writable(self) -> bool:
        """Whether `write` may be called."""
        return self.life.writable

    @property
    @abstractmethod
    def writable_length(self) -> int:
        """Written bytes that are still queued, because the peer's window or the socket is full."""

    @property
    def buffer_size(self) -> int:
        """The same as `writable_length`, under Node's name."""
        return self.writable_length

    @property
    def sent_headers(self) -> Headers | None:
        """The headers that were sent, including the default ones."""
        if not self.headers_sent:
            return None
        headers, status, date = self._sent
        defaults = {":status": status, "date": date}
        return headers_as_sent(
            headers, {name: value for name, value in defaults.items() if value is not None}
        )

    @property
    def sent_status(self) -> int | None:
        """The status of the response that was sent; None before."""
        return self._sent[1]

    @property
    def failure(self) -> BaseException | None:
        """The error that reading, writing and waiting raise, or None."""
        return self._error

    # --- reading ----------------------------------------------------------------------

    async def trailers(self) -> Headers | None:
        """Wait for the end of the peer's body; return its trailers, or None.

        May be called before, while and after the body is read. The trailers follow the body, so a
        body that is larger than the window must be read. Raises the stream's error if the
        body ended early.
        """
        if not self.life.read_ended:
            self._watched = True
            await self._reading().wait_end(self)
        return self.received_trailers

    # --- writing ----------------------------------------------------------------------

    def _check_writable(self) -> None:
        life = self.life
        if life.closed:
            raise self.closed_error()
        if life.writable_ended:
            raise new_error("ERR_STREAM_WRITE_AFTER_END")

    def closed_error(self) -> BaseException:
        """Return the error for sending on a closed stream, caused by the peer's error, if any."""
        error = new_error("ERR_HTTP2_INVALID_STREAM")
        error.__cause__ = self._error
        return error

    async def wait_sent(self) -> None:
        """Wait until all of it was passed to the transport; raises its error."""
        if self.life.writable_finished:
            return
        if not self.told:
            done = self._session.loop.create_future()

            def finish() -> None:
                if not done.done():
                    done.set_result(None)

            self.on("finish", finish)
            self.on("close", finish)
            try:
                await done
            finally:
                self.off("finish", finish)
                self.off("close", finish)
        if not self.life.writable_finished:
            self.error_seen = True
            raise self._error or new_error("ERR_HTTP2_INVALID_STREAM")

    # --- ends -------------------------------------------------------------------------

    @abstractmethod
    def close(self, code: int = NGHTTP2_NO_ERROR) -> Completion:
        """Close it with *code*; awaitable: until ``close`` is emitted."""

    @abstractmethod
    def destroy(self, error: BaseException | None = None) -> None:
        """End it at once."""

    def _shut(self, after: Life, code: int) -> None:
        """Change to the closed state *after*, with *code* unless it was closed before."""
        before = self.life
        if not before.closed:
            self._code = code
            self._cancel_timer()
        self.life = after
        if after.aborted and not before.aborted:
            self.emit("aborted")

    def _fail(self, error: BaseException | None) -> None:
        """Become destroyed, with *error* for all waiting callers."""
        life = self.life
        if life.destroyed:
            # by a listener of `aborted`
            return
        self.life = life.on_fail
        self._cancel_timer()
        if error is not None:
            self._error = error
        elif not life.complete:
            self._error = self._lost() or stream_error(self._code, self.id)
        self._unemitted = error
        self._fail_waiters()
        self._cancel_tasks()

    def _lost(self) -> BaseException | None:
        """Return the connection's error if the exchange is incomplete because of it."""
        return None

    def _await_reader(self) -> None:
        """Finish after a normal end, once the reader has read the rest."""
        self._cancel_timer()
        if self.life.readable_ended:
            self._close_well()
        elif self._ends_unread():
            self._end_unread()
        else:
            self._reading().end_for_reader(self)

    def _ends_unread(self) -> bool:
        """Return whether the stream ends without waiting for a reader that has not begun yet."""
        return False

    def _end_unread(self) -> None:
        """Finish, even with unread data, unless listeners of ``data`` get it now.

        A late reader still gets the whole body: it is never truncated silently.
        """
        life = self.life
        receiver = self._reading()
        if life.destroyed or receiver.flowing:
            return
        if not receiver.size:
            self.life = life.on_read
        self._close_well()

    def _close_well(self) -> None:
        self.life = self.life.on_finish
        if self._tasks:
            self._session.adopt(self._tasks)
        self._emit_close()

    def peer_name(self) -> str | None:
        return self._session.peer_name()

    def _is_of_no_account(self, error: BaseException) -> bool:
        """Return whether *error* has no consequence and need not be logged."""
        return False

    def _emit_end(self) -> None:
        error = self._unemitted
        if error is not None:
            self._unemitted = None
            if self.error_seen or self._is_of_no_account(error):
                self.emit("error", error)
            else:
                self._emit_error(error)
        self._emit_close()

    # --- time -------------------------------------------------------------------------

    def set_timeout(self, seconds: float, callback: Callable[[], object] | None = None) -> Self:
        """Emit ``timeout`` after *seconds* without activity on the stream; 0 means never.

        *callback* is registered for the next ``timeout``. Raises ERR_INVALID_ARG_TYPE or
        ERR_OUT_OF_RANGE; the previous timeout stays active in this case.
        """
        seconds = check_timeout(seconds)
        if callback is not None:
            self.once("timeout", callback)
        self._cancel_timer()
        if seconds and not self.life.closed:
            self._timer = IdleTimer(self._session.loop, seconds, self._timed_out)
            self._watched = True
        return self

    def _timed_out(self) -> None:
        if not self.life.destroyed:
            self.emit("timeout")

    def touch(self) -> None:
        """Restart the idle time-out, because there was activity."""
        if self._timer is not None:
            self._timer.touch()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- errors of listeners --------------------------------------------------------------

    def listener_raised(self, error: Exception, event: str, args: tuple[object, ...]) -> None:
        self.handler_failed(error, event)

    def handler_failed(self, error: Exception, event: str) -> None:
        """End the stream, and nothing else, after an exception in a handler."""
        if (
            self.life.closed
            and isinstance(error, Http2Error)
            and not _is_own_fault(error, self.life)
        ):
            # The exception only reports the end of the stream, which is already known.
            logger.debug("%r: a listener of %r: %r", self, event, error)
            return
        logger.error(
            "%r: a listener of %r raised: %s", self, event, _described(self), exc_info=error
        )
        self.error_seen = True
        if not self._answer_failure():
            self.destroy(error)

    def request_line(self) -> tuple[str, str]:
        """Return the method and the target of the request."""
        request = self._request
        if request is None:
            request = self.sent_headers or Headers()
        target = request.get(":path") or request.get(":authority") or ""
        return str(request.get(":method", "")), str(target)

    def _answer_failure(self) -> bool:
        """Answer the failure with status 500 if that is still possible."""
        return False


class Responder(Exchange):
    """An exchange on the side that responds."""

    _request: Headers
    _informational: list[Headers] | None = None
    _feeders = 0
    _keeps_handlers = False
    # The `socket` of its request and response.
    socket_proxy: Any = None

    def _tell_closed(self) -> None:
        if (
            self._ends_unread()
            and self.life.complete
            and not self._code
            and self.listener_count("end")
        ):
            # As in Node: the request ends with the response, even if it is unread.
            # A late reader still gets its body. A truncated one has no `end`.
            self.life = self.life.on_read
            self.emit("end")
        super()._tell_closed()

    @property
    def request_headers(self) -> Headers:
        """The headers of the request, as in the event ``stream``."""
        return self._request

    def keep_handlers(self) -> None:
        """Keep coroutine handlers running if the stream ends early; their next call raises.

        By default they are cancelled. Closing the server with a deadline still cancels them.
        """
        self._keeps_handlers = True

    def _cancel_tasks(self) -> None:
        if not self._keeps_handlers:
            super()._cancel_tasks()
        elif self._tasks:
            self._session.adopt(self._tasks)

    @property
    def sent_info_headers(self) -> list[Headers]:
        """The headers of the informational responses that were sent."""
        return list(self._informational or ())

    def is_unanswered(self) -> bool:
        """Return whether nothing has responded, and nothing remains that could."""
        return not (
            self.headers_sent
            or self.life.closed
            or self._tasks
            or self._is_being_fed()
            or any(self.listener_count(name) for name in OF_THE_BODY)
        )

    def fail_unanswered(self, handler: object) -> None:
        """Answer with status 500: *handler* has returned without a response."""
        logger.error(
            "%r: the handler %s returned without a response: %s",
            self,
            getattr(handler, "__qualname__", handler),
            _described(self),
        )
        self._answer_failure()

    def end_when_idle(self) -> None:
        """Close it on its ``timeout``, unless it or the server has another listener for it."""
        if self._end_idle not in self.listeners("timeout"):
            self.on("timeout", self._end_idle)

    def _end_idle(self) -> None:
        if self.listener_count("timeout") > 1:
            return
        session: Any = self._session
        if session.server is None or not session.server.emit("timeout", session):
            self.close(NGHTTP2_CANCEL)

    def _is_being_fed(self) -> bool:
        """Return whether a file or a pipe that the application has started will answer."""
        return self._feeders > 0

    def answered_by(self, count: int) -> None:
        """Count the files and pipes that answer: *count* is 1 at the start, -1 at the end."""
        self._feeders += count

    @abstractmethod
    def respond(self, headers: OutgoingHeaders | None = None, *, end_stream: bool = False) -> None:
        """Begin the response."""

    def _answer_failure(self) -> bool:
        if self.headers_sent or self.life.closed:
            return False
        self.respond({":status": 500}, end_stream=True)
        self._cancel_tasks()
        return True

    def _ends_unread(self) -> bool:
        return self._receiver is None or not self._receiver.did_read

    def _check_informational(self) -> None:
        """Raise an error if no informational response can be sent."""
        if self.life.closed:
            raise self.closed_error()
        if self.headers_sent:
            raise new_error("ERR_HTTP2_HEADERS_AFTER_RESPOND")

    def _keep_informational(self, headers: OutgoingHeaders | None) -> None:
        if self._informational is None:
            self._informational = []
        self._informational.append(headers_as_sent(headers, {}))
