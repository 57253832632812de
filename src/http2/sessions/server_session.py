"""Define `ServerHttp2Session`: a connection that a server has accepted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..common.closing import Completion
from ..common.emitter import logger
from ..constants import (
    NGHTTP2_SESSION_SERVER,
)
from ..engine import events
from ..errors import ConnectionClosed, new_error
from ..net.origins import altsvc_arguments, check_origins
from ..streams.push import Pushes
from ..streams.unanswered import check_answered
from .compiled.server_base import ServerSessionBase, on_request
from .incoming import HANDLERS, on_goaway_sent
from .options import SessionOptions
from .parts.event_table import with_handlers
from .parts.origin_set import joined
from .session import Http2Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..common.tasks import Work
    from ..net.origins import Origin
    from .interfaces import SessionServer
    from .server_listening import ServerSessionEvents

__all__ = ["ServerHttp2Session"]


class ServerHttp2Session(ServerSessionBase, Http2Session):
    """A server's session, from the event ``session`` of its server."""

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: ServerSessionEvents  # type: ignore[assignment]
        once: ServerSessionEvents  # type: ignore[assignment]
        add_listener: ServerSessionEvents  # type: ignore[assignment]
        prepend_listener: ServerSessionEvents  # type: ignore[assignment]
        prepend_once_listener: ServerSessionEvents  # type: ignore[assignment]

    type = NGHTTP2_SESSION_SERVER

    _pushes: Pushes | None = None

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        options: SessionOptions,
        server: SessionServer | None,
    ) -> None:
        super().__init__(loop, options)
        self._server = server

    def altsvc(self, alt: str, origin_or_stream: Origin | int) -> None:
        """Announce an alternative service to the client (RFC 7838 section 4).

        *alt* is an Alt-Svc field value, such as ``'h2=":8000"'`` or ``'clear'``.
        *origin_or_stream* is the origin: a URL, whose origin is used, a `SplitResult`,
        an object whose ``origin`` is an origin in ASCII, or the id of an open stream, for
        the origin of its request.

        Raises ERR_HTTP2_ALTSVC_INVALID_ORIGIN, ERR_HTTP2_ALTSVC_LENGTH (over 16,382
        bytes), ERR_INVALID_CHAR, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE,
        ERR_HTTP2_INVALID_SESSION.
        """
        self._check_alive()
        stream_id, origin, value = altsvc_arguments(alt, origin_or_stream)
        if self.engine is None:
            raise new_error("ERR_HTTP2_INVALID_SESSION")
        self.engine.altsvc(stream_id, origin, value)
        self.wake()

    def origin(self, *origins: Origin) -> None:
        """Announce the *origins* that the client may use this session for (RFC 8336).

        Each is a URL, whose origin is used, a `SplitResult`, or an object whose
        ``origin`` is an origin in ASCII. Without any, nothing is sent. Without TLS, the client
        ignores it.

        Raises ERR_HTTP2_INVALID_ORIGIN, ERR_HTTP2_ORIGIN_LENGTH (over 16,384 bytes, two
        for each origin included), ERR_INVALID_ARG_TYPE, ERR_HTTP2_INVALID_SESSION.
        """
        self._check_alive()
        checked = check_origins(origins)
        if not checked:
            return
        if self.engine is None:
            raise new_error("ERR_HTTP2_INVALID_SESSION")
        self.engine.origin([origin.encode() for origin in checked])
        self.origins = joined(self.origins, checked)
        self.wake()

    @property
    def server(self) -> SessionServer | None:
        """The server that accepted the connection."""
        return self._server

    def connected(self, transport: asyncio.Transport) -> None:
        server = self._server
        super().connected(transport)
        if server is not None:
            server.session_begins(self)
        if self._listeners is not None and not self.destroyed:
            self.emit("connect", self, self.socket)

    def shut_down(self) -> Completion:
        """Announce the end, and `close` once the client knows, so that no request is lost.

        RFC 9113 section 6.8: the first GOAWAY refuses nothing, and the last one follows when the
        client has answered a PING; earlier requests are served. A `close`
        in between does not wait for the answer. Awaiting waits until the session is destroyed and
        its socket closed.
        """
        if self.engine is None:
            return self.close()
        self.notice_end()
        return Completion(self)

    def notice_end(self) -> None:
        """Announce the end of the server to the client (RFC 9113 section 6.8)."""
        if self.engine is not None and not self.closed and not self.ending.noticed:
            self.ending.noticed = True
            self.engine.shutdown_notice()
            self.wake()

    def pushes(self) -> Pushes:
        """Return the session's pushed streams; created with the first."""
        if self._pushes is None:
            self._pushes = Pushes(self)
        return self._pushes

    def adopt(self, tasks: Iterable[asyncio.Task[object]]) -> None:
        if self._server is not None:
            self._server.adopt(tasks)
        else:
            super().adopt(tasks)

    def end_with(
        self, error: BaseException | None, stream_code: int, goaway_code: int | None
    ) -> None:
        super().end_with(error, stream_code, goaway_code)
        self.queue = None
        if self._pushes is not None:
            self._pushes.cancel()

    def listener_ended(self, work: Work[object], event: str, args: tuple[object, ...]) -> None:
        if event == "stream":
            check_answered(work, self, event, args)

    def _report_error(self, error: BaseException) -> None:
        server = self._server
        heard = self.emit("error", error)
        if server is not None:
            heard = server.emit("session_error", error, self) or heard
        if heard or self.ending.error_seen:
            return
        if isinstance(error, ConnectionClosed) and error.__cause__ is None:
            # clients may leave at any time: it is not logged
            logger.debug("%r: %s", self, error)
        else:
            self._emit_error(error)

    def _emit_session_end(self) -> None:
        super()._emit_session_end()
        if self._server is not None:
            self._server.session_gone(self)

    def _timed_out(self) -> None:
        if self.destroyed or self.closed:
            return
        if self.emit("timeout"):
            return
        server = self._server
        if server is None or not server.emit("timeout", self):
            self.destroy()


def _on_goaway_sent(
    session: ServerHttp2Session, last_stream_id: int, code: int, reason: bytes
) -> None:
    on_goaway_sent(session, last_stream_id, code, reason)
    if session.ending.noticed and not session.closed and not session.destroyed:

        def close(_: float) -> None:
            # the client knows that the server ends, and its earlier requests have arrived
            session.ending.noticed = False
            session.close()

        # not earlier: the PING would be sent before the GOAWAY
        session.ping_unseen(close)


ServerHttp2Session.own_handlers = with_handlers(
    HANDLERS, {events.REQUEST: on_request, events.GOAWAY_SENT: _on_goaway_sent}
)
