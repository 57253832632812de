"""Define the interfaces that `http2.observing` requires of observed objects. All are internal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..compat.watched import Watched

__all__ = ["ExchangeObserver"]


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
