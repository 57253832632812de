"""`RequestQueue`: the requests of a server's session that its handlers do not have yet."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...headers import Headers
    from ...streams.interfaces import DrivenServerStream
    from ..interfaces import HandsOut

__all__ = ["RequestQueue"]


class RequestQueue:
    """Requests that wait for the end of a batch, or for room for their responses, in order."""

    __slots__ = ("_scheduled", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[DrivenServerStream, Headers, int]] = deque()
        """Each stream, with its headers and the flags of their frame."""
        self._scheduled = False

    def add(self, stream: DrivenServerStream, headers: Headers, flags: int) -> None:
        """Let *stream* wait."""
        stream.is_waiting = True
        self.waiting.append((stream, headers, flags))

    def hand_out(self, session: HandsOut) -> None:
        """Emit waiting requests of *session*, as long as there is room."""
        waiting, engine = self.waiting, session.engine
        while waiting and engine is not None and engine.admit():
            stream, headers, flags = waiting.popleft()
            stream.is_waiting = False
            if stream.life.closed:
                continue
            session.hand_out(stream, headers, flags)
            stream.handed_out()
            if session.destroyed:
                return

    def flushed(self, session: HandsOut) -> None:
        """Continue in the next turn, so that other tasks of the loop can run before."""
        engine = session.engine
        if not self._scheduled and engine is not None and not engine.crowded:
            self._scheduled = True
            session.loop.call_soon(self._hand_out_later, session)

    def _hand_out_later(self, session: HandsOut) -> None:
        self._scheduled = False
        if session.engine is None:
            return
        session.engine.new_turn()
        session.in_batch = True
        try:
            self.hand_out(session)
        finally:
            session.in_batch = False
        session.flush()
