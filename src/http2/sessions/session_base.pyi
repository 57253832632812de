from typing import Any

from ..common.timers import IdleTimer
from ..engine.events import Event
from ..headers import Headers
from ..streams.base import OwnerBase
from ..streams.stream import Http2Stream
from .interfaces import SessionDoor
from .parts.event_table import EventTable
from .parts.request_queue import RequestQueue
from .upkeep.upkeep import Upkeep

class SessionBase(OwnerBase):
    destroyed: bool
    """Whether the session can no longer be used."""
    _destroyed: bool
    closed: bool
    """Whether `close` was called, or the peer's GOAWAY had the same effect."""
    _closed: bool
    _listeners: dict[str, list[Any]] | None
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

    def _dispatch(self, batch: list[Event]) -> None:
        """Handle each event of *batch*, until the session is destroyed."""

def on_data(session: SessionDoor, stream_id: int, data: bytes, end: bool) -> None:
    """Handle the event DATA."""

def on_stream_closed(session: SessionDoor, stream_id: int, code: int, unsent: int | None) -> None:
    """Handle the event STREAM_CLOSED."""
