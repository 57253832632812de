"""Run the regular tasks of an established session that its options or an observer require.

Each is created once per session, has its own timer, and is stopped when the session is
destroyed; a session without any has only an empty list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..observing.measuring import stands
from .keepalive import KeepAlive
from .watch import watch
from .window_growth import DEFAULT_WINDOW, WindowGrowth

if TYPE_CHECKING:
    from .session import Http2Session

__all__ = ["Chore", "begin_upkeep", "end_upkeep"]


class Chore(Protocol):
    """A regular task of a session."""

    def stop(self) -> None:
        """Stop: the session is destroyed."""


def begin_upkeep(session: Http2Session) -> None:
    """Start the tasks that the options of *session* require; its connection is established."""
    options = session.options
    stands(session)
    if session.deadlines is not None:
        session.deadlines.established()
    watch(session)
    if options.max_receive_window > DEFAULT_WINDOW and session._own_window is None:
        session._windows = WindowGrowth(session, options.max_receive_window)
    if options.keepalive_interval:
        session._upkeep.append(
            KeepAlive(session, options.keepalive_interval, options.keepalive_timeout)
        )


def end_upkeep(session: Http2Session) -> None:
    """Stop all tasks: *session* is destroyed."""
    upkeep, session._upkeep = session._upkeep, []
    for chore in upkeep:
        chore.stop()
    if session._watch is not None:
        session._watch.discard(session)
        session._watch = None
    if session._windows is not None:
        session._windows.stop()
    if session.measuring is not None:
        session.measuring.stop()
