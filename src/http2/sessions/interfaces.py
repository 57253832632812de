"""Define the interfaces of a session for the objects around it. All names here are internal.

Its interface for streams is `http2.streams.interfaces.StreamOwner`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ..common.interfaces import EmitsRequests

if TYPE_CHECKING:
    import asyncio

    from ..common.closing import Completion
    from ..engine.connection import Connection as Engine
    from ..engine.events import Handlers
    from ..headers import Headers
    from ..settings import Settings
    from .options import SessionOptions
    from .parts.end import SessionEnd
    from .parts.event_table import EventTable
    from .parts.pings import Pings
    from .parts.settings_exchange import SettingsExchange
    from .upkeep.window_growth import WindowGrowth

__all__ = [
    "Dialled",
    "HandsOut",
    "SessionDoor",
    "SessionServer",
    "Stops",
    "TimedSession",
]


class SessionServer(EmitsRequests, Protocol):
    """The interface of a server for its sessions."""

    listening: bool
    timeout: float

    @property
    def connections(self) -> int:
        """The number of the server's connections."""

    def address(self) -> Any:
        """Return the address at which the server listens."""

    def close(self, *, timeout: float | None = None) -> Completion:
        """Stop accepting connections, and close after the open ones."""

    def emit(self, event: str, *args: object) -> bool:
        """Call every listener of *event* with *args*; return False if there is none."""

    def adopt(self, tasks: Iterable[asyncio.Task[object]]) -> None:
        """Keep *tasks*, whose stream has ended normally, until they are done."""

    def session_begins(self, session: Any) -> None:
        """Handle the established connection of *session*, and emit ``session``."""

    def session_gone(self, connection: Any) -> None:
        """Forget *connection*, a session that has ended."""


class Stops(Protocol):
    """A regular task of a session."""

    def stop(self) -> None:
        """Stop: the session is destroyed."""


class Tasks(Protocol):
    """The regular tasks of a session."""

    windows: WindowGrowth | None
    """Enlarges the receive windows."""

    def add(self, task: Stops) -> None:
        """Stop *task* when the session is destroyed."""


class TimedSession(Protocol):
    """A session, as used by the deadlines."""

    loop: asyncio.AbstractEventLoop
    options: SessionOptions
    engine: Engine | None
    transport: asyncio.Transport | None

    @property
    def streams(self) -> MutableMapping[int, Any]:
        """The open streams by identifier, in the order of their beginning."""

    closed: bool
    connecting: bool
    destroyed: bool

    @property
    def type(self) -> int:
        """``NGHTTP2_SESSION_SERVER`` or ``NGHTTP2_SESSION_CLIENT``."""

    waiting_requests: dict[Any, None]
    """The streams of a client's requests that wait for the connection, in order."""

    @property
    def upkeep(self) -> Tasks:
        """Its regular tasks."""

    handlers: EventTable
    """Its handlers of events, by kind of event."""

    def has(self, stream: Any) -> bool:
        """Return whether *stream* is open or waiting to begin."""

    def close(self) -> Completion:
        """Close the session after the last stream."""

    def give_up(self, message: str, code: int = 0) -> None:
        """End at once because the peer is unresponsive; waiting callers get *message*."""


class HandsOut(Protocol):
    """A server's session, as used by its queue of requests."""

    loop: asyncio.AbstractEventLoop
    in_batch: bool
    destroyed: bool

    @property
    def engine(self) -> Engine | None:
        """The engine's connection."""

    def hand_out(self, stream: Any, headers: Headers, flags: int) -> None:
        """Pass a request to its handlers."""

    def flush(self) -> None:
        """Write the engine's output, and handle the events of its sending."""


class Dialled(Protocol):
    """A client's session as `connect` sees it."""

    def dialled_by(self, dial: asyncio.Task[None]) -> None:
        """Set the task *dial*, which connects; it is cancelled if the session ends first."""

    offers: Any
    """The server's pushes, from its first promise on."""

    def fail_to_connect(self, error: BaseException) -> None:
        """Fail: the connection cannot be established, because of *error*."""


class SessionDoor(TimedSession, Protocol):
    """Methods of a session for other rooms of the library; not for applications."""

    addresses: dict[str, Any]
    """Both addresses of the connection, by ``peername`` and ``sockname``; empty before it."""

    write_paused: bool

    own_handlers: ClassVar[Handlers]
    """The handlers of a session without layers, by kind of event."""

    queue: Any
    """A server's requests that wait for their handlers; created for the first of them."""

    pings: Pings | None
    """Its unanswered PINGs; None before the first."""

    settings_exchange: SettingsExchange
    """Both sides' SETTINGS."""

    ending: SessionEnd
    """What is known about its end."""

    origins: tuple[str, ...]
    """What `origin_set` returns over TLS."""

    def emit(self, event: str, *args: object) -> bool:
        """Call every listener of *event* with *args*; return False if there is none."""

    def listener_count(self, event: str) -> int:
        """Return the number of listeners of *event*."""

    def end_with(
        self, error: BaseException | None, stream_code: int, goaway_code: int | None
    ) -> None:
        """End the streams, waiters and engine, and begin to close the transport."""

    def end_if_idle(self) -> None:
        """End a session that is to close, if its last stream has ended."""

    def destroy(self, error: BaseException | int | None = None, code: int | None = None) -> None:
        """End the session and all its streams at once."""

    def connected(self, transport: asyncio.Transport) -> None:
        """Handle an established *transport*."""

    def begin(self, transport: asyncio.Transport, data: bytes) -> None:
        """Call `connected` and then `received`, with one write for both."""

    def received(self, data: bytes | memoryview) -> None:
        """Handle received bytes."""

    def resume_writing(self) -> None:
        """Resume writing: the transport accepts data again."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle a closed transport."""

    def ping_unseen(self, answered: Callable[[float], None]) -> None:
        """Send a PING of the library; call *answered* with its duration in seconds."""

    def send_settings(
        self, settings: Settings, waiter: asyncio.Future[tuple[Settings, float]] | None
    ) -> None:
        """Send SETTINGS; *waiter* is done when the peer has acknowledged them."""

    def wake(self) -> None:
        """Send the queued data after the batch, or in the next turn of the loop."""

    def count_open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make `http2.run` wait for this object from now on."""
