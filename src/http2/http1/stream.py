"""`Http1Stream`: one request and its response over HTTP/1, with the interface of an HTTP/2 stream.

Requests and responses of the Compatibility API are faces of a stream; what carries the
stream is no concern of theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.closing import Completion
from ..common.layout import lay_out
from ..constants import NGHTTP2_NO_ERROR
from ..engine.http1_head import Http1Head
from ..headers import Headers
from ..streams.exchange import code_of, error_of
from ..streams.life import LIVE
from ..streams.stream import check_error_code
from .writer import Http1Writer

if TYPE_CHECKING:
    from .connection import Http1Connection

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

    def __init__(self, connection: Http1Connection, head: Http1Head) -> None:
        # As in `ServerHttp2Stream`, what every request looks at is the instance's own.
        self._session = connection
        self._request = head.headers
        self.method = head.method
        """The method, such as ``'GET'``."""
        self.url = head.url
        """The target of the request, as it came."""
        self.http_version = head.version
        """``'1.1'`` or ``'1.0'``."""
        self.life = LIVE
        self.headers_sent = self._watched = False
        self._buffered = 0
        if head.method == "HEAD":
            self._head_request = True

    def __repr__(self) -> str:
        life = self.life
        state = "destroyed" if life.destroyed else "closed" if life.closed else "open"
        return f"<{type(self).__name__} {self.method} {self.url[:128]} {state}>"

    def request_line(self) -> tuple[str, str]:
        return self.method, self.url

    # --- the body of the request ----------------------------------------------------------

    def _taken(self, size: int) -> None:
        life = self.life
        if life.on_wire and not life.read_ended:
            self._session._body_taken(self)

    def _receive_whole(self, body: bytes) -> None:
        """The whole body has come with the head, before anything could ask for it."""
        self._chunks = [body]
        self._buffered = len(body)
        self.life = self.life.on_peer_end

    def _receive(self, data: bytes, end: bool) -> None:
        """Bytes of the body have come, *end* with the last of them."""
        if self._timer is not None:
            self._timer.touch()
        if not self.life.destroyed:
            self._feed(data, end)

    def _receive_trailers(self, trailers: Headers) -> None:
        self._received_trailers = trailers
        if not self.life.destroyed:
            self.emit("trailers", trailers, 0)

    # --- ends -------------------------------------------------------------------------

    def close(self, code: int = NGHTTP2_NO_ERROR) -> Completion:
        """End the exchange; awaitable: until ``close`` is emitted.

        A response that is complete is sent; one that isn't ends with its connection.
        Raises ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE.
        """
        check_error_code(code)
        if not self.life.closed:
            self._leave(error_of(code, None), code)
        return Completion(self)

    def destroy(self, error: BaseException | None = None) -> None:
        """End the exchange at once, and with an incomplete response its connection.

        ``error`` and ``close`` are emitted in the next turn of the loop.
        """
        if not self.life.destroyed:
            self._leave(error, code_of(error))

    def _leave(self, error: BaseException | None, code: int) -> None:
        """Leave the connection because this side says so."""
        life = self.life
        self._shut(life.on_close, code)
        self._fail(error)
        if life.on_wire:
            self._session._abandoned(self)
        self._session.loop.call_soon(self._emit_end)

    def _refused(self, status: int) -> None:
        """The connection itself answers, with *status*."""

    def _failed(self, error: BaseException | None, code: int) -> None:
        """The connection has no more to give: it is over, or what came was no HTTP."""
        life = self.life
        if not life.on_wire:
            return
        # of a whole response, what is lost is what the transport had left, which it does not tell
        after = life.on_over if self._response_ended else life.on_broken
        if after.whole:
            self._ended_well()
        else:
            self._shut(after, code)
            self._fail(error)
            self._session.loop.call_soon(self._emit_end)

    def _ended_well(self) -> None:
        """Request and response are complete: what is left is that somebody reads the rest."""
        life = self.life
        if life.destroyed:
            return
        if not self._watched and not self._buffered and not self._timer:
            # nobody has asked to be told
            self.life = life.on_done
            return
        self._shut(life.on_over, NGHTTP2_NO_ERROR)
        self.all_sent()
        self._await_reader()

    def _stopped(self) -> None:
        """The response is complete, and the rest of the request goes nowhere."""
        if not self.life.destroyed:
            self._shut(self.life.on_broken, NGHTTP2_NO_ERROR)
            self._fail(None)
            self._session.loop.call_soon(self._emit_end)

    def _handed_over(self) -> None:
        """The connection has left HTTP with this request: there is nothing to respond with."""
        self.life = self.life.on_handed_over

    # --- errors of listeners --------------------------------------------------------------

    def _answer_failure(self) -> bool:
        if not self.headers_sent:
            self._status_message = None
        return super()._answer_failure()


lay_out(
    Http1Stream,
    *("_session", "_request", "method", "url", "http_version", "life", "headers_sent"),
    *("_watched", "_buffered", "_did_read", "_reader", "_had_tasks", "_tasks", "_chunks"),
    *("_fields", "_sent", "_wants_chunks", "_framing", "_left", "_response_ended", "_code"),
)
