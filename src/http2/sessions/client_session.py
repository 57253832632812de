"""Define `ClientHttp2Session`: a connection that this side has opened, and its requests."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Self

from ..common.checks import check_bool
from ..common.closing import Completion
from ..common.futures import fail, wait_among, wake
from ..common.layout import lay_out
from ..common.timers import check_timeout
from ..constants import (
    HTTP_STATUS_MISDIRECTED_REQUEST,
    NGHTTP2_CANCEL,
    NGHTTP2_NO_ERROR,
    NGHTTP2_PROTOCOL_ERROR,
    NGHTTP2_SESSION_CLIENT,
)
from ..engine import events
from ..errors import StreamError, new_error
from ..headers import Headers, OutgoingHeaders, kept_headers
from ..net.misunderstandings import SILENT, not_http2
from ..net.origins import serialize_origin
from ..streams.client_stream import ClientHttp2Stream
from ..streams.life import LIVE
from ..streams.priority import check_priority
from ..streams.push import PushOffers
from ..streams.stream import Http2Stream
from .control import with_handlers
from .options import SessionOptions, engine_connection
from .session import LAID_OUT, Http2Session

if TYPE_CHECKING:
    import builtins
    from collections.abc import Awaitable
    from types import TracebackType

    from ..engine.connection import Connection
    from .client_listening import ClientSessionEvents

__all__ = ["CLOSE_TIMEOUT", "ClientHttp2Session"]


# The number of first bytes from a server that are checked, and beginnings that are not HTTP/2: a
# server's SETTINGS frame is short.
FIRST_WORDS = 100
STRANGE = (b"H", b"\x15")

# How often a refused request is sent again.
MOST_REFUSALS = 5

# The statuses of responses that are not final, and of the one that affects the session.
_UNUSUAL = frozenset({*range(200), HTTP_STATUS_MISDIRECTED_REQUEST})

# Seconds that leaving the block of `async with connect(…)` may take.
CLOSE_TIMEOUT = 5.0


class ClientHttp2Session(Http2Session):
    """A client's session, returned by `connect`.

    ``await session`` waits until the connection is established. ``async with`` does so at its
    beginning, and closes the session at its end. Cancelling this wait cancels the connection
    attempt and destroys the session, unless another task waits as well.

    Further events: ``altsvc(alt, origin, stream_id)`` for an alternative service (RFC
    7838), ``origin(origins)`` over TLS for further origins of this session (RFC
    8336). ``stream(stream, headers, flags, raw_headers)`` is emitted for a pushed stream, with
    the headers of the promised request; without a listener, pushes are cancelled.
    """

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: ClientSessionEvents  # type: ignore[assignment]
        once: ClientSessionEvents  # type: ignore[assignment]
        add_listener: ClientSessionEvents  # type: ignore[assignment]
        prepend_listener: ClientSessionEvents  # type: ignore[assignment]
        prepend_once_listener: ClientSessionEvents  # type: ignore[assignment]

    type = NGHTTP2_SESSION_CLIENT

    _connected_waiters: list[asyncio.Future[None]] | None = None
    _connect_error: BaseException | None = None
    # Whether the error has been raised to a caller that waited for the connection.
    _dial: asyncio.Task[None] | None = None
    # The number of callers that wait for the connection, and whether one has got the session.
    _awaited = 0
    _taken = False
    # Whether the server has sent anything.
    _heard = False
    # Checks the headers of requests that wait for the connection.
    _checker: Connection | None = None
    # Whether the GOAWAY of `close` waits for requests that go first.
    _end_unannounced = False
    # The server's pushes, from its first promise on.
    _offers: PushOffers | None = None
    # Seconds that `async with` waits at its end for incomplete requests; None for no limit.
    _close_timeout: float | None = CLOSE_TIMEOUT
    _end_timer: asyncio.TimerHandle | None = None

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        options: SessionOptions,
        authority: str,
        scheme: str,
        close_timeout: float | None = CLOSE_TIMEOUT,
    ) -> None:
        super().__init__(loop, options)
        if close_timeout != CLOSE_TIMEOUT:
            self._close_timeout = close_timeout
        self.authority = authority
        self.scheme = scheme
        self.waiting_requests: dict[ClientHttp2Stream, None] = {}
        self.upkeep.begin_watch(self)

    def dialled_by(self, dial: asyncio.Task[None]) -> None:
        """Set the task *dial*, which connects; it is cancelled if the session ends first."""
        self._dial = dial
        self.count_open(self.loop)

    # --- connecting ---------------------------------------------------------------------

    def __await__(self) -> Generator[object, None, Self]:
        return self._wait_connected().__await__()

    async def _wait_connected(self) -> Self:
        if self.connecting and not self.destroyed:
            if self._connected_waiters is None:
                self._connected_waiters = []
            self._awaited += 1
            try:
                await wait_among(self._connected_waiters)
                self._taken = True
            except asyncio.CancelledError:
                if self._awaited == 1 and not self._taken:
                    # The last waiting caller was cancelled, perhaps in the same turn of the loop in
                    # which it was established; `await connect(…)` has no other reference.
                    self.destroy()
                raise
            finally:
                self._awaited -= 1
        elif self._connect_error is not None:
            raise self._connect_error
        elif self.connecting:
            raise new_error("ERR_HTTP2_INVALID_SESSION")
        return self

    async def __aenter__(self) -> Self:
        return await self._wait_connected()

    def connected(self, transport: asyncio.Transport) -> None:
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() != "h2" and not self.destroyed:
            # RFC 9113 section 3.2: over TLS, ALPN selects HTTP/2
            transport.abort()
            self.fail_to_connect(
                new_error(
                    "ERR_HTTP2_ERROR",
                    0,
                    message="the server did not select HTTP/2 (ALPN h2)",
                )
            )
            return
        super().connected(transport)
        if self.destroyed:
            return
        waiters, self._connected_waiters = self._connected_waiters, None
        wake(waiters, None)
        pending, self.waiting_requests = self.waiting_requests, {}
        for stream in pending:
            refusal = new_error("ERR_HTTP2_GOAWAY_SESSION", retryable=True) if self.closed else None
            stream.begin_late(refusal)
        self.emit("connect", self, self.socket)
        if self.closed and not self.destroyed:
            self._announce_end()
            self._end_if_idle()

    def received(self, data: bytes | memoryview) -> None:
        if not self._heard:
            # the server's first bytes show whether it uses HTTP/2
            self._heard = True
            error = not_http2(bytes(data[:FIRST_WORDS])) if data[:1] in STRANGE else None
            if error is not None and not self.destroyed:
                self.destroy(error, NGHTTP2_PROTOCOL_ERROR)
                return
        super().received(data)

    def fail_to_connect(self, error: BaseException) -> None:
        if self.destroyed:
            return
        self._connect_error = error
        waiters, self._connected_waiters = self._connected_waiters, None
        self.error_seen = fail(waiters, error)
        self.destroy(error, NGHTTP2_NO_ERROR)

    def _shut_down(
        self, error: BaseException | None, stream_code: int, goaway_code: int | None
    ) -> None:
        if self.connecting and self._dial is not None:
            # later, the transport ends by itself: uvloop would not report it
            self._dial.cancel()
        if self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None
        super()._shut_down(error, stream_code, goaway_code)
        waiters, self._connected_waiters = self._connected_waiters, None
        if fail(waiters, error or self._lost or new_error("ERR_HTTP2_INVALID_SESSION")):
            self.error_seen = True

    def _fail_streams(self, error: BaseException | None, code: int) -> None:
        pending, self.waiting_requests = self.waiting_requests, {}
        for stream in pending:
            # never sent: the caller may repeat the request on another session
            stream.session_ended(self._unprocessed(stream, error), NGHTTP2_CANCEL)
        last = self.goaway_last_stream_id if self._goaway_seen else None
        for opened in tuple(self.streams.values()):
            if opened.is_unsent():
                opened.session_ended(self._unprocessed(opened, error), code)
            elif error is None and self._lost is None:
                failure = new_error("ERR_HTTP2_STREAM_CANCEL")
                if isinstance(failure, StreamError):
                    failure.stream_id = opened.id
                opened._error = failure
            elif last is not None and opened.id is not None and opened.id > last and opened.id & 1:
                # RFC 9113 section 6.8
                opened.session_ended(self._unprocessed(opened, error), code)
        super()._fail_streams(error, code)

    def _unprocessed(self, stream: Http2Stream, error: BaseException | None) -> BaseException:
        """Return the error of a request that the server has certainly not processed."""
        lost = self._lost
        if lost is not None:
            return lost.told("ERR_HTTP2_STREAM_CANCEL", stream.id, retryable=True)
        unprocessed = new_error("ERR_HTTP2_STREAM_CANCEL", retryable=True)
        unprocessed.__cause__ = error
        return unprocessed

    def _when_lost(self) -> str:
        silent = not (self.connecting or self._heard or self.encrypted)
        return SILENT if silent else super()._when_lost()

    def _may_leave(self) -> bool:
        return super()._may_leave() and not self.waiting_requests

    def _end_if_idle(self) -> None:
        if not self.waiting_requests:
            super()._end_if_idle()
            if self._end_unannounced and not self.destroyed:
                self._announce_end()

    def _announce_end(self) -> None:
        # Waiting requests are sent first, because some servers refuse requests after GOAWAY.
        # They are sent in order, so waiting for the last one is enough.
        last = next(reversed(self.streams.values()), None)
        self._end_unannounced = last is not None and last.is_unsent()
        if not self._end_unannounced:
            super()._announce_end()

    def close(self, *, timeout: float | None = None) -> Completion:
        """Announce the end with GOAWAY, refuse new requests, and end after the last one.

        Requests that have not been sent because the connection is not established yet fail
        with ERR_HTTP2_GOAWAY_SESSION. With *timeout*, requests that are incomplete
        after this number of seconds, including those with unread bodies, are reset with CANCEL,
        and the session ends. Awaiting waits until the session is destroyed. Raises
        ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """
        if timeout is not None:
            timeout = check_timeout(timeout, "timeout")
        completion = super().close()
        if self.connecting and not self.destroyed and not self.waiting_requests:
            self.destroy()
        if timeout is not None and not self.destroyed:
            if self._end_timer is not None:
                self._end_timer.cancel()
            self._end_timer = self.loop.call_later(timeout, self._end_late)
        return completion

    def _end_late(self) -> None:
        for stream in (*self.waiting_requests, *self.streams.values()):
            stream.close(NGHTTP2_CANCEL)
        # after the session's last GOAWAY, nghttp2 sends no RST_STREAM
        self.send_now()
        self.destroy()

    async def __aexit__(
        self,
        kind: builtins.type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.destroy()
        try:
            await self.close(timeout=self._close_timeout)
        except asyncio.CancelledError:
            # the caller does not wait for the remaining requests
            self.destroy()
            raise

    # --- requests -----------------------------------------------------------------------

    def request(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        end_stream: bool | None = None,
        exclusive: bool = False,
        parent: int = 0,
        weight: int = 16,
        wait_for_trailers: bool = False,
        signal: Awaitable[object] | None = None,
    ) -> ClientHttp2Stream:
        """Send a request; return its stream at once.

        By default, ``:method`` is GET, ``:path`` is ``/``, and ``:scheme`` and ``:authority`` are
        those of `connect`. *end_stream* says that there is no
        body; the default is True for GET, HEAD and DELETE. Requests wait until the connection is
        established, and while the peer's MAX_CONCURRENT_STREAMS is reached.
        *parent*, *weight* (1 to 256) and *exclusive* are the RFC 7540 priority. With
        *wait_for_trailers*, ``want_trailers`` is emitted after the body. If the
        awaitable *signal* completes, the request is aborted with CANCEL and ABORT_ERR.

        Raises ERR_HTTP2_INVALID_SESSION, ERR_HTTP2_GOAWAY_SESSION, the errors of the
        header rules and of CONNECT, ERR_HTTP2_OUT_OF_STREAMS,
        ERR_HTTP2_STREAM_SELF_DEPENDENCY, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """
        if self.destroyed:
            raise new_error("ERR_HTTP2_INVALID_SESSION", retryable=True)
        if self.closed:
            raise new_error("ERR_HTTP2_GOAWAY_SESSION", retryable=True)
        # omitted arguments cost as little as possible
        if end_stream is not None and end_stream is not True:
            check_bool("end_stream", end_stream)
        if wait_for_trailers is not False:
            check_bool("wait_for_trailers", wait_for_trailers)
        if weight != 16 or parent or exclusive is not False or type(parent) is not int:
            check_priority(weight=weight, parent=parent, exclusive=exclusive)
        if signal is not None and not inspect.isawaitable(signal):
            raise new_error("ERR_INVALID_ARG_TYPE", "signal", "an awaitable", signal)
        connection = self.engine
        stream = ClientHttp2Stream(self)
        if type(headers) is not dict:
            # it may be an iterator, or change before it is read again
            headers = None if headers is None else kept_headers(headers)
        if connection is not None:
            stream.id, _, ended = connection.submit_request(
                headers,
                self.authority,
                self.scheme,
                end_stream,
                wait_for_trailers,
                parent,
                weight,
                exclusive,
            )
            stream.life = LIVE
            self.streams[stream.id] = stream
            if not self.in_batch:
                self.schedule_flush()
        else:
            ended = self._checked(headers, end_stream)
            if end_stream is not None:
                ended = end_stream
            if type(headers) is dict:
                headers = dict(headers)

            def submit() -> None:
                assert self.engine is not None
                stream_id, _, _ = self.engine.submit_request(
                    headers,
                    self.authority,
                    self.scheme,
                    end_stream,
                    wait_for_trailers,
                    parent,
                    weight,
                    exclusive,
                )
                self.streams[stream_id] = stream
                stream.begin(stream_id)
                self.wake()

            stream.wait_to_begin(submit)
            self.waiting_requests[stream] = None
        stream.requested(
            dict(headers) if type(headers) is dict else headers,
            ended,
            wait_for_trailers,
            (parent, weight, exclusive),
        )
        if self.deadlines is not None:
            self.deadlines.began(stream)
        if signal is not None:
            stream.abort_with(signal)
        if self._timer is not None:
            self._timer.touch()
        return stream

    def _checked(self, headers: OutgoingHeaders | None, end_stream: bool | None) -> bool:
        """Check *headers* before the connection exists; return whether they need no body."""
        checker = self._checker
        if checker is None:
            checker = self._checker = engine_connection(self.options, True)
        return checker.check_request(headers, self.authority, self.scheme, end_stream)[1]

    def has(self, stream: Http2Stream) -> bool:
        return stream in self.waiting_requests or super().has(stream)

    def forget(self, stream: Http2Stream) -> None:
        if isinstance(stream, ClientHttp2Stream):
            self.waiting_requests.pop(stream, None)
        super().forget(stream)

    def _on_goaway(self, last_stream_id: int, code: int, opaque_data: bytes) -> None:
        super()._on_goaway(last_stream_id, code, opaque_data)
        if self.destroyed:
            return
        # RFC 9113 section 6.8: waiting requests may no longer be sent; they fail now, without
        # waiting for streams that may take long.
        waiting: list[Any] = [stream for stream in self.streams.values() if stream.is_unsent()]
        for stream in waiting:
            if not stream.life.closed:
                stream.goes_unsent()
        self._end_if_idle()

    def _on_response(self, stream_id: int, headers: Headers, flags: int) -> None:
        stream: Any = self.streams.get(stream_id)  # a ClientHttp2Stream, as all of them
        if stream is not None:
            stream.receive_response(headers, flags)

    def _on_push_promise(self, parent_id: int, headers: Headers, promised_id: int) -> None:
        if self._offers is None:
            self._offers = PushOffers(self)
        self._offers.receive(self.streams.get(parent_id), headers, promised_id)

    def peer_certificate(self) -> dict[str, Any] | None:
        """Return the server's certificate; None without TLS."""
        transport = self.transport
        tls = transport.get_extra_info("ssl_object") if transport is not None else None
        return None if tls is None else tls.getpeercert()

    def submit_again(
        self,
        stream: ClientHttp2Stream,
        headers: OutgoingHeaders | None,
        priority: tuple[int, int, bool],
    ) -> bool:
        """Send the request of *stream* again with a new identifier; return False if impossible."""
        connection = self.engine
        if connection is None or self._goaway_seen:
            return False
        assert stream.id is not None
        again = connection.submit_again(stream.id, headers, self.authority, self.scheme, *priority)
        if not again:
            return False
        stream.id = again
        self.streams[again] = stream
        self.wake()
        return True

    def _listener_added(self, event: str) -> None:
        super()._listener_added(event)
        if event == "stream" and self._offers is not None:
            self._offers.want_again()

    def misdirected(self, stream: ClientHttp2Stream) -> None:
        """Remove an origin for which the server answered 421 (RFC 9110 section 15.5.20)."""
        if not self.encrypted:
            return
        sent = stream.sent_headers
        assert sent is not None
        authority = sent.get(":authority") or sent.get("host")
        origin = serialize_origin(f"{sent.get(':scheme', self.scheme)}://{authority}")
        self._origins = {known: None for known in self._origins if known != origin}

    def _on_altsvc(self, stream_id: int, origin: str, alt: str) -> None:
        if self._timer is not None:
            self._timer.touch()
        self.emit("altsvc", alt, origin, stream_id)

    def _on_origin(self, _: int, origins: list[str], __: None) -> None:
        if self._timer is not None:
            self._timer.touch()
        if self.encrypted:
            # in the clear, the server cannot prove authority for an origin (RFC 8336 section 2.4)
            self.add_origins(origins)
            self.emit("origin", origins)

    own_handlers = with_handlers(
        Http2Session.own_handlers,
        {
            events.RESPONSE: _on_response,
            events.PUSH_PROMISE: _on_push_promise,
            events.PUSH_RESPONSE: Http2Session.own_handlers[events.HEADERS],
            events.ALTSVC: _on_altsvc,
            events.ORIGIN: _on_origin,
            events.GOAWAY: _on_goaway,
        },
    )


lay_out(
    ClientHttp2Session,
    *LAID_OUT,
    *(
        "authority",
        "scheme",
        "waiting_requests",
        "_dial",
        "_awaited",
        "_taken",
        "_connected_waiters",
    ),
    "_heard",
)
