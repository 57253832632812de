"""Define `Upkeep`: the regular tasks of a session that its options require.

Each task is created once per session, has its own timer, and gets all it needs as arguments. All
tasks are stopped when the session is destroyed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...constants import NGHTTP2_SESSION_CLIENT
from .keepalive import KeepAlive
from .watch import Watch, watch_for
from .window_growth import DEFAULT_WINDOW, WindowGrowth

if TYPE_CHECKING:
    from ..interfaces import SessionDoor, Stops
    from .deadlines import Deadlines

__all__ = ["Upkeep"]


class Upkeep:
    """The regular tasks of one session; a session that needs none has only this object."""

    __slots__ = ("_tasks", "deadlines", "watch", "windows")

    def __init__(self) -> None:
        self._tasks: tuple[Stops, ...] = ()
        self.deadlines: Deadlines | None = None
        """Keeps the exact deadlines."""
        self.watch: Watch | None = None
        """Polls the session's deadlines."""
        self.windows: WindowGrowth | None = None
        """Grows the receive windows."""

    def add(self, task: Stops) -> None:
        """Stop *task* with the others."""
        self._tasks = (*self._tasks, task)

    def begin_watch(self, session: SessionDoor) -> None:
        """Start to poll the deadlines of *session* that raise no event, if it has any."""
        if self.watch is None:
            is_client = session.type == NGHTTP2_SESSION_CLIENT
            self.watch = watch_for(session.loop, session.options, is_client)
            if self.watch is not None:
                self.watch.add(session)

    def begin(self, session: SessionDoor) -> None:
        """Start the work for *session*, now connected."""
        options, engine, transport = session.options, session.engine, session.transport
        assert engine is not None
        assert transport is not None
        self.begin_watch(session)
        if options.max_receive_window > DEFAULT_WINDOW:
            self.windows = WindowGrowth(
                session.loop, engine, options.max_receive_window, session.ping_unseen, session.wake
            )
        if options.keepalive_interval:
            self.add(
                KeepAlive(
                    session.loop,
                    engine,
                    transport,
                    options.keepalive_interval,
                    options.keepalive_timeout,
                    session.ping_unseen,
                    session.give_up,
                )
            )

    def leave_windows(self) -> None:
        """Stop the growth of windows."""
        windows, self.windows = self.windows, None
        if windows is not None:
            windows.stop()

    def stop(self, session: SessionDoor) -> None:
        """Remove *session*, which is destroyed."""
        tasks, self._tasks = self._tasks, ()
        for task in tasks:
            task.stop()
        if self.watch is not None:
            self.watch.discard(session)
            self.watch = None
        self.leave_windows()
