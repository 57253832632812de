"""Define the interfaces that `http2.observing` requires of observed objects. All are internal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

    from ..compat.watched import Watched
    from ..engine.connection import Connection as Engine
    from ..streams.interfaces import Layered
    from .measuring import Measuring

__all__ = ["ExchangeObserver", "MeasuredSession"]


class HasRoundTrip(Protocol):
    """The PINGs of a session."""

    round_trip: float | None
    """Seconds of the latest answered PING; None without one."""


class MeasuredSession(Protocol):
    """A session that can be measured."""

    loop: asyncio.AbstractEventLoop
    engine: Engine | None
    destroyed: bool

    measuring: Measuring | None
    """The object that measures it, or None."""

    @property
    def pings(self) -> HasRoundTrip | None:
        """What knows of its PINGs; None before the first."""

    @property
    def handlers(self) -> Layered:
        """Its handlers of events."""

    @property
    def type(self) -> int:
        """``NGHTTP2_SESSION_SERVER`` or ``NGHTTP2_SESSION_CLIENT``."""


class ExchangeObserver(Protocol):
    """An observer of a server's exchanges over both protocols: an access log, or metrics."""

    def begun(self, exchange: Watched) -> None:
        """Handle a request that was passed to its handlers."""

    def over(self, exchange: Watched) -> None:
        """Handle the end of an exchange."""

    def streams_changed(self, more: int) -> None:
        """Handle opened streams of HTTP/2 clients; a negative number have ended."""

    def sessions_changed(self, more: int) -> None:
        """Handle opened HTTP/2 sessions; a negative number have ended."""
