"""Implement the lower part of an HTTP/1 connection: output, deadlines and closing."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ..common.emitter import EventEmitter
from ..common.timers import IdleTimer, check_timeout
from ..net.lingering_close import queued
from ..net.outlet import Outlet
from ..net.protocol import read_buffer, reset
from ..net.socket import SocketProxy, addresses_of, host_of
from .http1_base import HEAD_READ, Http1ConnectionBase

if TYPE_CHECKING:
    from ..engine.http1.output import Http1Output
    from ..servers.server import Http2Server

__all__ = ["Http1Carrier"]


# Seconds that a client has to read the last response and to close: closing at once would reset
# the connection if it still sends, and a reset discards the response (RFC 9112 section 9.6).
LINGER = 2.0
# The same for TLS, which waits for the client's close_notify.
TLS_LINGER = 0.5
# How often in a row LINGER may pass while the client's kernel does not accept data.
MOST_STALLS = 15


class Http1Carrier(Http1ConnectionBase, EventEmitter, asyncio.BufferedProtocol, ABC):
    """Output, deadlines and closing of an HTTP/1 connection."""

    _socket: SocketProxy | None = None
    _unsent = 0
    _stalls = 0
    _write_timer: asyncio.TimerHandle | None = None

    def __init__(
        self, server: Http2Server, transport: asyncio.Transport, output: Http1Output
    ) -> None:
        self.server = server
        self._transport = transport
        self._outlet = Outlet(transport)
        self._output = output
        # known after the end as well; see `SocketProxy`
        self.addresses = addresses_of(transport)
        self.loop = server.loop
        self._buffer = read_buffer()
        self._target = self._buffer[:HEAD_READ]

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport; None after its end."""
        return self._transport

    def __repr__(self) -> str:
        state = "destroyed" if self.destroyed else "closed" if self.closed else "open"
        return f"<{type(self).__name__} {state}>"

    def peer_name(self) -> str | None:
        return host_of(self.addresses["peername"])

    # --- attributes -------------------------------------------------------------------

    @property
    def socket(self) -> SocketProxy:
        """The socket, read-only; see `SocketProxy`."""
        if self._socket is None:
            self._socket = SocketProxy(cast("Any", self))
        return self._socket

    @property
    def encrypted(self) -> bool:
        """Whether the connection is TLS."""
        transport = self._transport
        return transport is not None and transport.get_extra_info("ssl_object") is not None

    # --- asyncio's side ---------------------------------------------------------------

    def pause_writing(self) -> None:
        """Pause writing: the transport's buffer is full."""
        self._write_paused = True
        seconds = self.server.options.write_timeout
        if seconds and self._transport is not None and self._write_timer is None:
            unsent = self._transport.get_write_buffer_size()
            self._write_timer = self.loop.call_later(seconds, self._look_at_writing, unsent)

    def _look_at_writing(self, before: int) -> None:
        """End the connection if none of *before* unsent bytes left within ``write_timeout``."""
        self._write_timer = None
        transport = self._transport
        if transport is None or not self._write_paused:
            return
        if transport.get_write_buffer_size() >= before:
            transport.abort()
        else:
            self.pause_writing()

    def resume_writing(self) -> None:
        """Resume writing: the transport's buffer is short again."""
        self._write_paused = False
        self._cancel_write_timer()
        self._touch()
        # in the next turn: asyncio calls this during one of its own writes
        self.loop.call_soon(self._writable)

    @abstractmethod
    def _writable(self) -> None:
        """Continue with writers that waited for the transport."""

    # --- writing ----------------------------------------------------------------------

    def _turn_over(self) -> None:
        self._flush_scheduled = False
        self._complete_output()
        self._flush()

    @abstractmethod
    def _complete_output(self) -> None:
        """Add output that was held back to be joined with more."""

    @abstractmethod
    def _rested(self) -> None:
        """Continue with writers that waited for the next turn of the loop."""

    def unsent_size(self) -> int:
        """Return the number of written bytes that have not left this process."""
        transport = self._transport
        waiting = self._output.size
        return waiting + (0 if transport is None else transport.get_write_buffer_size())

    # --- reading ----------------------------------------------------------------------

    def _pause_reading(self) -> None:
        transport = self._transport
        if not self._reading_paused and transport is not None and not transport.is_closing():
            self._reading_paused = True
            transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            transport = self._transport
            if transport is not None and not transport.is_closing():
                transport.resume_reading()

    # --- time -------------------------------------------------------------------------

    def _set_deadline(self, when: float) -> None:
        self._deadline = when
        if when and (self._timer is None or when < self._timer_at):
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = when
            self._timer = self.loop.call_at(when, self._due)

    def _due(self) -> None:
        self._timer = None
        when = self._deadline
        if not when:
            return
        if when > self.loop.time():
            self._set_deadline(when)
        else:
            self._deadline = 0.0
            self._expire()

    @abstractmethod
    def _expire(self) -> None:
        """Handle an expired deadline."""

    def set_timeout(self, seconds: float, callback: Callable[..., object] | None = None) -> Any:
        """Emit ``timeout`` after *seconds* without activity on the connection; 0 for never.

        Without a listener here, at the stream and at the server, the connection is destroyed.
        *callback* is registered for the next ``timeout``. Raises ERR_INVALID_ARG_TYPE,
        ERR_OUT_OF_RANGE.
        """
        seconds = check_timeout(seconds)
        if callback is not None:
            self.once("timeout", callback)
        self._cancel_idle_timer()
        if seconds and not self.destroyed:
            self._idle_timer = IdleTimer(self.loop, seconds, self._timed_out)
        return self

    @abstractmethod
    def _timed_out(self) -> None:
        """Handle the time-out of `set_timeout`."""

    def _touch(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.touch()

    def _cancel_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _cancel_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _stop_timers(self) -> None:
        self._cancel_idle_timer()
        self._cancel_write_timer()
        self._deadline = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- the end ----------------------------------------------------------------------

    def _linger(self, *, more_comes: bool) -> None:
        """Close once the client has everything; *more_comes*: it may still be sending."""
        self._flush()
        transport = self._transport
        self._closed = self._lingering = True
        if transport is None or transport.is_closing():
            return
        if not more_comes or self._eof:
            self._close_transport()
            return
        if transport.can_write_eof():
            try:
                transport.write_eof()
            except OSError:
                transport.close()  # the client has already disconnected
                return
        self._target = self._buffer
        self._resume_reading()
        self._set_deadline(self.loop.time() + LINGER)

    def _close_transport(self) -> None:
        """Close when all output was sent; abort if the client accepts nothing."""
        self._flush()
        transport = self._transport
        self._closed = self._lingering = True
        if transport is not None and not transport.is_closing():
            grace = TLS_LINGER if self.encrypted else LINGER
            transport.close()
            self._set_deadline(self.loop.time() + grace)

    def _give_up(self) -> None:
        """Abort: the time for closing has passed."""
        transport = self._transport
        if transport is None:
            return
        unsent = queued(transport)
        if unsent and not self.destroyed:
            self._stalls = 0 if unsent != self._unsent else self._stalls + 1
            self._unsent = unsent
            if self._stalls < MOST_STALLS:
                self._set_deadline(self.loop.time() + LINGER)
                return
        elif not transport.is_closing() and not self.destroyed:
            self._close_transport()
            return
        transport.abort()

    def _reset(self) -> None:
        """Reset the connection, so that the client does not mistake its end for a message's end."""
        self._flush()
        transport = self._transport
        self._closed = self._lingering = True
        if transport is None or transport.is_closing():
            return
        reset(transport)
