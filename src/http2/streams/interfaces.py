"""The doors between streams and what they are streams of. All names here are internal.

A session, or a connection of HTTP/1, owns its exchanges. An exchange knows of its owner what
`ExchangeOwner` declares, a stream of HTTP/2 what `StreamOwner` declares, and nothing else; so
this room imports nothing of `sessions`. The names have no underscore because another room uses
them. They are no part of the public API: programs must not use them, and `docs/rows.py` takes
them for internal.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..engine.connection import Connection as Engine
    from .life import Life

__all__ = ["ExchangeOwner", "ExchangeState", "StreamOwner"]


class ExchangeOwner(Protocol):
    """What an exchange is one of: a session of HTTP/2, or a connection of HTTP/1."""

    loop: asyncio.AbstractEventLoop
    """The event loop that all of it runs in."""

    in_batch: bool
    """Whether bytes of the peer are being handled: what is queued now is sent after them."""

    def peer_name(self) -> str | None:
        """The peer's address without its port, for the log; None when it has none."""

    def adopt(self, tasks: set[asyncio.Task[object]]) -> None:
        """Keep *tasks*, whose exchange has ended well, until they are done."""


class StreamOwner(ExchangeOwner, Protocol):
    """What a stream of HTTP/2 is one of: a session."""

    engine: Engine | None
    """What speaks HTTP/2; None before the connection is established and after its end."""

    @property
    def type(self) -> int:
        """``NGHTTP2_SESSION_SERVER`` or ``NGHTTP2_SESSION_CLIENT``."""

    def schedule_flush(self) -> None:
        """Send what is queued in the next turn of the loop."""

    def wake(self) -> None:
        """Something may be queued: send it after the batch, or in the next turn of the loop."""

    def send_now(self) -> None:
        """Write what is queued, ahead of a command that would drop it."""

    def forget(self, stream: Any) -> None:
        """*stream* has ended because this side says so."""

    def lost_to(self, stream: Any) -> BaseException | None:
        """Why *stream* is not complete, when that is because the connection has ended."""


class ExchangeState(Protocol):
    """What other rooms read of an exchange, where a property would cost each request a call."""

    life: Life
    """How far it has come: `http2.streams.life`. The exchange alone changes it."""

    headers_sent: bool
    """Whether the headers of this side were sent."""
