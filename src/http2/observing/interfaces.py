"""Define the interfaces that `http2.observing` requires of observed objects. All are internal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

    from ..engine.connection import Connection as Engine
    from ..engine.events import Handlers
    from .measuring import Measuring

__all__ = ["MeasuredSession"]


class MeasuredSession(Protocol):
    """A session that can be measured."""

    loop: asyncio.AbstractEventLoop
    engine: Engine | None
    destroyed: bool

    measuring: Measuring | None
    """The object that measures it, or None."""

    ping_rtt: float | None
    """Seconds of the last PING's round trip."""

    @property
    def type(self) -> int:
        """``NGHTTP2_SESSION_SERVER`` or ``NGHTTP2_SESSION_CLIENT``."""

    def add_layer(self, layer: Callable[[Handlers], None]) -> None:
        """Change the handlers with *layer*, from the next batch of events on."""

    def remove_layer(self, layer: Callable[[Handlers], None]) -> None:
        """Remove *layer*."""

    def count_sent(self, begin: bool) -> None:
        """Enable or disable reports about sent data for one more layer."""
