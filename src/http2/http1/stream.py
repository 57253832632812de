"""Define `Http1Stream`: a request and its response over HTTP/1, with an HTTP/2 stream's interface.

Requests and responses of the Compatibility API are views of a stream, independent of its
protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.checks import check_error_code
from ..common.closing import Completion
from ..common.layout import lay_out
from ..constants import NGHTTP2_NO_ERROR
from ..engine.http1.head import Http1Head
from ..headers import Headers
from ..streams.exchange import code_of, error_of
from ..streams.life import LIVE
from ..streams.parts.receiver import Receiver
from .writer import Http1Writer

if TYPE_CHECKING:
    import asyncio

    from .interfaces import Http1Owner

__all__ = ["Http1Stream"]

# The state of an exchange whose request is complete when it begins.
RECEIVED = LIVE.on_peer_end


class Http1Stream(Http1Writer):
    """One exchange of an HTTP/1 connection; applications do not construct it.

    Events: ``aborted``, ``close``, ``data(chunk)``, ``drain``, ``end``, ``error(error)``,
    ``finish``, ``timeout``, ``trailers(headers, flags)``.
    """

    session = None
    """HTTP/1 has no sessions."""

    pending = False
    """Always False: a request exists when its stream does."""

    push_allowed = False
    """Always False: HTTP/1 has no push."""

    method: str
    """The method, such as ``'GET'``."""

    url: str
    """The target of the request, as received."""

    http_version: str
    """``'1.1'`` or ``'1.0'``."""

    # The response is complete, and a coroutine handler still reads.
    _reading_on = False

    def __init__(self, connection: Http1Owner, head: Http1Head) -> None:
        self._session = connection
        self._request, method, self.url, self.http_version, body = head.request
        self.method = method
        self.life = LIVE if body is None else RECEIVED
        self.status_message = None
        self._head_request = method == "HEAD"
        if body:
            # the body arrived with the head: its reader need not wait
            self._receiver = Receiver(body)
        elif body is not None:
            self.end_after_headers = True

    def __repr__(self) -> str:
        life = self.life
        state = "destroyed" if life.destroyed else "closed" if life.closed else "open"
        return f"<{type(self).__name__} {self.method} {self.url[:128]} {state}>"

    def request_line(self) -> tuple[str, str]:
        return self.method, self.url

    # --- the body of the request ----------------------------------------------------------

    def consumed(self, size: int) -> None:
        life = self.life
        if life.on_wire and not life.read_ended:
            self._session.body_taken(self._unread_size())

    def _unread_size(self) -> int:
        return 0 if self._receiver is None else self._receiver.size

    def receive_data(self, data: bytes, end: bool) -> int:
        """Handle received bytes of the body; *end* marks the last. Return the unread bytes."""
        if self._watched and self._timer is not None:
            self._timer.touch()
        life = self.life
        receiver = self._receiver
        if life.destroyed:
            pass
        elif receiver is not None:
            receiver.receive(self, data, end)
        else:
            if data:
                self._receiver = Receiver(data)
            if end:
                self.life = life.on_peer_end
        return self._unread_size()

    def receive_trailers(self, trailers: Headers) -> None:
        """Handle the fields after the body."""
        self.received_trailers = trailers
        if not self.life.destroyed:
            self.emit("trailers", trailers, 0)

    # --- ends -------------------------------------------------------------------------

    def close(self, code: int = NGHTTP2_NO_ERROR) -> Completion:
        """End the exchange; awaiting waits until ``close`` is emitted.

        A complete response is sent; an incomplete one ends with its connection.
        Raises ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE.
        """
        check_error_code(code)
        if not self.life.closed:
            self._leave(error_of(code, None), code)
        return Completion(self)

    def destroy(self, error: BaseException | None = None) -> None:
        """End the exchange at once, and its connection if the response is incomplete.

        ``error`` and ``close`` are emitted in the next turn of the loop.
        """
        if not self.life.destroyed:
            self._leave(error, code_of(error))

    def _leave(self, error: BaseException | None, code: int) -> None:
        """End on this side's request."""
        life = self.life
        self._shut(life.on_close, code)
        self._fail(error)
        if life.on_wire:
            self._fields = None
            self._session.abandoned(self)
        self._session.loop.call_soon(self._emit_end)

    def failed(self, error: BaseException | None, code: int) -> None:
        """Fail: the connection has ended, or received data was not HTTP."""
        life = self.life
        if not life.on_wire:
            return
        # a complete response may be lost in the transport, which does not report it
        after = life.on_over if self.response_ended else life.on_broken
        if after.whole:
            self.ended_well()
        else:
            self._shut(after, code)
            self._fail(error)
            self._session.loop.call_soon(self._emit_end)

    def end_unnoticed(self) -> bool:
        """End after a complete request and response if nothing listens, waits or is unread.

        Otherwise, return False.
        """
        receiver = self._receiver
        if self._watched or (receiver is not None and receiver.size):
            return False
        self.life = self.life.on_done
        return True

    def ended_well(self) -> None:
        """Handle a complete request and response; the rest may still be unread."""
        life = self.life
        if life.destroyed:
            return
        if self.end_unnoticed():
            return
        self._shut(life.on_over, NGHTTP2_NO_ERROR)
        self.all_sent()
        self._await_reader()

    def is_watched(self) -> bool:
        """Return whether something may listen to its end, or wait for it."""
        return self._watched

    def reads_on(self) -> bool:
        """Return whether the body is still being read, after the response.

        If a coroutine handler reads it, its end calls `Http1Owner.response_over`.
        """
        if self._ends_unread() or self.life.destroyed:
            return False
        if not self._tasks:
            return self._tasks is None
        if not self._reading_on:
            self._reading_on = True
            for task in tuple(self._tasks):
                task.add_done_callback(self._reader_done)
        return True

    def _reader_done(self, task: asyncio.Task[object]) -> None:
        self._session.loop.call_soon(self._session.response_over, self)

    def stopped(self) -> None:
        """Discard the rest of the request: the response is complete."""
        if not self.life.destroyed:
            self._shut(self.life.on_broken, NGHTTP2_NO_ERROR)
            self._fail(None)
            self._session.loop.call_soon(self._emit_end)

    def handed_over(self) -> None:
        """End: the connection has left HTTP with this request, so no response is possible."""
        self.life = self.life.on_handed_over

    # --- errors of listeners --------------------------------------------------------------

    def _answer_failure(self) -> bool:
        if not self.headers_sent:
            self.status_message = None
        return super()._answer_failure()


lay_out(
    Http1Stream,
    *("method", "url", "http_version", "status_message"),
    *("_fields", "_given", "_wants_chunks", "_framing", "_left", "response_ended"),
)
