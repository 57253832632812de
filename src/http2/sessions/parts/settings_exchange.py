"""`SettingsExchange`: both sides' SETTINGS, and their acknowledgements (RFC 9113 section 6.5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ...common.futures import quiet_future
from ...engine.events import KNOWN_SETTINGS
from ...errors import new_error
from ...settings import Settings

if TYPE_CHECKING:
    from ...engine.connection import Connection as Engine

    Waiter = asyncio.Future[tuple[Settings, float]]

__all__ = ["SettingsExchange"]

# Number of SETTINGS frames that may wait for their acknowledgement, as in Node.
MAX_PENDING_SETTINGS = 10


class SettingsExchange:
    """The SETTINGS that a session has sent and received.

    nghttp2 has the current values; here are the callers that wait for an acknowledgement, and
    custom settings, which nghttp2 does not store. *wanted* are the peer's that are stored.
    """

    __slots__ = ("_local_custom", "_remote_custom", "_wanted", "early", "pending", "waiters")

    def __init__(self, wanted: Iterable[int]) -> None:
        self._wanted = wanted
        self._local_custom: dict[int, int] | None = None
        self._remote_custom: dict[int, int] | None = None
        self.pending = 0
        """This side's frames that the peer has not acknowledged, also those not sent yet."""
        self.waiters: list[tuple[Waiter, float, dict[int, int]]] = []
        """Of each of them: the future, the time, and the custom settings in it."""
        self.early: tuple[tuple[Settings, Waiter], ...] = ()
        """Those from the time before the connection was established."""

    def ask(self, loop: asyncio.AbstractEventLoop) -> Waiter:
        """Return a future for the acknowledgement of another frame."""
        self.pending += 1
        waiter: Waiter = quiet_future(loop)
        return waiter

    def send(
        self,
        engine: Engine | None,
        pairs: list[tuple[int, int]],
        custom: dict[int, int],
        waiter: Waiter,
    ) -> bool:
        """Send *pairs*, *custom* among them; False if too many frames are unacknowledged."""
        if engine is None or len(self.waiters) >= MAX_PENDING_SETTINGS:
            waiter.set_exception(new_error("ERR_HTTP2_SETTINGS_CANCEL"))
            return False
        engine.submit_settings(pairs)
        self.waiters.append((waiter, time.monotonic(), dict(custom)))
        return True

    def received(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Handle a frame of the peer with *pairs*."""
        if self._wanted:
            known = self._remote_custom or {}
            self._remote_custom = known | {k: v for k, v in pairs if k in self._wanted}

    def acknowledged(self, current: list[tuple[int, int]]) -> None:
        """Handle an acknowledgement: *current* are this side's settings now."""
        if self.pending:
            self.pending -= 1
        if self.waiters:
            waiter, started, custom = self.waiters.pop(0)
            if custom:
                self._local_custom = (self._local_custom or {}) | custom
            if not waiter.done():
                waiter.set_result((self.local(current), time.monotonic() - started))

    def local(self, current: Iterable[tuple[int, int]]) -> Settings:
        """Return this side's acknowledged settings: *current*, and the custom ones."""
        return _settings_of(current, self._local_custom)

    def remote(self, current: Iterable[tuple[int, int]]) -> Settings:
        """Return the peer's settings: *current*, and the custom ones."""
        return _settings_of(current, self._remote_custom)

    def cancel(self, error: Callable[[str], BaseException]) -> None:
        """Fail all callers with the error that *error* creates for ERR_HTTP2_SETTINGS_CANCEL."""
        waiters = [waiter for waiter, _, _ in self.waiters]
        waiters += [waiter for _, waiter in self.early]
        self.waiters = []
        self.early = ()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(error("ERR_HTTP2_SETTINGS_CANCEL"))


def _settings_of(pairs: Iterable[tuple[int, int]], custom: dict[int, int] | None) -> Settings:
    settings = Settings.from_pairs(pairs)
    if custom:
        settings.custom_settings.update(custom)
    return settings


def current(get: Callable[[int], int]) -> list[tuple[int, int]]:
    """Return the settings that nghttp2 knows, with their values from *get*."""
    return [(identifier, get(identifier)) for identifier in KNOWN_SETTINGS]
