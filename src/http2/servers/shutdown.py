"""Implement `Http2Server.close` with *timeout*.

RFC 9113 section 6.8: a server that sent its last GOAWAY at once would refuse requests that are
already on their way. So every client first gets a GOAWAY that refuses nothing, and a PING.
After the answer to the PING, the last GOAWAY says which requests were
accepted. Sessions that remain at the deadline are destroyed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from .interfaces import ServedConnection

__all__ = ["Shutdown"]

# Seconds that an idle connection has at the beginning of the shutdown: the first
# bytes of a new connection may be on their way.
LAST_MOMENT = 0.5
# Seconds after the deadline for sending the last frames, before sockets are closed.
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
        """Start to close *connection*, also one whose TLS handshake has just completed."""
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
        """Cancel the shutdown: the server has closed, or got another deadline."""
        self._timer.cancel()
        self._silent.cancel()
