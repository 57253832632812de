"""Define `Http1Stream`: a request and its response over HTTP/1, with an HTTP/2 stream's interface.

Requests and responses of the Compatibility API are views of a stream, independent of its
protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.checks import check_error_code
from ..common.closing import Completion
from ..constants import NGHTTP2_NO_ERROR
from ..headers import Headers
from ..streams.exchange import code_of, error_of
from .writer import Http1Writer

if TYPE_CHECKING:
    import asyncio

__all__ = ["Http1Stream"]


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

    # The response is complete, and a coroutine handler still reads.
    _reading_on = False

    def __repr__(self) -> str:
        life = self.life
        state = "destroyed" if life.destroyed else "closed" if life.closed else "open"
        return f"<{type(self).__name__} {self.method} {self.url[:128]} {state}>"

    def request_line(self) -> tuple[str, str]:
        return self.method, self.url

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
