"""Define `ClientHttp2Stream`: a request and its response on the client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from ..common.charset import charset_of
from ..common.layout import lay_out
from ..constants import (
    HTTP_STATUS_MISDIRECTED_REQUEST,
    NGHTTP2_CANCEL,
    NGHTTP2_ERR_FRAME_SIZE_ERROR,
    NGHTTP2_FLAG_END_STREAM,
    NGHTTP2_REFUSED_STREAM,
)
from ..engine.events import HIGH_WATER
from ..errors import Http2Error, StreamError, new_error, stream_error
from ..headers import Headers, headers_as_sent
from .compiled.client_base import ClientStreamBase
from .parts.abort_signal import AbortSignal
from .parts.early_request import EarlyRequest
from .stream import Http2Stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from typing_extensions import Buffer

    from ..engine import Connection
    from .interfaces import ClientStreamOwner
    from .listening import ClientStreamEvents

__all__ = ["ClientHttp2Stream"]


# How often a request is sent again that the server has refused.
MOST_REFUSALS = 5


class HeldBlocks:
    """Counts the large header blocks of a response that has ended and is still unread.

    They count for `max_session_memory` as long as this object exists: until the body is read,
    the stream fails, or the program drops it unread.
    """

    __slots__ = ("_connection", "_size")

    def __init__(self, connection: Connection, size: int) -> None:
        self._connection = connection
        self._size = size

    def __del__(self) -> None:
        self._connection.hold(-self._size)


class ClientHttp2Stream(ClientStreamBase, Http2Stream):
    """A stream on the client, returned by `ClientHttp2Session.request`.

    ``async with session.request(…) as stream:`` cancels the request if it is incomplete at the end
    of the block, whatever the reason: an exception, a deadline, a body that was not
    read to its end.

    Further events: ``continue``, ``headers(headers, flags)`` for informational responses,
    ``response(headers, flags)``, or ``push(headers, flags)`` on a pushed stream.
    """

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: ClientStreamEvents
        once: ClientStreamEvents
        add_listener: ClientStreamEvents
        prepend_listener: ClientStreamEvents
        prepend_once_listener: ClientStreamEvents

    _session: ClientStreamOwner

    async def response(self) -> Headers:
        """Wait for the final response; return its headers.

        Informational responses (1xx) are emitted as ``headers`` instead. Raises
        the stream's error if it ends without a response.

        Cancelling the wait cancels the request: it is removed from the queue if it was not sent
        yet, and reset with CANCEL otherwise. It continues while another caller waits.
        """
        if self._response is not None:
            return self._response
        if self.life.destroyed:
            self.raise_failure()
            raise new_error("ERR_STREAM_PREMATURE_CLOSE")
        try:
            await self._response_waiter()
        except asyncio.CancelledError:
            others = [other for other in self._response_waiters or () if not other.done()]
            if self._response_waiters is not None:
                self._response_waiters = others or None
            if not others:
                self.close(NGHTTP2_CANCEL)
            raise
        assert self._response is not None
        return self._response

    @property
    def status(self) -> int | None:
        """``:status`` of the final response; None before the response."""
        return None if self._response is None else self._response[":status"]

    async def text(self, encoding: str | None = None) -> str:
        """Read the whole body of the response as text; later calls return the same text.

        Decoded with *encoding*, else with the ``charset`` of ``content-type``, else with UTF-8.
        Raises like `read`; `UnicodeDecodeError`; `LookupError` for an unknown encoding.
        """
        if self._body is None:
            self._body = await self.read()
        if encoding is None and self._response is not None:
            encoding = charset_of(self._response)
        return self._body.decode(encoding or "utf-8")

    async def json(self) -> Any:
        """Read the whole body of the response as JSON, in UTF-8, -16 or -32 (RFC 8259).

        Raises like `read`; `ValueError` if it is not JSON.
        """
        import json

        if self._body is None:
            self._body = await self.read()
        return json.loads(self._body)

    # --- the block of `async with` ------------------------------------------------------

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the block; cancel the request unless it is complete in both directions."""
        self.close(NGHTTP2_CANCEL)

    @property
    def writable_length(self) -> int:
        """Written bytes that wait for the connection, the peer's window or the socket."""
        return super().writable_length if self._early is None else self._early.size

    @property
    def sent_headers(self) -> Headers | None:
        """The headers of the request, including the default ones."""
        sent = headers_as_sent(self._sent[0], {":method": "GET"})
        if sent[":method"] != "CONNECT" or ":protocol" in sent:
            sent.setdefault(":scheme", self._session.scheme)
            if "host" not in sent:
                sent.setdefault(":authority", self._session.authority)
            sent.setdefault(":path", "/")
        return sent

    # --- the request --------------------------------------------------------------------

    def wait_to_begin(self, submit: Callable[[], None]) -> None:
        """Wait for the connection; then *submit* sends the request and calls `begin`."""
        self._early = EarlyRequest(submit)

    def begin_late(self, refusal: BaseException | None) -> None:
        """Send the waiting request on the established connection, or end it with *refusal*."""
        early = self._early
        if early is None or self.life.destroyed:
            return
        if refusal is not None:
            self._refuse(refusal)
            return
        try:
            early.submit()
        except Exception as error:
            self._refuse(error)  # this request fails, the others continue

    def begin(self, stream_id: int) -> None:
        """Handle the submission of the request as *stream_id*; send the data that has waited."""
        self._id = stream_id
        self.life = self.life.on_begin
        early, self._early = self._early, None
        connection = self._session.engine
        assert connection is not None
        try:
            sent = early is not None and early.send(
                connection, stream_id, ended=self.life.writable_ended
            )
        except Http2Error as error:
            # the body does not match its declared length: `request` could not know
            self.destroy(error)
            return
        if sent and connection.pending(stream_id) < HIGH_WATER and self._drainers is not None:
            self.writable_again()
        if self._listeners is not None:
            self.emit("ready")

    def _submit(self, data: Buffer | None, end: bool) -> bool:
        if self.id is not None:
            return super()._submit(data, end)
        assert self._early is not None
        self._early.write(data)
        if self._early.size >= HIGH_WATER:
            if self._drainers is None:
                self._drainers = []
            return False
        return True

    def never_sent(self, code: int) -> bool:
        """Handle a request that was not sent, because of the peer's GOAWAY or its length."""
        if code == NGHTTP2_ERR_FRAME_SIZE_ERROR:
            # a header block that is longer than `max_send_header_block_length`
            self.life = self.life.on_unsent
            return False
        if not self.life.closed:
            self.life = self.life.on_unsent
            self.goes_unsent()
        # else this side has closed it in the same turn: the event for the closed stream follows
        return True

    def goes_unsent(self) -> None:
        """End the request: the peer sent GOAWAY before it could be sent."""
        self._refuse(
            new_error(
                "ERR_HTTP2_GOAWAY_SESSION",
                message="the session ended before the request was sent",
                retryable=True,
            )
        )

    def cancelled_by_session(self) -> None:
        """Keep the error of a request whose session this side ends."""
        failure = new_error("ERR_HTTP2_STREAM_CANCEL")
        if isinstance(failure, StreamError):
            failure.stream_id = self.id
        self._error = failure

    def is_unsent(self) -> bool:
        connection = self._session.engine
        if self.id is None or not self.life.on_wire or connection is None:
            return self.id is None
        # even identifiers are the server's, and never wait here
        return self.id % 2 == 1 and self.id > connection.last_sent_request

    def body_sent(self) -> int:
        """Return the bytes of the request's body passed to the transport; 0 if all were."""
        connection = self._session.engine
        if self.id is None or connection is None:
            return 0
        return connection.body_sent(self.id)

    def _refuse(self, error: BaseException) -> None:
        """End the request, which the peer has not processed."""
        self._shut(self.life.on_close, NGHTTP2_REFUSED_STREAM)
        self._leave(error)

    def abort_with(self, signal: Awaitable[object]) -> None:
        """Abort the request when the awaitable *signal* completes."""
        self._watched = True
        self._signal = AbortSignal(self._session.loop, signal, self._aborted_by_signal)

    def _aborted_by_signal(self) -> None:
        if not self.life.destroyed:
            self.destroy(new_error("ABORT_ERR"))

    def _let_go(self) -> None:
        self._held_blocks = None
        signal, self._signal = self._signal, None
        if signal is not None:
            signal.cancel()

    # --- the response -------------------------------------------------------------------

    def receive_headers(self, headers: Headers, flags: int) -> None:
        """Handle a header block: an informational response, the final one, or trailers."""
        status = headers.get(":status")
        ended = bool(flags & NGHTTP2_FLAG_END_STREAM)
        self.touch()
        if status is None:
            self.received_trailers = headers
            self.emit("trailers", headers, flags)
        elif 100 <= status < 200 and not ended:
            self.emit("headers", headers, flags)
            if status == 100:
                self.emit("continue")
        else:
            if ended:
                self.end_after_headers = True
            if status == HTTP_STATUS_MISDIRECTED_REQUEST:
                self._session.misdirected(self)
            self._have_response(headers, flags)
        if ended and not self.life.destroyed:
            self.receive_data(b"", True)

    def _hold(self, connection: Connection, size: int) -> None:
        """Count *size* bytes of header blocks until the body is read."""
        self._held_blocks = HeldBlocks(connection, size)

    def sent_as(self, stream_id: int) -> None:
        """Continue as *stream_id*: the request was sent again."""
        self._id = stream_id

    def _ask_again(self) -> bool:
        """Send a request again that the server has refused (RFC 9113 section 8.7).

        Most were sent before the server's limit of streams was known; now they wait for it.
        Return False if it cannot be sent again, or was refused too often.
        """
        if self.life.closed or self._refusals >= MOST_REFUSALS:
            return False
        again = self._session.submit_again(self, self._sent[0], self._priority)
        self._refusals += again
        return again

    def _have_response(self, headers: Headers, flags: int) -> None:
        self._response = headers
        waiters, self._response_waiters = self._response_waiters, None
        for waiter in waiters or ():
            waiter.wake()
        if self._listeners is not None:
            pushed = self.id is not None and not self.id & 1
            self.emit("push" if pushed else "response", headers, flags)

    def _fail_waiters(self) -> None:
        super()._fail_waiters()
        if self._response_waiters is not None:
            error = self._error
            if error is None:
                error = self._error = stream_error(self._code, self.id)
            waiters, self._response_waiters = self._response_waiters, None
            for waiter in waiters:
                if waiter.fail(error):
                    self.error_seen = True

    def _fail(self, error: BaseException | None) -> None:
        self._let_go()
        super()._fail(error)
        self._early = None

    def _close_well(self) -> None:
        self._let_go()
        super()._close_well()


lay_out(
    ClientHttp2Stream,
    *("received_trailers", "sent_trailers", "_final_trailers", "_close_waiters", "_unemitted"),
)
