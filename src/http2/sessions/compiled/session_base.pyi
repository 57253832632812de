import asyncio
from collections.abc import Callable
from typing import Any

from ...common.timers import IdleTimer
from ...engine.events import Event
from ...headers import Headers
from ...net.outlet import Outlet
from ...streams.compiled.base import OwnerBase
from ...streams.stream import Http2Stream
from ..interfaces import SessionDoor
from ..options import SessionOptions
from ..parts.end import SessionEnd
from ..parts.event_table import EventTable
from ..parts.pings import Pings
from ..parts.request_queue import RequestQueue
from ..parts.settings_exchange import SettingsExchange
from ..upkeep.upkeep import Upkeep

class SessionBase(OwnerBase):
    destroyed: bool
    """Whether the session can no longer be used."""
    _destroyed: bool
    closed: bool
    """Whether `close` was called, or the peer's GOAWAY had the same effect."""
    _closed: bool
    connecting: bool
    """Whether the connection is not established yet."""
    encrypted: bool | None
    """Whether the connection uses TLS; None before it is established."""
    alpn_protocol: str | None
    """``'h2'`` over TLS, ``'h2c'`` in the clear, None before the connection is established."""

    # --- of `EventEmitter` and `Closable`, with other defaults than there ---
    _listeners: dict[str, list[Any]] | None
    _tasks: set[asyncio.Task[object]] | frozenset[asyncio.Task[object]] | None
    _watched: bool
    told: bool

    # --- the others ---
    options: SessionOptions
    settings_exchange: SettingsExchange
    ending: SessionEnd
    transport: asyncio.Transport | None
    # Those of a PROXY header, or of the transport; for use after the end, and for the log.
    addresses: dict[str, Any]
    write_paused: bool
    # What `origin_set` returns over TLS.
    origins: tuple[str, ...]
    # From the first PING on.
    pings: Pings | None
    _outlet: Outlet
    # Commands from the time before the connection was established.
    _early: tuple[Callable[[], object], ...]
    # By stream identifier.
    streams: dict[int, Http2Stream]
    # A server's requests that wait for their handlers; made for the first of them.
    queue: RequestQueue | None
    # What happens at each kind of event.
    handlers: EventTable
    # Its regular tasks.
    upkeep: Upkeep
    _timer: IdleTimer | None
    # Whether `flush` is due in the next turn of the loop.
    _flush_scheduled: bool

    def hand_out(self, stream: Any, headers: Headers, flags: int) -> None:
        """Pass a request to its handlers, on a server."""

    def received(self, data: bytes | memoryview) -> None:
        """Handle received bytes: dispatch their events, then write the resulting output."""

    def wake(self) -> None:
        """Send queued data after the batch, or in the next turn of the loop."""

    def flush(self) -> None:
        """Write the engine's output, and handle the events of its sending."""

    def _dispatch(self, batch: list[Event]) -> None:
        """Handle each event of *batch*, until the session is destroyed."""

def on_data(session: SessionDoor, stream_id: int, data: bytes, end: bool) -> None:
    """Handle the event DATA."""

def on_stream_closed(session: SessionDoor, stream_id: int, code: int, unsent: int | None) -> None:
    """Handle the event STREAM_CLOSED."""
