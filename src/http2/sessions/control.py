"""Implement a session's connection-level frames: SETTINGS, PING, GOAWAY, windows.

`SessionControl` is the part of `Http2Session` with which applications inspect and control
the connection; `http2.sessions.session` is the part that operates it.
"""

from __future__ import annotations

import asyncio
import os
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from ..common.checks import check_error_code, check_integer
from ..common.closing import Closable
from ..common.futures import quiet_future
from ..common.references import Referenced
from ..common.timers import IdleTimer, check_timeout
from ..constants import (
    NGHTTP2_NO_ERROR,
    NGHTTP2_SESSION_SERVER,
    NGHTTP2_SETTINGS_ENABLE_PUSH,
)
from ..engine import events
from ..errors import ConnectionClosed, NghttpError, new_error
from ..net.socket import SocketProxy, host_of
from ..settings import Settings
from .options import SessionOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Buffer

    from ..engine.connection import Connection
    from .upkeep.upkeep import Upkeep

__all__ = ["SessionControl", "SessionState"]

# The largest stream identifier and window (RFC 9113 sections 5.1.1 and 6.9.1).
MAX_INT31 = 2**31 - 1

# Number of SETTINGS frames that may wait for their acknowledgement, as in Node.
MAX_PENDING_SETTINGS = 10

# Number and total size of the announced origins that a client stores: it does not use the session
# for others, which is always allowed (RFC 8336 section 2).
MOST_ORIGINS = 1024
MOST_ORIGIN_CHARACTERS = 256 * 1024


# Number of characters of a GOAWAY's debug data in an error message.
SHOWN_REASON = 200


def reason_of(opaque_data: bytes) -> str:
    """Return a GOAWAY's debug data for an error message: one line of limited length."""
    text = opaque_data[: 4 * SHOWN_REASON].decode("utf-8", "replace")[:SHOWN_REASON]
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return f": {shown}" if shown else ""


@dataclass(frozen=True, slots=True)
class SessionState:
    """A snapshot of nghttp2's state of a session; all 0 without a connection."""

    effective_local_window_size: int = 0
    """The receive window of the connection, in bytes."""
    effective_recv_data_length: int = 0
    """Bytes received since the last WINDOW_UPDATE of the connection."""
    next_stream_id: int = 0
    """The identifier of the next stream that this side opens."""
    local_window_size: int = 0
    """Bytes that the peer may send before the next WINDOW_UPDATE."""
    last_proc_stream_id: int = 0
    """The identifier of the peer's stream that was processed last."""
    remote_window_size: int = 0
    """Bytes that this side may send before the next WINDOW_UPDATE."""
    outbound_queue_size: int = 0
    """Frames that wait to be sent."""
    deflate_dynamic_table_size: int = 0
    """Bytes in the table that compresses outgoing headers."""
    inflate_dynamic_table_size: int = 0
    """Bytes in the table that decompresses received headers."""


def _settings_of(pairs: Iterable[tuple[int, int]], custom: dict[int, int] | None) -> Settings:
    settings = Settings.from_pairs(pairs)
    if custom:
        settings.custom_settings.update(custom)
    return settings


def _not_ours(self: SessionControl, stream_id: int, first: object, second: object) -> None:
    """Handle an event that only sessions of the other role can have."""


def with_handlers(known: events.Handlers, own: dict[int, events.Handler]) -> events.Handlers:
    """Return *known*, the event handlers of a class, with those of a class derived from it."""
    return [own.get(kind, handler) for kind, handler in enumerate(known)]


class SessionControl(Closable, Referenced):
    """The part of a session that inspects and controls its connection."""

    type: ClassVar[int]
    """NGHTTP2_SESSION_SERVER or NGHTTP2_SESSION_CLIENT."""

    closed: bool = False
    """Whether `close` was called, or the peer's GOAWAY had the same effect."""

    encrypted: bool | None = None
    """Whether the connection uses TLS; None before it is established."""

    destroyed: bool = False
    """Whether the session can no longer be used."""

    loop: asyncio.AbstractEventLoop
    options: SessionOptions
    engine: Connection | None = None
    transport: asyncio.Transport | None = None
    # Set when the connection has ended unexpectedly: the error for all waiting callers.
    _lost: ConnectionClosed | None = None
    # Stored for use after the end of the connection, and for the log.
    addresses: dict[str, Any] = {}  # noqa: RUF012 (never changed in place)
    _timer: IdleTimer | None = None
    # The code of this side's own GOAWAY; nghttp2 sends others by itself.
    _own_goaway: int | None = None

    _origins: dict[str, None] = {}  # noqa: RUF012 (never changed in place)

    # Unanswered pings, in order; several may have the same payload.
    _pings: list[tuple[bytes, asyncio.Future[tuple[float, bytes]], float]] | None = None
    upkeep: Upkeep
    # The library's own PINGs, which applications do not see: the callbacks for their answers.
    _own_pings: dict[bytes, tuple[Callable[[float], None], float]] | None = None
    ping_rtt: float | None = None
    _settings_waiters: list[
        tuple[asyncio.Future[tuple[Settings, float]], float, dict[int, int] | None]
    ]
    _pending_settings_acks = 0
    # Commands from the time before the connection was established.
    _early_settings: tuple[tuple[Settings, asyncio.Future[tuple[Settings, float]]], ...] = ()
    _early_goaways: tuple[tuple[int, int, bytes], ...] = ()
    _early_next_stream_id: int | None = None
    # The window that the application has set.
    _own_window: int | None = None
    # Custom settings: this side's acknowledged ones, and the known ones of the peer.
    _local_custom: dict[int, int] | None = None
    _remote_custom: dict[int, int] | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop, options: SessionOptions) -> None:
        self.loop = loop
        self.options = options
        self._settings_waiters = []

    @abstractmethod
    def wake(self) -> None:
        """Send queued data; the session decides when."""

    @abstractmethod
    def destroy(self, error: BaseException | int | None = None, code: int | None = None) -> None:
        """End the session and all its streams at once."""

    def _begin_control(self) -> None:
        """Send this side's SETTINGS and the deferred commands: the connection is established."""
        assert self.engine is not None
        if self._early_next_stream_id is not None:
            self.engine.set_next_stream_id(self._early_next_stream_id)
        self.send_settings(self.options.settings, None)
        if self._own_window is not None:
            self.engine.set_local_window_size(self._own_window)
        if self._early_settings:
            early_settings, self._early_settings = self._early_settings, ()
            for settings, waiter in early_settings:
                self.send_settings(settings, waiter)
            if self.destroyed:
                return
        for early in self._early_goaways:
            self.goaway(*early)

    # --- commands -------------------------------------------------------------------------

    def _require(self) -> Connection:
        if self.destroyed or self.engine is None:
            raise new_error("ERR_HTTP2_INVALID_SESSION")
        return self.engine

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
        started = time.monotonic()
        if payload is None:
            data = int(started * 1e9).to_bytes(8, "little")
        else:
            try:
                data = bytes(memoryview(payload))
            except TypeError:
                raise new_error("ERR_INVALID_ARG_TYPE", "payload", "a buffer", payload) from None
            if len(data) != 8:
                raise new_error("ERR_HTTP2_PING_LENGTH")
        waiter: asyncio.Future[tuple[float, bytes]] = quiet_future(self.loop)
        pings = self._pings
        if pings is None:
            pings = self._pings = []
        if self.closed or self.engine is None or len(pings) >= self.options.max_outstanding_pings:
            waiter.set_exception(new_error("ERR_HTTP2_PING_CANCEL"))
            return waiter
        pings.append((data, waiter, started))
        self.engine.ping(data)
        self.wake()
        return waiter

    def ping_unseen(self, answered: Callable[[float], None]) -> None:
        """Send a PING of the library; call *answered* with its duration in seconds.

        Its payload is random, so that it differs from the application's pings, and the
        peer cannot answer it in advance. It does not count for `max_outstanding_pings`.
        """
        payload = os.urandom(8)
        if self._own_pings is None:
            self._own_pings = {}
        self._own_pings[payload] = (answered, time.monotonic())
        assert self.engine is not None
        self.engine.ping(payload)
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
        waiter: asyncio.Future[tuple[Settings, float]] = quiet_future(self.loop)
        self._pending_settings_acks += 1
        if self.engine is None:
            self._early_settings += ((checked, waiter),)
        else:
            self.send_settings(checked, waiter)
        return waiter

    def send_settings(
        self, settings: Settings, waiter: asyncio.Future[tuple[Settings, float]] | None
    ) -> None:
        if waiter is None:
            self._pending_settings_acks += 1
            waiter = quiet_future(self.loop)
        if self.engine is None or len(self._settings_waiters) >= MAX_PENDING_SETTINGS:
            waiter.set_exception(new_error("ERR_HTTP2_SETTINGS_CANCEL"))
            self.destroy(new_error("ERR_HTTP2_MAX_PENDING_SETTINGS_ACK"))
            return
        pairs = settings.to_pairs()
        if self.type == NGHTTP2_SESSION_SERVER:
            # a server must not announce ENABLE_PUSH 1 (RFC 9113 section 6.5.2)
            pairs = [pair for pair in pairs if pair != (NGHTTP2_SETTINGS_ENABLE_PUSH, 1)]
        self.engine.submit_settings(pairs)
        custom = dict(settings.custom_settings) if settings.custom_settings else None
        self._settings_waiters.append((waiter, time.monotonic(), custom))
        self.wake()

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
            self._early_goaways += ((code, last_stream_id, data),)
            return
        self._own_goaway = code
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
        self._own_window = size
        if self.engine is None:
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
            self._early_next_stream_id = stream_id
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

    # --- attributes -----------------------------------------------------------------------

    @property
    def socket(self) -> SocketProxy:
        """The session's socket, read-only; see `SocketProxy`."""
        return SocketProxy(cast("Any", self))

    @property
    def pending_settings_ack(self) -> bool:
        """Whether the peer has not acknowledged one of this side's SETTINGS frames yet."""
        return self._pending_settings_acks > 0

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
        return list(self._origins)

    def add_origins(self, origins: Iterable[str]) -> None:
        known = self._origins
        new = [origin for origin in origins if origin not in known]
        if not new:
            return
        room = MOST_ORIGINS - len(known)
        space = MOST_ORIGIN_CHARACTERS - sum(map(len, known))
        added = dict(known)
        for origin in new:
            space -= len(origin)
            room -= 1
            if room < 0 or space < 0:
                break
            added[origin] = None
        self._origins = added

    def _current_settings(
        self, get: Callable[[int], int], custom: dict[int, int] | None
    ) -> Settings:
        pairs = ((identifier, get(identifier)) for identifier in events.KNOWN_SETTINGS)
        return _settings_of(pairs, custom)

    @property
    def local_settings(self) -> Settings:
        """This side's acknowledged settings; the defaults without a connection."""
        if self.engine is None or self.engine.closed:
            return Settings()
        return self._current_settings(self.engine.local_setting, self._local_custom)

    @property
    def remote_settings(self) -> Settings:
        """The peer's settings; the defaults without a connection.

        Includes only those custom settings that the option `remote_custom_settings` names.
        """
        if self.engine is None or self.engine.closed:
            return Settings()
        return self._current_settings(self.engine.remote_setting, self._remote_custom)

    # --- the engine's events --------------------------------------------------------------

    def _on_settings(
        self, _: int, pairs: list[tuple[int, int]], current: list[tuple[int, int]]
    ) -> None:
        wanted = self.options.remote_custom_settings
        if wanted:
            for identifier, value in pairs:
                if identifier in wanted:
                    if self._remote_custom is None:
                        self._remote_custom = {}
                    self._remote_custom[identifier] = value
        if self._listeners is not None:
            # the settings of this frame: another one may have arrived in the same read
            self.emit("remote_settings", _settings_of(current, self._remote_custom))

    def _on_settings_ack(self, _: int, current: list[tuple[int, int]], __: None) -> None:
        if self._pending_settings_acks:
            self._pending_settings_acks -= 1
        settings: Settings | None = None
        if self._settings_waiters:
            waiter, started, custom = self._settings_waiters.pop(0)
            if custom:
                self._local_custom = {**(self._local_custom or {}), **custom}
            if not waiter.done():
                settings = _settings_of(current, self._local_custom)
                waiter.set_result((settings, time.monotonic() - started))
        if self._listeners is not None:
            self.emit("local_settings", settings or _settings_of(current, self._local_custom))

    def _on_ping(self, _: int, payload: bytes, __: None) -> None:
        self.emit("ping", payload)

    def _on_ping_ack(self, _: int, payload: bytes, __: None) -> None:
        pings = self._pings or ()
        # most peers answer in order: it is the first one
        found = next((entry for entry in pings if entry[0] == payload), None)
        if found is not None and self._pings is not None:
            self._pings.remove(found)
            waiter, started = found[1:]
            self.ping_rtt = time.monotonic() - started
            if not waiter.done():
                waiter.set_result((self.ping_rtt, payload))
        elif self._own_pings and payload in self._own_pings:
            answered, started = self._own_pings.pop(payload)
            self.ping_rtt = time.monotonic() - started
            answered(self.ping_rtt)

    def _cancel_waiters(self) -> None:
        self._own_pings = None
        pings, self._pings = self._pings, None
        for _, ping_waiter, _ in pings or ():
            if not ping_waiter.done():
                ping_waiter.set_exception(self._cancelled("ERR_HTTP2_PING_CANCEL"))
        waiters = [waiter for waiter, _, _ in self._settings_waiters]
        waiters += [waiter for _, waiter in self._early_settings]
        self._settings_waiters = []
        self._early_settings = ()
        for settings_waiter in waiters:
            if not settings_waiter.done():
                settings_waiter.set_exception(self._cancelled("ERR_HTTP2_SETTINGS_CANCEL"))

    def _cancelled(self, code: str) -> BaseException:
        lost = self._lost
        return new_error(code) if lost is None else lost.told(code, retryable=False)

    own_handlers: ClassVar[events.Handlers] = with_handlers(
        [_not_ours] * (events.MEASURED + 1),
        {
            events.SETTINGS: _on_settings,
            events.SETTINGS_ACK: _on_settings_ack,
            events.PING: _on_ping,
            events.PING_ACK: _on_ping_ack,
        },
    )
    """The handler of each kind of event; see `http2.engine.events`."""
