"""Define `Http2Session`: one connection and its streams.

The engine (`http2.engine`) implements HTTP/2. A session passes the transport's bytes to it,
converts its events to calls and emitted events, and writes its output once per batch of
events, or once per turn of the loop.

The end of a session: `close()` announces the end with GOAWAY and waits for the streams;
`destroy()` ends them. In both cases, and also when the peer or the network ends the
connection, `end_with` runs once: it ends every stream and sends a last GOAWAY. Then a
`LingeringClose` ends the transport; ``close`` is emitted when it is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from ..common.checks import check_error_code, check_integer
from ..common.closing import Closable, Completion
from ..common.emitter import EventEmitter, logger
from ..common.references import Referenced, count_closed
from ..common.timers import IdleTimer, check_timeout
from ..constants import (
    NGHTTP2_CANCEL,
    NGHTTP2_INADEQUATE_SECURITY,
    NGHTTP2_INTERNAL_ERROR,
    NGHTTP2_NO_ERROR,
    NGHTTP2_SESSION_CLIENT,
    NGHTTP2_SESSION_SERVER,
    NGHTTP2_SETTINGS_ENABLE_PUSH,
)
from ..errors import (
    Http2Error,
    NghttpError,
    SessionTimeoutError,
    connection_closed,
    new_error,
    session_error,
)
from ..net.misunderstandings import SILENT
from ..net.outlet import Outlet
from ..net.socket import SocketProxy, addresses_of, host_of
from ..settings import Settings
from ..streams.stream import Http2Stream
from ..tls.contexts import is_adequate
from .compiled.session_base import SessionBase
from .incoming import HANDLERS
from .options import SessionOptions, engine_connection
from .parts.end import SessionEnd
from .parts.event_table import EventTable
from .parts.pings import Pings
from .parts.settings_exchange import SettingsExchange, current
from .state import SessionState
from .upkeep.deadlines import begin_deadlines
from .upkeep.established import note_established
from .upkeep.upkeep import Upkeep

if TYPE_CHECKING:
    import builtins
    from collections.abc import Mapping

    from typing_extensions import Buffer

    from ..engine.events import Handlers
    from .listening import SessionEvents

__all__ = ["Http2Session"]

# Maximum number of batches of at most 256 KiB that an ending session passes to its transport: its
# last frames are in the first ones.
LAST_BATCHES = 64

# The largest stream identifier and window (RFC 9113 sections 5.1.1 and 6.9.1).
MAX_INT31 = 2**31 - 1


class Http2Session(SessionBase, Closable, Referenced):
    """One HTTP/2 connection (RFC 9113); applications do not construct it.

    Events: ``close``, ``connect(session, socket)``, ``error(error)``,
    ``frame_error(type, code, id)``, ``goaway(error_code, last_stream_id, opaque_data)``,
    ``local_settings(settings)``, ``ping(payload)``, ``remote_settings(settings)``,
    ``stream(stream, headers, flags, raw_headers)``, ``timeout``.
    """

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: SessionEvents  # type: ignore[assignment]
        once: SessionEvents  # type: ignore[assignment]
        add_listener: SessionEvents  # type: ignore[assignment]
        prepend_listener: SessionEvents  # type: ignore[assignment]
        prepend_once_listener: SessionEvents  # type: ignore[assignment]

    type: ClassVar[int]
    """NGHTTP2_SESSION_SERVER or NGHTTP2_SESSION_CLIENT."""

    # What happens at each kind of event, in every session of the class.
    own_handlers: ClassVar[Handlers] = HANDLERS

    # A client's requests that wait for the connection.
    waiting_requests: dict[Any, None] = {}  # noqa: RUF012 (never changed in place)

    def __init__(self, loop: asyncio.AbstractEventLoop, options: SessionOptions) -> None:
        self.loop = loop
        self.options = options
        self.upkeep = Upkeep()
        self.settings_exchange = SettingsExchange(options.remote_custom_settings)
        self.handlers = EventTable(self.own_handlers)
        self.ending = SessionEnd()
        self.upkeep.deadlines = begin_deadlines(self, options)

    def __repr__(self) -> str:
        state = (
            "destroyed"
            if self.destroyed
            else "closed"
            if self.closed
            else "connecting"
            if self.connecting
            else "open"
        )
        return f"<{type(self).__name__} {state}, {len(self.streams)} streams>"

    # --- the connection's life ----------------------------------------------------------

    def connected(self, transport: asyncio.Transport) -> None:
        """Start HTTP/2 on the established transport."""
        self.transport = transport
        self._outlet = Outlet(transport)
        self.addresses = self.addresses or addresses_of(transport)
        if self.destroyed:
            transport.abort()
            return
        self.connecting = False
        self.count_open(self.loop)
        tls = transport.get_extra_info("ssl_object")
        self.encrypted = tls is not None
        self.alpn_protocol = tls.selected_alpn_protocol() if tls is not None else "h2c"
        self.engine = engine_connection(self.options, self.type == NGHTTP2_SESSION_CLIENT)
        if tls is not None and not is_adequate(tls):
            # RFC 9113 section 9.2: a TLS version that is too old, or a cipher suite of appendix A
            self.destroy(session_error(NGHTTP2_INADEQUATE_SECURITY), NGHTTP2_INADEQUATE_SECURITY)
            return
        self.send_settings(self.options.settings, None)
        exchange = self.settings_exchange
        early, exchange.early = exchange.early, ()
        for settings, waiter in early:
            self.send_settings(settings, waiter)
        if self.destroyed:  # by more settings than may wait for their acknowledgement
            return
        note_established(self)
        if self.upkeep.deadlines is not None:
            self.upkeep.deadlines.established()
        self.upkeep.begin(self)
        commands, self._early = self._early, ()
        for command in commands:
            command()
        self.wake()

    def begin(self, transport: asyncio.Transport, data: bytes) -> None:
        """Call `connected` and then `received`, with one write for both."""
        self.in_batch = True
        try:
            self.connected(transport)
        finally:
            self.in_batch = False
        self.received(data)

    def send_now(self) -> None:
        """Write queued data before a command that would drop it; events are handled later."""
        transport = self.transport
        if self.engine is None or transport is None:
            return
        # not to a failed transport: see `flush`
        if not self.write_paused and not transport.is_closing():
            self._outlet.write_from(self.engine)

    def resume_writing(self) -> None:
        self.write_paused = False
        if self._timer is not None:
            self._timer.touch()
        # Not now: asyncio calls this during one of its own writes, and reports the end
        # of the connection twice if a write fails inside.
        self.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the transport, caused by either side or by the network."""
        transport, self.transport = self.transport, None
        if exc is None and transport is not None:
            exc = self._outlet.error
        ending = self.ending
        ending.left()
        if not self.destroyed:
            engine = self.engine
            # RFC 9113 section 3.4: a server's first frame is SETTINGS
            silent = not (self.connecting or self.encrypted) and (
                self.type == NGHTTP2_SESSION_CLIENT
                and engine is not None
                and not engine.bytes_received
            )
            lost = connection_closed(exc, retryable=self.connecting, when=SILENT if silent else "")
            ending.lost = lost
            # the peer may end the connection after GOAWAY, or when nothing is lost
            may_leave = ending.received is not None or not self.streams
            quiet = may_leave and not self.waiting_requests
            error = None if quiet and isinstance(exc, ConnectionError | None) else lost
            self._closed = True
            code = NGHTTP2_CANCEL if exc is None else NGHTTP2_INTERNAL_ERROR
            self.end_with(error, code, None)
        elif transport is not None or ending.error is not None:
            # the streams emit `close` first, as scheduled in this turn
            self.loop.call_soon(self._emit_session_end)

    def _emit_session_end(self) -> None:
        if self.told:
            return
        error = self.ending.take_error()
        if error is not None:
            self._report_error(error)
        self._emit_close()
        count_closed(self)

    def _report_error(self, error: BaseException) -> None:
        if self.ending.error_seen:
            self.emit("error", error)
        else:
            self._emit_error(error)

    def end_with(
        self, error: BaseException | None, stream_code: int, goaway_code: int | None
    ) -> None:
        """End the streams, waiters and engine, and begin to close the transport."""
        ending = self.ending
        self._destroyed = True
        ending.error = error
        if error is not None:
            # like the library's errors, those of the network get this attribute
            vars(error).setdefault("retryable", self.connecting)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.upkeep.stop(self)
        self._fail_streams(error, stream_code)
        self._early = ()
        self.settings_exchange.cancel(ending.cancelled)
        if self.pings is not None:
            self.pings.cancel(ending.cancelled)
        self._cancel_tasks()
        connection = self.engine
        transport = self.transport
        if connection is not None and transport is not None and goaway_code is not None:
            if ending.own_code is None:
                ending.own_code = goaway_code
            connection.terminate(goaway_code, ending.last_words)
            for _ in range(LAST_BATCHES):
                chunks = connection.data_to_send()
                if not chunks or transport.is_closing():
                    break
                self._outlet.write(chunks)
        self.engine = None
        if connection is not None:
            self.loop.call_soon(connection.close)
        if transport is not None:
            ending.leave(self.loop, transport, patient=self.closed and error is None)
        else:
            # the streams emit `close` first, as scheduled in this turn
            self.loop.call_soon(self._emit_session_end)

    def _fail_streams(self, error: BaseException | None, code: int) -> None:
        streams = list(self.streams.values())
        self.streams.clear()
        for stream in streams:
            stream.session_ended(self.ending.of_stream(stream, error), code)

    def destroy(self, error: BaseException | int | None = None, code: int | None = None) -> None:
        """End the session and all its streams at once.

        *error* is emitted as ``error`` before ``close``; an `int` is converted to a
        `SessionError` with this code. *code* is the error code of the GOAWAY frame; the default is
        INTERNAL_ERROR if there is an error, else NO_ERROR.
        """
        if self.destroyed:
            return
        if isinstance(error, int):
            code = check_error_code(error)
            error = session_error(code) if code != NGHTTP2_NO_ERROR else None
        if code is None:
            code = NGHTTP2_NO_ERROR if error is None else NGHTTP2_INTERNAL_ERROR
        else:
            check_error_code(code)
        stream_code = code if error is not None else NGHTTP2_CANCEL
        self.end_with(error, stream_code or NGHTTP2_CANCEL, code)

    def give_up(self, message: str, code: int = NGHTTP2_NO_ERROR) -> None:
        """Destroy the session, whose peer is unresponsive; waiting callers get *message*.

        Its streams get CANCEL. Data that the transport has not sent yet is discarded.
        """
        transport = self.transport
        self.destroy(SessionTimeoutError("ERR_HTTP2_SESSION_ERROR", message, error_code=code), code)
        if transport is not None and transport.get_write_buffer_size():
            transport.abort()

    def close(self) -> Completion:
        """Announce the end with GOAWAY, refuse new streams, and end after the last one.

        Awaiting waits until the session is destroyed and its socket closed.
        """
        if not self.closed and not self.destroyed:
            self._closed = True
            if self.engine is not None:
                self._announce_end()
            self.loop.call_soon(self.end_if_idle)
        return Completion(self)

    def end_gently(self) -> None:
        self.close()

    def end_now(self) -> None:
        self.destroy()

    def _announce_end(self) -> None:
        assert self.engine is not None
        if self.ending.own_code is None:
            self.ending.own_code = NGHTTP2_NO_ERROR
        self.engine.goaway()
        self.wake()

    def end_if_idle(self) -> None:
        """End a session that is to close, if its last stream has ended."""
        if not self.destroyed and not self.streams and not self.connecting:
            self.destroy()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: builtins.type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.destroy()
        try:
            await self.close()
        except asyncio.CancelledError:
            # the caller's deadline has passed: do not wait any longer
            self.destroy()
            raise

    # --- commands -------------------------------------------------------------------------

    def peer_name(self) -> str | None:
        return host_of(self.addresses.get("peername"))

    def _check_alive(self) -> None:
        if self.destroyed:
            raise new_error("ERR_HTTP2_INVALID_SESSION")

    def ping(self, payload: Buffer | None = None) -> asyncio.Future[tuple[float, bytes]]:
        """Send PING; awaitable → ``(duration in seconds, payload of 8 bytes)``.

        The default *payload* is the monotonic clock. Raises ERR_HTTP2_PING_LENGTH and
        ERR_INVALID_ARG_TYPE at the call; awaiting raises ERR_HTTP2_PING_CANCEL if the
        session is not connected, is closed or ends first, or if
        `max_outstanding_pings` are already unanswered.
        """
        self._check_alive()
        if self.pings is None:
            self.pings = Pings(self.options.max_outstanding_pings)
        engine = None if self.closed else self.engine
        waiter = self.pings.send(self.loop, payload, None if engine is None else engine.ping)
        self.wake()
        return waiter

    def ping_unseen(self, answered: Callable[[float], None]) -> None:
        """Send a PING of the library; call *answered* with its duration in seconds."""
        assert self.engine is not None
        if self.pings is None:
            self.pings = Pings(self.options.max_outstanding_pings)
        self.pings.send_unseen(answered, self.engine.ping)
        self.wake()

    def settings(
        self, settings: Settings | Mapping[str, object] | None = None
    ) -> asyncio.Future[tuple[Settings, float]]:
        """Send SETTINGS; awaitable → ``(settings, duration in seconds)`` at the peer's ACK.

        *settings* is a `Settings` or a mapping; only given values are sent. Raises
        ERR_HTTP2_INVALID_SETTING_VALUE, ERR_HTTP2_INVALID_SESSION at the call; awaiting
        raises ERR_HTTP2_SETTINGS_CANCEL if the session ends first. As in Node, a call
        while ten frames are unacknowledged destroys the session with
        ERR_HTTP2_MAX_PENDING_SETTINGS_ACK.
        """
        self._check_alive()
        checked = Settings.of(settings)
        exchange = self.settings_exchange
        waiter = exchange.ask(self.loop)
        if self.engine is None:
            exchange.early += ((checked, waiter),)
        else:
            self.send_settings(checked, waiter)
        return waiter

    def send_settings(
        self, settings: Settings, waiter: asyncio.Future[tuple[Settings, float]] | None
    ) -> None:
        exchange = self.settings_exchange
        pairs = settings.to_pairs()
        if self.type == NGHTTP2_SESSION_SERVER:
            # a server must not announce ENABLE_PUSH 1 (RFC 9113 section 6.5.2)
            pairs = [pair for pair in pairs if pair != (NGHTTP2_SETTINGS_ENABLE_PUSH, 1)]
        if waiter is None:
            waiter = exchange.ask(self.loop)
        if exchange.send(self.engine, pairs, settings.custom_settings, waiter):
            self.wake()
        else:
            self.destroy(new_error("ERR_HTTP2_MAX_PENDING_SETTINGS_ACK"))

    def goaway(
        self, code: int = NGHTTP2_NO_ERROR, last_stream_id: int = 0, opaque_data: Buffer = b""
    ) -> None:
        """Send GOAWAY without shutting down (RFC 9113 section 6.8).

        *last_stream_id* 0 means the last stream that was processed. Raises
        ERR_HTTP2_INVALID_SESSION, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """
        self._check_alive()
        check_error_code(code)
        check_integer("last_stream_id", last_stream_id, 0, MAX_INT31)
        try:
            data = bytes(memoryview(opaque_data))
        except TypeError:
            raise new_error(
                "ERR_INVALID_ARG_TYPE", "opaque_data", "a buffer", opaque_data
            ) from None
        if self.engine is None:
            self._early += (partial(self.goaway, code, last_stream_id, data),)
            return
        self.ending.own_code = code
        self.engine.goaway(code, last_stream_id, data)
        self.wake()

    def set_local_window_size(self, size: int) -> None:
        """Set the connection's receive window to *size* bytes in total (RFC 9113 section 6.9).

        Afterwards windows no longer grow automatically (`max_receive_window`). Before the
        connection is established, the size is stored for later, where Node raises.

        Raises ERR_HTTP2_INVALID_SESSION, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """
        check_integer("size", size, 0, MAX_INT31)
        self._check_alive()
        if self.engine is None:
            self._early += (partial(self.set_local_window_size, size),)
            return
        self.engine.set_local_window_size(size)
        self.upkeep.leave_windows()
        self.wake()

    def set_next_stream_id(self, stream_id: int) -> None:
        """Set the identifier of the next stream that this side opens to *stream_id*.

        Identifiers only increase; a client's are odd, a server's even (RFC 9113 section 5.1.1).
        Before the connection is established, it is stored for later. Raises
        ERR_HTTP2_INVALID_SESSION, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, and ERR_INVALID_ARG_VALUE
        for an identifier that this side cannot use, where Node does not raise.
        """
        self._check_alive()
        check_integer("stream_id", stream_id, 1, MAX_INT31)
        if stream_id % 2 != self.type:
            raise new_error("ERR_INVALID_ARG_VALUE", "stream_id", stream_id)
        if self.engine is None:
            self._early += (partial(self.set_next_stream_id, stream_id),)
            return
        try:
            self.engine.set_next_stream_id(stream_id)
        except NghttpError:
            raise new_error("ERR_INVALID_ARG_VALUE", "stream_id", stream_id) from None

    def set_timeout(self, seconds: float, callback: Callable[[], object] | None = None) -> Self:
        """Emit ``timeout`` after *seconds* without activity on the session; 0 means never.

        *callback* is registered for the next ``timeout``. Raises ERR_INVALID_ARG_TYPE or
        ERR_OUT_OF_RANGE; the previous timeout stays active in this case.
        """
        seconds = check_timeout(seconds)
        if callback is not None:
            self.once("timeout", callback)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds and not self.destroyed:
            self._timer = IdleTimer(self.loop, seconds, self._timed_out)
        return self

    def _timed_out(self) -> None:
        if not self.destroyed:
            self.emit("timeout")

    # --- attributes --------------------------------------------------------------------

    @property
    def goaway_code(self) -> int:
        """The error code of the GOAWAY frame that was received; 0 when there was none."""
        return (self.ending.received or (0, 0))[0]

    @property
    def goaway_last_stream_id(self) -> int:
        """The last stream identifier of the GOAWAY frame that was received."""
        return (self.ending.received or (0, 0))[1]

    @property
    def socket(self) -> SocketProxy:
        """The session's socket, read-only; see `SocketProxy`."""
        return SocketProxy(cast("Any", self))

    @property
    def pending_settings_ack(self) -> bool:
        """Whether the peer has not acknowledged one of this side's SETTINGS frames yet."""
        return self.settings_exchange.pending > 0

    @property
    def state(self) -> SessionState:
        """A snapshot of the session's windows, queue and tables."""
        if self.engine is None or self.engine.closed:
            return SessionState()
        return SessionState(**self.engine.state())

    @property
    def max_memory(self) -> int:
        """The option `max_session_memory`, in bytes."""
        return self.options.max_session_memory * 1_000_000

    def count_memory(self, size: int) -> None:
        """Count *size* bytes that are stored for the peer; a negative *size* releases them.

        For code on top of streams that stores more of the peer's data than the streams'
        buffers do, such as the messages of a WebSocket. While the total is more than
        `max_session_memory`, new streams of the peer are refused.
        """
        if self.engine is not None:
            self.engine.hold(size)

    @property
    def origin_set(self) -> list[str] | None:
        """The origins that the session may be used for (RFC 8336); None without TLS.

        A client begins with the origin that it is connected to, adds the origins in ORIGIN
        frames, and removes the origin of a request that is answered with 421. A server has
        the origins that it has announced.
        """
        if not self.encrypted or self.destroyed:
            return None
        return list(self.origins)

    @property
    def local_settings(self) -> Settings:
        """This side's acknowledged settings; the defaults without a connection."""
        if self.engine is None or self.engine.closed:
            return Settings()
        return self.settings_exchange.local(current(self.engine.local_setting))

    @property
    def remote_settings(self) -> Settings:
        """The peer's settings; the defaults without a connection.

        Includes only those custom settings that the option `remote_custom_settings` names.
        """
        if self.engine is None or self.engine.closed:
            return Settings()
        return self.settings_exchange.remote(current(self.engine.remote_setting))

    # --- streams ------------------------------------------------------------------------

    def has(self, stream: Http2Stream) -> bool:
        """Return whether *stream* is open or waiting to begin."""
        return stream.id is not None and self.streams.get(stream.id) is stream

    def keep(self, stream: Http2Stream) -> None:
        """Register *stream*, which has begun by a promise: its events go to it."""
        assert stream.id is not None
        self.streams[stream.id] = stream
        if self.upkeep.deadlines is not None:
            self.upkeep.deadlines.began(stream)

    def forget(self, stream: Http2Stream) -> None:
        """Forget a stream that this side has destroyed; the engine still sends RST_STREAM."""
        if stream.id is not None and self.streams.get(stream.id) is stream:
            del self.streams[stream.id]
            if self.upkeep.deadlines is not None:
                self.upkeep.deadlines.ended()
        if self.closed and not self.streams:
            self.loop.call_soon(self.end_if_idle)

    # --- errors of listeners ------------------------------------------------------------------

    def task_owner(self, event: str, args: tuple[object, ...]) -> EventEmitter:
        if event == "stream" and args and isinstance(args[0], EventEmitter):
            return args[0]
        return self

    def listener_raised(self, error: Exception, event: str, args: tuple[object, ...]) -> None:
        if event == "stream" and args and isinstance(args[0], Http2Stream):
            args[0].handler_failed(error, event)
            return
        if self.destroyed and isinstance(error, Http2Error):
            logger.debug("%r: a listener of %r: %r", self, event, error)
            return
        logger.error("%r: a listener of %r raised", self, event, exc_info=error)
        if event not in ("error", "close"):
            self.destroy(None, NGHTTP2_INTERNAL_ERROR)
