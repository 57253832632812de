"""The end of a server that has a deadline: `Http2Server.close` with *timeout*.

RFC 9113 section 6.8: a server that sent its last GOAWAY at once would refuse requests that are
under way already. So every client first gets a GOAWAY that refuses nothing and a PING;
when the PING is answered the client knows, and the last GOAWAY says which requests were
taken. What is there when the time is over, for whatever reason, is destroyed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from .interfaces import ServedConnection

__all__ = ["Shutdown"]

# Seconds that a connection has to show that it wants something when the shutdown begins: the first
# bytes of one that was just established are on their way.
LAST_MOMENT = 0.5
# Seconds after the deadline for the last frames to leave, before sockets are simply closed.
GRACE = 0.1


class Shutdown:
    """Ends *connections*, those of a server that accepts no more, within *seconds*.

    *drop_silent* ends those on which no client has said anything; at the deadline *destroy* ends
    what is left at once, and *abort* closes the sockets that are still open after that.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        seconds: float,
        connections: Iterable[ServedConnection],
        *,
        drop_silent: Callable[[], None],
        destroy: Callable[[], None],
        abort: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._over = False
        self._destroy = destroy
        self._abort = abort
        self._timer = loop.call_later(seconds, self._expire)
        for connection in tuple(connections):
            self.tell(connection)
        self._silent = loop.call_later(LAST_MOMENT, drop_silent)

    def tell(self, connection: ServedConnection) -> None:
        """Begin the end of *connection*; also of one whose TLS handshake took until now."""
        if self._over:
            connection.destroy()
        else:
            connection.notice_end()

    def _expire(self) -> None:
        self._over = True
        self._destroy()
        # a peer may read nothing, or not answer TLS's close_notify
        self._timer = self._loop.call_later(GRACE, self._abort)

    def cancel(self) -> None:
        """The server has closed, or has another deadline."""
        self._timer.cancel()
        self._silent.cancel()
