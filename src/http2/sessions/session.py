"""Define `Http2Session`: one connection and its streams.

The engine (`http2.engine`) implements HTTP/2. A session passes the transport's bytes to it,
converts its events to calls and emitted events, and writes its output once per batch of
events, or once per turn of the loop.

The end of a session: `close()` announces the end with GOAWAY and waits for the streams;
`destroy()` ends them. In both cases, and also when the peer or the network ends the
connection, `_shut_down` runs once: it ends every stream and sends a last GOAWAY. Then a
`Farewell` ends the transport; ``close`` is emitted when it is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..common.checks import check_error_code
from ..common.closing import Completion
from ..common.emitter import EventEmitter, logger
from ..constants import (
    NGHTTP2_CANCEL,
    NGHTTP2_COMPRESSION_ERROR,
    NGHTTP2_ENHANCE_YOUR_CALM,
    NGHTTP2_ERR_FRAME_SIZE_ERROR,
    NGHTTP2_FLOW_CONTROL_ERROR,
    NGHTTP2_FRAME_SIZE_ERROR,
    NGHTTP2_INADEQUATE_SECURITY,
    NGHTTP2_INTERNAL_ERROR,
    NGHTTP2_NO_ERROR,
    NGHTTP2_PROTOCOL_ERROR,
    NGHTTP2_SESSION_CLIENT,
)
from ..engine import events
from ..errors import (
    Http2Error,
    SessionTimeoutError,
    connection_closed,
    goaway_error,
    new_error,
    nghttp_error,
    session_error,
    stream_error,
)
from ..headers import Headers
from ..net.farewell import Farewell
from ..net.protocol import writelines_of
from ..net.socket import addresses_of
from ..observing.measuring import Measuring, measure
from ..streams.stream import Http2Stream
from ..tls.contexts import is_adequate
from .control import SessionControl, reason_of, with_handlers
from .options import SessionOptions, engine_connection
from .upkeep.deadlines import Deadlines, begin_deadlines
from .upkeep.upkeep import Upkeep
from .violations import violation

if TYPE_CHECKING:
    from .listening import SessionEvents

__all__ = ["Http2Session"]

# Maximum number of batches of at most 256 KiB that an ending session passes to its transport: its
# last frames are in the first ones.
LAST_BATCHES = 64


# nghttp2's frame types and errors that are used here.
FRAME_HEADERS = 1
# The code for the peer when nghttp2 cannot continue: it does not use HTTP/2, or floods this side.
_GOAWAY_AFTER = {
    -903: NGHTTP2_PROTOCOL_ERROR,  # NGHTTP2_ERR_BAD_CLIENT_MAGIC
    -904: NGHTTP2_ENHANCE_YOUR_CALM,  # NGHTTP2_ERR_FLOODED
    -905: NGHTTP2_ENHANCE_YOUR_CALM,  # NGHTTP2_ERR_TOO_MANY_CONTINUATIONS
}
# HTTP/2's error codes for frames that could not be sent.
_ERROR_CODES = {
    -505: NGHTTP2_PROTOCOL_ERROR,  # NGHTTP2_ERR_PROTO
    NGHTTP2_ERR_FRAME_SIZE_ERROR: NGHTTP2_FRAME_SIZE_ERROR,
    -523: NGHTTP2_COMPRESSION_ERROR,  # NGHTTP2_ERR_HEADER_COMP
    -524: NGHTTP2_FLOW_CONTROL_ERROR,  # NGHTTP2_ERR_FLOW_CONTROL
}
# Errors of frames whose stream or session had just ended: they are ignored.
# NGHTTP2_ERR_STREAM_CLOSED, _STREAM_CLOSING, _INVALID_STREAM_STATE, _DEFERRED_DATA_EXIST and
# _SESSION_CLOSING.
_EXPECTED_NOT_SENT = frozenset({-510, -511, -514, -515, -530})


# The attributes that every session sets; see `lay_out`.
LAID_OUT = (
    *("loop", "options", "_settings_waiters", "destroyed", "_listeners", "_timer"),
    *("streams", "upkeep", "deadlines", "engine", "transport", "addresses"),
    *("connecting", "encrypted", "alpn_protocol", "_pending_settings_acks"),
    *("_flush_scheduled", "in_batch", "_handlers", "_writelines"),
)


class Http2Session(SessionControl):
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

    alpn_protocol: str | None = None
    """``'h2'`` over TLS, ``'h2c'`` in the clear, None before the connection is established."""

    connecting: bool = True
    """Whether the connection is not established yet."""

    goaway_code: int = 0
    """The error code of the GOAWAY frame that was received; 0 when there was none."""

    goaway_last_stream_id: int = 0
    """The last stream identifier of the GOAWAY frame that was received."""

    # Those, or with layers a list of this session's.
    _handlers: events.Handlers
    _layers: tuple[Callable[[events.Handlers], None], ...] = ()
    # The addresses from a PROXY header.
    claimed: dict[str, Any] | None = None
    # The number of layers that need reports about sent data.
    _counting = 0

    write_paused = False
    in_batch = False
    _flush_scheduled = False
    _close_error: BaseException | None = None
    _farewell: Farewell | None = None
    # Whether the error was raised to a caller: then it is not logged.
    error_seen = False
    # The debug data of the last GOAWAY.
    _last_words = b""
    _invalid_frames = 0
    _goaway_seen = False
    # Requests that wait to be emitted, on a server.
    _waiting: Any = None
    # Whether the first GOAWAY of a shutdown in two steps was sent: nghttp2 treats every
    # GOAWAY as the last one, but this one ends nothing yet.
    _noticed = False
    # The exact deadlines; and the object that polls the others.
    deadlines: Deadlines | None = None
    # A client's requests that wait for the connection.
    waiting_requests: dict[Any, None] = {}  # noqa: RUF012 (never changed in place)
    # Set while an observer is active; see `http2.observing.measuring`.
    measuring: Measuring | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop, options: SessionOptions) -> None:
        super().__init__(loop, options)
        # set here because instance attributes are faster
        self.destroyed = False
        self._listeners = None
        self._timer = None
        self.streams: dict[int, Http2Stream] = {}
        self.upkeep = Upkeep()
        self._handlers = self.own_handlers
        self.deadlines = begin_deadlines(self, options)

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
        self._writelines = writelines_of(transport)
        self.addresses = self.claimed or addresses_of(transport)
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
        self._begin_control()
        if self.destroyed:  # by more settings than may wait for their acknowledgement
            return
        measure(self)
        if self.deadlines is not None:
            self.deadlines.established()
        self.upkeep.begin(self, own_window=self._own_window is not None)
        self.wake()

    def begin(self, transport: asyncio.Transport, data: bytes) -> None:
        """Call `connected` and then `received`, with one write for both."""
        self.in_batch = True
        try:
            self.connected(transport)
        finally:
            self.in_batch = False
        self.received(data)

    def received(self, data: bytes | memoryview) -> None:
        """Handle received bytes: dispatch their events, then write the resulting output."""
        connection = self.engine
        if connection is None:
            if self._farewell is not None:
                self._farewell.heard()
            return
        if self._timer is not None:
            self._timer.touch()
        self.in_batch = True
        try:
            self._dispatch(connection.receive(data))
            if self._waiting:
                self._hand_out_waiting()
        finally:
            self.in_batch = False
        self._flush()

    def add_layer(self, layer: Callable[[events.Handlers], None]) -> None:
        """Change the handlers with *layer*, from the next batch of events on."""
        self._layers = (*self._layers, layer)
        self._lay_handlers()

    def remove_layer(self, layer: Callable[[events.Handlers], None]) -> None:
        self._layers = tuple(other for other in self._layers if other != layer)
        self._lay_handlers()

    def _lay_handlers(self) -> None:
        if self._layers:
            handlers = list(self.own_handlers)
            for layer in self._layers:
                layer(handlers)
            self._handlers = handlers
        else:
            self._handlers = self.own_handlers

    def count_sent(self, begin: bool) -> None:
        """Enable or disable reports about sent data for one more layer."""
        self._counting += 1 if begin else -1
        if self.engine is not None:
            self.engine.measuring = self._counting > 0

    def _dispatch(self, batch: list[events.Event]) -> None:
        handlers = self._handlers
        for kind, stream_id, first, second in batch:
            handlers[kind](self, stream_id, first, second)
            if self.destroyed:
                break

    def wake(self) -> None:
        """Send queued data after the batch, or in the next turn of the loop."""
        if not self.in_batch:
            self.schedule_flush()

    def schedule_flush(self) -> None:
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        connection = self.engine
        transport = self.transport
        if connection is None or transport is None:
            return
        # a failed transport reports it later, and logs each write until then
        while not self.write_paused and not transport.is_closing():
            chunks = connection.data_to_send()
            if chunks:
                if len(chunks) == 1:
                    transport.write(chunks[0])
                else:
                    self._writelines(transport, chunks)
            batch = connection.take_events()
            if batch:
                self.in_batch = True
                try:
                    self._dispatch(batch)
                finally:
                    self.in_batch = False
                if self.engine is None:
                    return
            elif not chunks:
                break
        if self._waiting:
            self._flushed()
        if self.closed:
            self._end_if_idle()
        if (
            not connection.closed
            and not connection.want_read
            and not connection.want_write
            and not self._noticed
        ):
            # nghttp2 has sent its last GOAWAY
            self.destroy()

    def _hand_out_waiting(self) -> None:
        """Emit waiting requests as long as there is room."""

    def _flushed(self) -> None:
        """Continue with waiting requests: the queued data was sent."""

    def send_now(self) -> None:
        """Write queued data before a command that would drop it; events are handled later."""
        transport = self.transport
        if self.engine is None or transport is None:
            return
        # not to a failed transport: see `_flush`
        if not self.write_paused and not transport.is_closing():
            chunks = self.engine.data_to_send()
            if chunks:
                self._writelines(transport, chunks)

    def resume_writing(self) -> None:
        self.write_paused = False
        if self._timer is not None:
            self._timer.touch()
        # Not now: asyncio calls this during one of its own writes, and reports the end
        # of the connection twice if a write fails inside.
        self.schedule_flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the transport, caused by either side or by the network."""
        transport = self.transport
        self.transport = None
        if self._farewell is not None:
            self._farewell.cancel()
            self._farewell = None
        if not self.destroyed:
            self._lost = connection_closed(exc, retryable=self.connecting, when=self._when_lost())
            error: BaseException | None = self._lost
            if isinstance(exc, ConnectionError | None) and self._may_leave():
                error = None
            self.closed = True
            self._shut_down(error, NGHTTP2_CANCEL if exc is None else NGHTTP2_INTERNAL_ERROR, None)
        if transport is not None or self._close_error is not None:
            # the streams emit `close` first, as scheduled in this turn
            self.loop.call_soon(self._emit_session_end)

    def _when_lost(self) -> str:
        """Return an addition to the message of the error for a lost connection."""
        return ""

    def _may_leave(self) -> bool:
        """Return whether the peer may end the connection, after GOAWAY or without a loss."""
        return self._goaway_seen or not self.streams

    def _emit_session_end(self) -> None:
        if self._close_emitted:
            return
        error = self._close_error
        self._close_error = None
        if error is not None:
            self._report_error(error)
        self._emit_close()
        self._note(False)

    def _report_error(self, error: BaseException) -> None:
        if self.error_seen:
            self.emit("error", error)
        else:
            self._emit_error(error)

    def _shut_down(
        self, error: BaseException | None, stream_code: int, goaway_code: int | None
    ) -> None:
        """End the streams, waiters and engine; only the transport remains."""
        self.destroyed = True
        self._close_error = error
        if error is not None:
            # like the library's errors, those of the network get this attribute
            vars(error).setdefault("retryable", self.connecting)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.upkeep.stop(self)
        if self.measuring is not None:
            self.measuring.stop()
        self._fail_streams(error, stream_code)
        self._cancel_waiters()
        self._cancel_tasks()
        connection = self.engine
        transport = self.transport
        if connection is not None and transport is not None and goaway_code is not None:
            if self._own_goaway is None:
                self._own_goaway = goaway_code
            connection.terminate(goaway_code, self._last_words)
            for _ in range(LAST_BATCHES):
                chunks = connection.data_to_send()
                if not chunks or transport.is_closing():
                    break
                self._writelines(transport, chunks)
        self.engine = None
        if connection is not None:
            self.loop.call_soon(connection.close)

    def _fail_streams(self, error: BaseException | None, code: int) -> None:
        streams = list(self.streams.values())
        self.streams.clear()
        for stream in streams:
            stream.session_ended(self._said_to(stream, error), code)

    def _said_to(self, stream: Http2Stream, error: BaseException | None) -> BaseException | None:
        """Return the error of *stream* when the session ends with *error*."""
        lost = self._lost
        if lost is None or error is not lost:
            return error
        # listeners get `aborted` and `close` for a FIN, as in Node; waiting callers get the error
        return None if lost.__cause__ is None else self.lost_to(stream)

    def lost_to(self, stream: Http2Stream) -> BaseException | None:
        """Return the connection's error if *stream* is incomplete because of it."""
        lost = self._lost
        if lost is None:
            return None
        return lost.told("ERR_HTTP2_STREAM_CANCEL", stream.id, retryable=False)

    def _close_transport(self) -> None:
        transport = self.transport
        if transport is None:
            self.loop.call_soon(self._emit_session_end)
            return
        patient = self.closed and self._close_error is None
        self._farewell = Farewell(self.loop, transport, patient=patient)

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
        self._shut_down(error, stream_code or NGHTTP2_CANCEL, code)
        self._close_transport()

    def give_up(self, message: str, code: int = NGHTTP2_NO_ERROR) -> None:
        """Destroy the session, whose peer is unresponsive; waiting callers get *message*.

        Its streams get CANCEL. Data that the transport has not sent yet is discarded.
        """
        transport = self.transport
        self.destroy(SessionTimeoutError("ERR_HTTP2_SESSION_ERROR", message, error_code=code), code)
        if transport is not None and transport.get_write_buffer_size():
            transport.abort()

    def fail_to_connect(self, error: BaseException) -> None:
        """Destroy the session: there will be no connection, because of *error*."""
        self.destroy(error, NGHTTP2_NO_ERROR)

    def close(self) -> Completion:
        """Announce the end with GOAWAY, refuse new streams, and end after the last one.

        Awaiting waits until the session is destroyed and its socket closed.
        """
        if not self.closed and not self.destroyed:
            self.closed = True
            if self.engine is not None:
                self._announce_end()
            self.loop.call_soon(self._end_if_idle)
        return Completion(self)

    def end_gently(self) -> None:
        self.close()

    def end_now(self) -> None:
        self.destroy()

    def _announce_end(self) -> None:
        assert self.engine is not None
        if self._own_goaway is None:
            self._own_goaway = NGHTTP2_NO_ERROR
        self.engine.goaway()
        self.wake()

    def _end_if_idle(self) -> None:
        if not self.destroyed and not self.streams and not self.connecting:
            self.destroy()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
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

    # --- streams ------------------------------------------------------------------------

    def has(self, stream: Http2Stream) -> bool:
        """Return whether *stream* is open or waiting to begin."""
        return stream.id is not None and self.streams.get(stream.id) is stream

    def keep(self, stream: Http2Stream) -> None:
        """Register *stream*, which has begun by a promise: its events go to it."""
        assert stream.id is not None
        self.streams[stream.id] = stream
        if self.deadlines is not None:
            self.deadlines.began(stream)

    def forget(self, stream: Http2Stream) -> None:
        """Forget a stream that this side has destroyed; the engine still sends RST_STREAM."""
        if stream.id is not None and self.streams.get(stream.id) is stream:
            del self.streams[stream.id]
            if self.deadlines is not None:
                self.deadlines.ended()
        if self.closed and not self.streams:
            self.loop.call_soon(self._end_if_idle)

    # --- the engine's events --------------------------------------------------------------

    def _on_data(self, stream_id: int, data: bytes, end: bool) -> None:
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.receive_data(data, end)
        elif data and self.engine is not None:
            self.engine.consume(stream_id, len(data))

    def _on_headers(self, stream_id: int, headers: Headers, flags: int) -> None:
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.receive_headers(headers, flags)

    def _on_stream_closed(self, stream_id: int, code: int, unsent: int | None) -> None:
        stream = self.streams.pop(stream_id, None)
        if stream is not None:
            stream.over(code, unsent)

    def _on_end_sent(self, stream_id: int, _: None, __: None) -> None:
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.all_sent()

    def _on_writable(self, stream_id: int, _: None, __: None) -> None:
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.has_room()

    def _on_want_trailers(self, stream_id: int, _: None, __: None) -> None:
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.wants_trailers()

    def _on_goaway(self, last_stream_id: int, code: int, opaque_data: bytes) -> None:
        self._goaway_seen = True
        self.goaway_code = code
        self.goaway_last_stream_id = last_stream_id
        self.emit("goaway", code, last_stream_id, opaque_data)
        if self.destroyed:
            return
        if code == NGHTTP2_NO_ERROR:
            self.close()
        else:
            # the streams end with the peer's code, as in Node
            error = goaway_error(code, last_stream_id, said=reason_of(opaque_data))
            self._shut_down(error, code, NGHTTP2_NO_ERROR)
            self._close_transport()

    def _on_goaway_sent(self, _: int, code: int, reason: bytes) -> None:
        if code != NGHTTP2_NO_ERROR and self._own_goaway != code:
            # nghttp2 has ended the connection because of a violation by the peer
            error: Http2Error | None = violation(code, reason)
            self._own_goaway = code
            if (self.closed or self._noticed) and not self.streams:
                # It ends anyway, and nothing is lost: HAProxy sends RST_STREAM for a request that
                # it has withheld because of the first GOAWAY.
                logger.debug("%r: %s", self, error)
                error = None
            self._shut_down(error, code, None)
            self._close_transport()

    def _on_window_given(self, stream_id: int, _: None, __: None) -> None:
        windows = self.upkeep.windows
        if windows is not None:
            windows.given(stream_id, sample=not self.closed)

    def _on_frame_not_sent(self, stream_id: int, frame_type: int, code: int) -> None:
        stream = self.streams.get(stream_id)
        if stream is not None and frame_type == FRAME_HEADERS and stream.never_sent(code):
            return
        if code in _EXPECTED_NOT_SENT:
            return
        error_code = _ERROR_CODES.get(code, NGHTTP2_INTERNAL_ERROR)
        if stream is not None:
            unsent = frame_type == FRAME_HEADERS and self.type == NGHTTP2_SESSION_CLIENT
            stream.emit("frame_error", frame_type, error_code, stream_id)
            stream.destroy(stream_error(error_code, stream_id, retryable=unsent))
        else:
            self.emit("frame_error", frame_type, error_code, stream_id)
            self.close()

    def _on_invalid_frame(self, stream_id: int, frame_type: int, code: int) -> None:
        self._invalid_frames += 1
        if self._invalid_frames > self.options.max_session_invalid_frames:
            error = new_error("ERR_HTTP2_TOO_MANY_INVALID_FRAMES")
            self._last_words = b"too many invalid frames (max_session_invalid_frames)"
            self.destroy(error, NGHTTP2_PROTOCOL_ERROR)

    def _on_failed(self, _: int, code: int, message: str) -> None:
        """Handle the engine's failure: the peer does not use HTTP/2, or floods this side."""
        goaway = _GOAWAY_AFTER.get(code)
        if goaway is None:
            goaway = NGHTTP2_INTERNAL_ERROR
        else:
            self._last_words = message.encode()
        self.destroy(nghttp_error(code, message=message), goaway)

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

    own_handlers = with_handlers(
        SessionControl.own_handlers,
        {
            events.DATA: _on_data,
            events.HEADERS: _on_headers,
            events.STREAM_CLOSED: _on_stream_closed,
            events.END_SENT: _on_end_sent,
            events.WRITABLE: _on_writable,
            events.WANT_TRAILERS: _on_want_trailers,
            events.GOAWAY: _on_goaway,
            events.GOAWAY_SENT: _on_goaway_sent,
            events.FRAME_NOT_SENT: _on_frame_not_sent,
            events.INVALID_FRAME: _on_invalid_frame,
            events.FAILED: _on_failed,
            events.WINDOW_GIVEN: _on_window_given,
        },
    )
