"""Define the interfaces between streams and their owners. All names here are internal.

A session, or an HTTP/1 connection, owns its exchanges. An exchange uses only those parts of its
owner that `ExchangeOwner` declares, an HTTP/2 stream those that `StreamOwner` declares; so
this room imports nothing from `sessions`. The names have no underscore because another room uses
them. They are not part of the public API: applications must not use them, and `docs/rows.py`
treats them as internal.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..engine.connection import Connection as Engine
    from .life import Life

__all__ = ["ExchangeOwner", "ExchangeState", "StreamOwner"]


class ExchangeOwner(Protocol):
    """The owner of an exchange: an HTTP/2 session, or an HTTP/1 connection."""

    loop: asyncio.AbstractEventLoop
    """The event loop of the owner and its exchanges."""

    in_batch: bool
    """Whether a batch of the peer's data is being handled: output is sent after it."""

    def peer_name(self) -> str | None:
        """Return the peer's address without its port, for the log; None if it has none."""

    def adopt(self, tasks: set[asyncio.Task[object]]) -> None:
        """Keep *tasks*, whose exchange has ended normally, until they are done."""


class StreamOwner(ExchangeOwner, Protocol):
    """The owner of an HTTP/2 stream: a session."""

    engine: Engine | None
    """The engine's connection; None before the connection is established and after its end."""

    @property
    def type(self) -> int:
        """``NGHTTP2_SESSION_SERVER`` or ``NGHTTP2_SESSION_CLIENT``."""

    def schedule_flush(self) -> None:
        """Send what is queued in the next turn of the loop."""

    def wake(self) -> None:
        """Send queued data after the batch, or in the next turn of the loop."""

    def send_now(self) -> None:
        """Write queued data before a command that would drop it."""

    def forget(self, stream: Any) -> None:
        """Forget *stream*, which this side has ended."""

    def lost_to(self, stream: Any) -> BaseException | None:
        """Return the connection's error if *stream* is incomplete because of it."""


class ExchangeState(Protocol):
    """Attributes of an exchange that other rooms read; a property would cost a call per request."""

    life: Life
    """The state; see `http2.streams.life`. Only the exchange changes it."""

    headers_sent: bool
    """Whether the headers of this side were sent."""
