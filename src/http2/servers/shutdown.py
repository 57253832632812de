"""The end of a server that has a deadline: `Http2Server.close` with *timeout*.

RFC 9113 section 6.8: a server that sent its last GOAWAY at once would refuse requests that are
under way already. So every client first gets a GOAWAY that refuses nothing and a PING;
when the PING is answered the client knows, and the last GOAWAY says which requests were
taken. What is there when the time is over, for whatever reason, is destroyed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import Http2Server, ServedConnection

__all__ = ["Shutdown"]

# Seconds that a connection has to show that it wants something when the shutdown begins: the first
# bytes of one that was just established are on their way.
LAST_MOMENT = 0.5
# Seconds after the deadline for the last frames to leave, before sockets are simply closed.
GRACE = 0.1


class Shutdown:
    """Ends the sessions of a server that accepts no more connections."""

    def __init__(self, server: Http2Server, seconds: float) -> None:
        self._server = server
        self._over = False
        self._timer = server.loop.call_later(seconds, self._expire)
        server.once("close", self._cancel)
        for connection in tuple(server._sessions):
            self.tell(connection)
        self._silent = server.loop.call_later(LAST_MOMENT, self._drop_silent)

    def _drop_silent(self) -> None:
        self._server._drop_silent(handed_over=False)

    def tell(self, connection: ServedConnection) -> None:
        """Begin the end of *connection*; also of one whose TLS handshake took until now."""
        if self._over:
            connection.destroy()
        else:
            connection.notice_end()

    def _expire(self) -> None:
        self._over = True
        server = self._server
        server._destroy_sessions()
        server._cancel_tasks()
        self._timer = server.loop.call_later(GRACE, self._abort)

    def _abort(self) -> None:
        # a peer that reads nothing, or does not answer TLS's close_notify
        for transport in tuple(self._server._transports):
            transport.abort()

    def _cancel(self) -> None:
        self._timer.cancel()
        self._silent.cancel()
