"""`Pings`: the PINGs of a session that the peer has not answered yet (RFC 9113 section 6.7)."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...common.futures import quiet_future
from ...errors import new_error

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Pings"]


class Pings:
    """Unanswered PINGs: those of the application, of which *most* may be, and the library's own."""

    __slots__ = ("_most", "_own", "round_trip", "waiting")

    def __init__(self, most: int) -> None:
        self._most = most
        self.waiting: list[tuple[bytes, asyncio.Future[tuple[float, bytes]], float]] = []
        """The application's, in order; several may have the same payload."""
        self._own: dict[bytes, tuple[Callable[[float], None], float]] = {}
        self.round_trip: float | None = None
        """Seconds of the latest answered PING; None without one."""

    def send(
        self,
        loop: asyncio.AbstractEventLoop,
        payload: Buffer | None,
        ping: Callable[[bytes], None] | None,
    ) -> asyncio.Future[tuple[float, bytes]]:
        """Send *payload* with *ping*; return the future of the duration and the payload.

        The default *payload* is the monotonic clock. Raises ERR_HTTP2_PING_LENGTH and
        ERR_INVALID_ARG_TYPE; the future fails if *ping* is None, or too many are unanswered.
        """
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
        waiter: asyncio.Future[tuple[float, bytes]] = quiet_future(loop)
        if ping is None or len(self.waiting) >= self._most:
            waiter.set_exception(new_error("ERR_HTTP2_PING_CANCEL"))
        else:
            self.waiting.append((data, waiter, started))
            ping(data)
        return waiter

    def send_unseen(self, answered: Callable[[float], None], ping: Callable[[bytes], None]) -> None:
        """Send a PING of the library with *ping*; call *answered* with its duration.

        Its payload is random, so that it differs from the application's pings, and the
        peer cannot answer it in advance. It does not count for `max_outstanding_pings`.
        """
        payload = os.urandom(8)
        self._own[payload] = answered, time.monotonic()
        ping(payload)

    def answered(self, payload: bytes) -> None:
        """Handle an answer of the peer, expected or not."""
        # most peers answer in order: it is the first one
        found = next((entry for entry in self.waiting if entry[0] == payload), None)
        if found is not None:
            self.waiting.remove(found)
            waiter, started = found[1:]
            self.round_trip = time.monotonic() - started
            if not waiter.done():
                waiter.set_result((self.round_trip, payload))
        elif payload in self._own:
            callback, started = self._own.pop(payload)
            self.round_trip = time.monotonic() - started
            callback(self.round_trip)

    def cancel(self, error: Callable[[str], BaseException]) -> None:
        """Fail all pings with the error that *error* creates for ERR_HTTP2_PING_CANCEL."""
        self._own = {}
        waiting, self.waiting = self.waiting, []
        for _, waiter, _ in waiting:
            if not waiter.done():
                waiter.set_exception(error("ERR_HTTP2_PING_CANCEL"))
