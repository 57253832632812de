"""`Http1Stream`: one request and its response over HTTP/1, with the interface of an HTTP/2 stream.

Requests and responses of the Compatibility API are faces of a stream; what carries the
stream is no concern of theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..constants import NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR
from ..core.duplex import Completion
from ..core.stream import check_error_code
from ..errors import StreamError, stream_error
from ..headers import Headers
from ..layout import lay_out
from .http1_head import RequestHead
from .http1_writer import Http1Writer

if TYPE_CHECKING:
    from .http1 import Http1Connection

__all__ = ["Http1Stream"]


class Http1Stream(Http1Writer):
    """One exchange of an HTTP/1 connection; not constructed by programs.

    Events: ``aborted``, ``close``, ``data(chunk)``, ``drain``, ``end``, ``error(error)``,
    ``finish``, ``timeout``, ``trailers(headers, flags)``.
    """

    id = None
    """HTTP/1 has no stream identifiers."""

    session = None
    """HTTP/1 has no sessions."""

    pending = False
    """Never: a request is there when its stream is."""

    push_allowed = False
    """Never: HTTP/1 has no push."""

    def __init__(self, connection: Http1Connection, head: RequestHead) -> None:
        # As in `ServerHttp2Stream`, what every request looks at is the instance's own.
        self._session = connection
        self._request = head.headers
        self.method = head.method
        """The method, such as ``'GET'``."""
        self.url = head.url
        """The target of the request, as it came."""
        self.http_version = head.version
        """``'1.1'`` or ``'1.0'``."""
        self.closed = self.destroyed = self.writable_ended = False
        self._headers_sent = self._read_ended = self._watched = False
        self._buffered = 0
        if head.method == "HEAD":
            self._head_request = True

    def __repr__(self) -> str:
        state = "destroyed" if self.destroyed else "closed" if self.closed else "open"
        return f"<{type(self).__name__} {self.method} {self.url[:128]} {state}>"

    def _request_line(self) -> tuple[str, str]:
        return self.method, self.url

    # --- the body of the request ----------------------------------------------------------

    def _taken(self, size: int) -> None:
        if not self._off_the_wire:
            self._session._body_taken(self)

    def _receive(self, data: bytes, end: bool) -> None:
        """Bytes of the body have come, *end* with the last of them."""
        if self._timer is not None:
            self._timer.touch()
        if not self.destroyed:
            self._feed(data, end)

    def _receive_trailers(self, trailers: Headers) -> None:
        self._received_trailers = trailers
        if not self.destroyed:
            self.emit("trailers", trailers, 0)

    # --- ends -------------------------------------------------------------------------

    def close(self, code: int = NGHTTP2_NO_ERROR) -> Completion:
        """End the exchange; awaitable: until ``close`` is emitted.

        A response that is complete is sent; one that isn't ends with its connection.
        Raises ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE.
        """
        check_error_code(code)
        if not self.closed and not self.destroyed:
            error = None
            if code not in (NGHTTP2_NO_ERROR, NGHTTP2_CANCEL):
                error = stream_error(code, None)
            self._leave(error, code)
        return Completion(self)

    def destroy(self, error: BaseException | None = None) -> None:
        """End the exchange at once, and with an incomplete response its connection.

        ``error`` and ``close`` are emitted in the next turn of the loop.
        """
        if self.destroyed:
            return
        code = NGHTTP2_NO_ERROR
        if isinstance(error, StreamError):
            code = error.error_code
        elif error is not None:
            code = NGHTTP2_INTERNAL_ERROR
        self._leave(error, code)

    def _leave(self, error: BaseException | None, code: int) -> None:
        connection = self._session
        self._finalize(error, code)
        if not self._off_the_wire:
            self._off_the_wire = True
            connection._abandoned(self)
        connection._loop.call_soon(self._emit_end)

    def _refused(self, status: int) -> None:
        """The connection itself answers, with *status*."""

    def _failed(self, error: BaseException | None, code: int) -> None:
        """The connection has no more to give: it is over, or what came was no HTTP."""
        if self._off_the_wire:
            return
        self._off_the_wire = True
        if self.destroyed:
            return
        if self._read_ended and self._response_ended:
            # what is lost is what the transport had left, and that it does not tell
            self._ended_well()
            return
        self._finalize(error, code)
        self._session._loop.call_soon(self._emit_end)

    def _finalize(self, error: BaseException | None, code: int) -> None:
        """Become destroyed, with *error* for whoever waits."""
        self._cancel_timer()
        if not self.closed:
            self.closed = True
            self.rst_code = code
            if not self.writable_ended:
                self.writable_ended = True
                if not self.aborted:
                    self.aborted = True
                    self.emit("aborted")
        self.destroyed = True
        if error is not None:
            self._error = error
        elif not self._read_ended or not self.writable_finished:
            self._error = stream_error(code, None)
        self._unemitted = error
        self._fail_waiters()
        self._cancel_tasks()

    def _ended_well(self) -> None:
        """Request and response are complete: what is left is that somebody reads the rest."""
        self._off_the_wire = True
        if self.destroyed:
            return
        if not self._watched and not self._buffered and not self._timer:
            # nobody has asked to be told
            self.rst_code = NGHTTP2_NO_ERROR
            self.closed = self.destroyed = True
            self.readable_ended = self.writable_finished = self._close_emitted = True
            return
        self._cancel_timer()
        if not self.closed:
            self.closed = True
            self.rst_code = NGHTTP2_NO_ERROR
        self._finished()
        self._await_reader()

    def _ends_unread(self) -> bool:
        return not self._did_read

    def _stopped(self) -> None:
        """The response is complete, and the rest of the request goes nowhere."""
        self._off_the_wire = True
        if not self.destroyed:
            self._finalize(None, NGHTTP2_NO_ERROR)
            self._session._loop.call_soon(self._emit_end)

    def _handed_over(self) -> None:
        """The connection has left HTTP with this request: there is nothing to respond with."""
        self._off_the_wire = self.readable_ended = self.writable_ended = True
        self.closed = self.destroyed = self._close_emitted = True
        self.rst_code = NGHTTP2_NO_ERROR

    # --- what listeners do wrong --------------------------------------------------------

    def _answer_failure(self) -> bool:
        if self._headers_sent or self.closed or self.destroyed:
            return False
        self._status_message = None
        self.respond({":status": 500}, end_stream=True)
        self._cancel_tasks()
        return True


lay_out(
    Http1Stream,
    *("_session", "_request", "method", "url", "http_version", "closed", "destroyed"),
    *("writable_ended", "_headers_sent", "_read_ended", "_watched", "_buffered", "_did_read"),
    *("_reader", "_had_tasks", "_tasks", "_chunks", "readable_ended", "_fields", "_sent"),
    *("_wants_chunks", "_framing", "_left", "_response_ended", "_off_the_wire", "rst_code"),
    *("writable_finished", "_close_emitted"),
)
