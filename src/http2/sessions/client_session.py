"""Define `ClientHttp2Session`: a connection that this side has opened, and its requests."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Self, cast

from ..common.closing import Completion
from ..common.timers import check_timeout
from ..common.waiter import Wakes
from ..constants import (
    NGHTTP2_CANCEL,
    NGHTTP2_NO_ERROR,
    NGHTTP2_PROTOCOL_ERROR,
    NGHTTP2_SESSION_CLIENT,
)
from ..engine import events
from ..errors import new_error
from ..headers import Headers, OutgoingHeaders
from ..net.misunderstandings import not_http2
from ..net.origins import serialize_origin
from ..streams.client_stream import ClientHttp2Stream
from ..streams.life import IDLE
from ..streams.push import PushOffers
from ..streams.stream import Http2Stream
from .compiled.requesting import ClientSessionBase, on_last_data, on_response
from .incoming import HANDLERS, on_goaway, on_headers
from .options import SessionOptions
from .parts.attempt import Attempt
from .parts.event_table import with_handlers
from .parts.origin_set import joined
from .session import Http2Session

if TYPE_CHECKING:
    import builtins
    from types import TracebackType

    from .client_listening import ClientSessionEvents

__all__ = ["CLOSE_TIMEOUT", "ClientHttp2Session"]


# The number of first bytes from a server that are checked, and beginnings that are not HTTP/2: a
# server's SETTINGS frame is short.
FIRST_WORDS = 100
STRANGE = (b"H", b"\x15")


# Seconds that leaving the block of `async with connect(…)` may take.
CLOSE_TIMEOUT = 5.0


class ClientHttp2Session(ClientSessionBase, Http2Session):
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

    # Whether the server has sent anything.
    _heard = False
    # Whether the GOAWAY of `close` waits for requests that go first.
    _end_unannounced = False
    # The server's pushes, from its first promise on.
    offers: PushOffers | None = None
    # Seconds that `async with` waits at its end for incomplete requests; None for no limit.
    _close_timeout: float | None = CLOSE_TIMEOUT

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
        self._authority = authority
        self._scheme = scheme
        self.wakes = Wakes(loop)
        self.attempt = Attempt()
        self.waiting_requests: dict[ClientHttp2Stream, None] = {}
        self.upkeep.begin_watch(self)

    def dialled_by(self, dial: asyncio.Task[None]) -> None:
        """Set the task *dial*, which connects; it is cancelled if the session ends first."""
        self.attempt.dial = dial
        self.count_open(self.loop)

    # --- connecting ---------------------------------------------------------------------

    def __await__(self) -> Generator[object, None, Self]:
        return self._wait_connected().__await__()

    async def _wait_connected(self) -> Self:
        if self.connecting and not self.destroyed:
            await self.attempt.wait(self.destroy)
        elif self.attempt.error is not None:
            raise self.attempt.error
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
        engine = self.engine
        if self.destroyed or engine is None:
            return
        engine.joining_ends = True
        self.attempt.succeeded()
        pending, self.waiting_requests = self.waiting_requests, {}
        for stream in pending:
            refusal = new_error("ERR_HTTP2_GOAWAY_SESSION", retryable=True) if self.closed else None
            stream.begin_late(refusal)
        self.emit("connect", self, self.socket)
        if self.closed and not self.destroyed:
            self._announce_end()
            self.end_if_idle()

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
        self.attempt.error = error
        self.ending.error_seen = self.attempt.failed(error)
        self.destroy(error, NGHTTP2_NO_ERROR)

    def end_with(
        self, error: BaseException | None, stream_code: int, goaway_code: int | None
    ) -> None:
        if self.connecting and self.attempt.dial is not None:
            # later, the transport ends by itself: uvloop would not report it
            self.attempt.dial.cancel()
        self.ending.cancel_deadline()
        super().end_with(error, stream_code, goaway_code)
        failure = error or self.ending.lost or new_error("ERR_HTTP2_INVALID_SESSION")
        if self.attempt.failed(failure):
            self.ending.error_seen = True

    def _fail_streams(self, error: BaseException | None, code: int) -> None:
        ending = self.ending
        pending, self.waiting_requests = self.waiting_requests, {}
        for stream in pending:
            # never sent: the caller may repeat the request on another session
            stream.session_ended(ending.unprocessed(stream, error), NGHTTP2_CANCEL)
        last = None if ending.received is None else ending.received[1]
        for opened in tuple(self.streams.values()):
            if opened.is_unsent():
                opened.session_ended(ending.unprocessed(opened, error), code)
            elif error is None and ending.lost is None:
                cast("ClientHttp2Stream", opened).cancelled_by_session()
            elif last is not None and opened.id is not None and opened.id > last and opened.id & 1:
                # RFC 9113 section 6.8
                opened.session_ended(ending.unprocessed(opened, error), code)
        super()._fail_streams(error, code)

    def end_if_idle(self) -> None:
        if not self.waiting_requests:
            super().end_if_idle()
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
            self.ending.set_deadline(self.loop.call_later(timeout, self._end_late))
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

    def _request_later(
        self,
        headers: Any,
        end_stream: bool | None,
        wait_for_trailers: bool,
        priority: tuple[int, int, bool],
    ) -> ClientHttp2Stream:
        """Check a request, and keep it until the connection is established."""
        life = IDLE
        if self.attempt.needs_no_body(
            self.options, headers, self.authority, self.scheme, end_stream
        ):
            life = life.on_end if wait_for_trailers else life.on_end.on_sent
        if type(headers) is dict:
            headers = dict(headers)
        stream = ClientHttp2Stream(self, None, life, headers, priority)

        def submit() -> None:
            assert self.engine is not None
            stream_id, _, _ = self.engine.submit_request(
                headers, self.authority, self.scheme, end_stream, wait_for_trailers, *priority
            )
            self.streams[stream_id] = stream
            stream.begin(stream_id)
            self.wake()

        stream.wait_to_begin(submit)
        self.waiting_requests[stream] = None
        return stream

    def has(self, stream: Http2Stream) -> bool:
        return stream in self.waiting_requests or super().has(stream)

    def forget(self, stream: Http2Stream) -> None:
        if isinstance(stream, ClientHttp2Stream):
            self.waiting_requests.pop(stream, None)
        super().forget(stream)

    def submit_again(
        self,
        stream: ClientHttp2Stream,
        headers: OutgoingHeaders | None,
        priority: tuple[int, int, bool],
    ) -> bool:
        """Send the request of *stream* again with a new identifier; return False if impossible."""
        connection = self.engine
        if connection is None or self.ending.received is not None:
            return False
        assert stream.id is not None
        again = connection.submit_again(stream.id, headers, self.authority, self.scheme, *priority)
        if not again:
            return False
        stream.sent_as(again)
        self.streams[again] = stream
        self.wake()
        return True

    def _listeners_changed(self, event: str, *, added: bool) -> None:
        if added and event == "stream" and self.offers is not None:
            self.offers.want_again()

    def misdirected(self, stream: ClientHttp2Stream) -> None:
        """Remove an origin for which the server answered 421 (RFC 9110 section 15.5.20)."""
        if not self.encrypted:
            return
        sent = stream.sent_headers
        assert sent is not None
        authority = sent.get(":authority") or sent.get("host")
        origin = serialize_origin(f"{sent.get(':scheme', self.scheme)}://{authority}")
        self.origins = tuple(known for known in self.origins if known != origin)


def _on_goaway(
    session: ClientHttp2Session, last_stream_id: int, code: int, opaque_data: bytes
) -> None:
    on_goaway(session, last_stream_id, code, opaque_data)
    if session.destroyed:
        return
    # RFC 9113 section 6.8: waiting requests may no longer be sent; they fail now, without
    # waiting for streams that may take long.
    waiting: list[Any] = [stream for stream in session.streams.values() if stream.is_unsent()]
    for stream in waiting:
        if not stream.life.closed:
            stream.goes_unsent()
    session.end_if_idle()


def _on_push_promise(
    session: ClientHttp2Session, parent_id: int, headers: Headers, promised_id: int
) -> None:
    if session.offers is None:
        session.offers = PushOffers(session)
    session.offers.receive(session.streams.get(parent_id), headers, promised_id)


def _on_altsvc(session: ClientHttp2Session, stream_id: int, origin: str, alt: str) -> None:
    session.emit("altsvc", alt, origin, stream_id)


def _on_origin(session: ClientHttp2Session, _: int, origins: list[str], __: None) -> None:
    if session.encrypted:
        # in the clear, the server cannot prove authority for an origin (RFC 8336 section 2.4)
        session.origins = joined(session.origins, origins)
        session.emit("origin", origins)


ClientHttp2Session.own_handlers = with_handlers(
    HANDLERS,
    {
        events.RESPONSE: on_response,
        events.LAST_DATA: on_last_data,
        events.PUSH_PROMISE: _on_push_promise,
        events.PUSH_RESPONSE: on_headers,
        events.ALTSVC: _on_altsvc,
        events.ORIGIN: _on_origin,
        events.GOAWAY: _on_goaway,
    },
)
