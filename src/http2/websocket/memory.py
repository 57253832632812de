"""Limit the total memory of the WebSockets of one connection.

Each has its own limits, but a peer may open hundreds on one connection over HTTP/2, and
one compressed kilobyte may be a message of a megabyte. The kinds of memory:

- *waiting*: messages that wait for `recv`. The application frees this memory, so above the limit
  WebSockets that need more are held back.
- *under way*: incomplete messages, and unprocessed bytes. Only the peer can complete them.
  Above the limit, only one WebSocket may continue, until its message is complete; one without
  progress while others wait for it is closed with 1013.
- *compression*: its windows. Above the limit, new WebSockets are opened without compression.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

if TYPE_CHECKING:
    from ..sessions.session import Http2Session

__all__ = ["SMALL", "Held", "Share"]

# Memory of a WebSocket besides its stream, in bytes; tests/websocket/test_memory.py measures it.
WEBSOCKET_MEMORY = 12 * 1024
# Less than this of each kind is not counted: 250 WebSockets may have 3 MB of it.
SMALL = 6 * 1024
STEP = 8 * 1024 - 1
# If others wait for a WebSocket, PROGRESS bytes of its message must arrive within PATIENCE seconds.
PATIENCE = 5.0
PROGRESS = 64 * 1024

_shares: WeakKeyDictionary[Http2Session, Share] = WeakKeyDictionary()


class Share:
    """The memory of the WebSockets of one connection; without a *session*, of one over HTTP/1.1."""

    def __init__(self, session: Http2Session | None) -> None:
        # weak: the table of shares must not keep sessions
        self._session = None if session is None else ref(session)
        # a single WebSocket is bounded by its own limits
        self._most = None if session is None else session.max_memory * 3 // 10
        self._waiting = 0
        self._under_way = 0
        self.roomy = True
        """Whether the total is within the limit."""
        self._compression = 0
        self._held_back: dict[Held, Callable[[], None]] = {}
        # the WebSocket that may continue, and its amount at the last check
        self._floor: Held | None = None
        self._had = 0
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def of(cls, session: Http2Session | None) -> Share:
        """Return the share of *session*."""
        if session is None:
            return cls(None)
        found = _shares.get(session)
        if found is None:
            found = _shares[session] = cls(session)
        return found

    @property
    def may_compress(self) -> bool:
        """Whether there is room for the windows of one more WebSocket."""
        return self._most is None or self._compression * 4 < self._most

    def opened(self, compression: int) -> None:
        """Add a new WebSocket, whose compression takes *compression* bytes."""
        self._compression += compression
        self._tell(WEBSOCKET_MEMORY + compression)

    def closed(self, held: Held, compression: int) -> None:
        """Remove a WebSocket that has ended."""
        self._held_back.pop(held, None)
        self._compression -= compression
        self._tell(-WEBSOCKET_MEMORY - compression)

    def has_floor(self, held: Held) -> bool:
        """Return whether *held* is the WebSocket that may continue above the limit."""
        return self._floor is held

    def lets(self, held: Held) -> bool:
        """Return whether the WebSocket of *held* may process more data."""
        if self._floor is held:
            return True
        if self.roomy:
            return True
        if self._waiting or self._floor is not None:
            return False
        self._take_floor(held)
        return True

    def wait(self, held: Held, go_on: Callable[[], None]) -> None:
        """Call *go_on* when there may be room again for the WebSocket of *held*."""
        self._held_back[held] = go_on
        self._watch()

    def changed(self, held: Held, waiting: int, under_way: int) -> None:
        """Add the changes of *held*'s waiting messages and of its messages under way, in bytes."""
        self._waiting += waiting
        self._under_way += under_way
        if self._most is not None:
            self.roomy = self._waiting + self._under_way <= self._most
        self._tell(waiting + under_way)
        if self._floor is held and not held.under_way:
            self._leave_floor()
        elif (
            self._floor is None and under_way > 0 and not self.roomy and held not in self._held_back
        ):
            # the WebSocket that exceeds the limit continues first: there is no memory for two
            self._take_floor(held)
        elif waiting >= 0 and under_way >= 0:
            return
        if self._held_back and self._has_room():
            held_back, self._held_back = self._held_back, {}
            loop = asyncio.get_running_loop()
            for go_on in held_back.values():
                loop.call_soon(go_on)

    def _has_room(self) -> bool:
        return self.roomy or (not self._waiting and self._floor is None)

    def _take_floor(self, held: Held) -> None:
        self._floor = held
        self._watch()

    def _leave_floor(self) -> None:
        self._floor = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        """Watch the progress of the WebSocket that may continue while others wait."""
        if self._floor is not None and self._held_back and self._timer is None:
            self._had = self._floor.under_way
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._check_progress)

    def _check_progress(self) -> None:
        self._timer = None
        held = self._floor
        if held is None or not self._held_back or held.under_way >= self._had + PROGRESS:
            self._watch()
            return
        self._floor = None
        if not held.waiting:
            # the peer makes no progress, not the application
            held.give_up()

    def _tell(self, size: int) -> None:
        session = None if self._session is None else self._session()
        if session is not None and size:
            session.count_memory(size)


class Held:
    """The memory of one WebSocket, part of its connection's *share*; *give_up* closes it."""

    __slots__ = ("_compression", "counts", "give_up", "share", "under_way", "waiting")

    def __init__(self, share: Share, compression: int, give_up: Callable[[], None]) -> None:
        self.share = share
        self.give_up = give_up
        self.waiting = 0
        self.under_way = 0
        self.counts = False
        """Whether any of it is counted."""
        self._compression = compression
        share.opened(compression)

    def set(self, waiting: int, under_way: int) -> None:
        """Set the bytes of its waiting messages, and of its messages under way."""
        # in steps of 8 KiB, because counting takes time
        waiting = waiting | STEP if waiting >= SMALL else 0
        under_way = under_way | STEP if under_way >= SMALL else 0
        share = self.share
        if (
            waiting != self.waiting
            or under_way != self.under_way
            or (not under_way and share.has_floor(self))
        ):
            more = waiting - self.waiting, under_way - self.under_way
            self.waiting, self.under_way = waiting, under_way
            self.counts = waiting + under_way > 0
            share.changed(self, *more)

    def release(self) -> None:
        """Release the memory: the WebSocket has ended."""
        self.set(0, 0)
        self.share.closed(self, self._compression)
        self._compression = 0
