"""What a session does by itself, while it stands, when its options or an observer ask for it.

A chore is made once a session, keeps its own time, and is stopped when the session is
destroyed; a session without any has an empty list and nothing else.
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
    """Something that goes on beside a session."""

    def stop(self) -> None:
        """The session is destroyed: let go of it."""


def begin_upkeep(session: Http2Session) -> None:
    """The connection of *session* stands: begin what its options ask for."""
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
    """*session* is destroyed: end all of it."""
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
