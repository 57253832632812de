"""Detect the protocol of an accepted connection from its first bytes."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, cast

from ..common.timers import IdleTimer
from ..net.protocol import SessionProtocol
from ..sessions.server_session import ServerHttp2Session
from ..sessions.upkeep.deadlines import end_silent_session

if TYPE_CHECKING:
    from ..net.proxy_protocol import Addresses
    from ..tls.interfaces import Expires
    from .interfaces import ConnectionServer

__all__ = ["ServerProtocol"]

# The client connection preface (RFC 9113 section 3.4), and the beginning of an HTTP/1 request.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
REQUEST_LINE = re.compile(rb"[!-~]{1,32} [^\r\n]{1,8192} HTTP/1\.[0-9]\r?\n")
MAYBE_REQUEST_LINE = re.compile(rb"[A-Za-z]{1,32}( [^\r\n]{0,8192}\r?)?")
# Seconds for a client to send its first line, once it is clear that it is not HTTP/2.
FIRST_LINE_TIMEOUT = 10.0

WRONG_PROTOCOL = (
    b"HTTP/1.1 505 HTTP Version Not Supported\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\n"
    b"connection: close\r\n\r\n%b"
)
WRONG_PROTOCOL_TEXT = b"This port speaks HTTP/2 only: with prior knowledge (h2c), not HTTP/1.\n"


class ServerProtocol(SessionProtocol):
    """The first bytes of a connection: HTTP/2's preface, or an answer to HTTP/1.

    In the clear, a session begins when the preface has arrived: until then nothing is
    sent, because the client's protocol is unknown.
    """

    __slots__ = (
        "_first",
        "_http2",
        "_idle",
        "_known",
        "_server",
        "_timer",
        "_transport",
        "claimed",
        "handshake",
    )

    def __init__(
        self, server: ConnectionServer, session: ServerHttp2Session, *, known: bool = False
    ) -> None:
        super().__init__(session)
        self._http2 = session
        self._server = server
        # whether the application knows the connection: it has injected it, or got the event
        self._known = known
        self._first: bytes | None = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        # `Http2Server.set_timeout`, until a session begins and has its own
        self._idle: IdleTimer | None = None
        # TLS, during its handshake
        self.handshake: Expires | None = None
        # the addresses from a PROXY header
        self.claimed: Addresses | None = None

    def claim(self, addresses: Addresses) -> None:
        """Use *addresses*, from a PROXY header, as those of the connection."""
        self.claimed = self._http2.addresses = addresses

    def begin(self, transport: asyncio.Transport, data: bytes) -> None:
        """Replace another protocol of *transport*, which has read *data*."""
        self._known = True
        transport.set_protocol(self)
        self.connection_made(transport)
        rest = memoryview(data)
        while rest:
            size = min(len(rest), len(self._buffer))
            self._buffer[:size] = rest[:size]
            rest = rest[size:]
            self.buffer_updated(size)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Handle an accepted connection, over TLS after the handshake."""
        stream = cast("asyncio.Transport", transport)
        if not self._server.admit(self, stream):
            return
        self._transport = stream
        self._server.await_handshake(self)
        self.introduce(stream)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._first = None
            if tls.selected_alpn_protocol() == "h2":
                self._session.connected(stream)
            elif self._server.serves_http1 is not None:
                self._hand_to_http1(b"")
            else:
                self._server.proven(self)
                self._server.take_unknown(stream)
            return
        if self._server.first_bytes_timeout:
            seconds = self._server.first_bytes_timeout
            self._timer = self._server.loop.call_later(seconds, stream.close)
        if self._server.timeout:
            self._idle = IdleTimer(self._server.loop, self._server.timeout, self._idled)

    def introduce(self, transport: asyncio.Transport) -> None:
        """Emit the event for the connection, unless the application knows it."""
        if not self._known:
            self._known = True
            self._server.introduce(transport)

    def expire(self) -> None:
        """End the connection after ``handshake_timeout``, unless its client uses HTTP/2."""
        if self.handshake is not None:
            self.handshake.expire()
        elif self._first is None:
            end_silent_session(self._http2, self._server.handshake_timeout)
        elif self._transport is not None:
            self._transport.abort()

    def buffer_updated(self, nbytes: int) -> None:
        """Handle *nbytes* received bytes: check the first ones, pass on the others."""
        if self._first is None:
            self._session.received(self._buffer[:nbytes])
            return
        if self._idle is not None:
            self._idle.touch()
        data = self._first + bytes(self._buffer[:nbytes])
        if data.startswith(PREFACE) or PREFACE.startswith(data):
            if len(data) < len(PREFACE):
                self._first = data
                return
            self._hand_on(data)
        elif self._server.serves_http1 is not None:
            self._hand_to_http1(data)
        elif REQUEST_LINE.match(data):
            self._answer_http1()
        elif b"\n" not in data and MAYBE_REQUEST_LINE.fullmatch(data):
            self._first = data
            if self._timer is None:
                self._timer = self._server.loop.call_later(FIRST_LINE_TIMEOUT, self._give_up)
        else:
            self._hand_on(data)

    def _hand_on(self, data: bytes) -> None:
        self._first = None
        self._cancel_timer()
        assert self._transport is not None
        self._http2.begin(self._transport, data)

    def _hand_to_http1(self, data: bytes) -> None:
        server = self._server
        transport = self._transport
        assert transport is not None
        assert server.serves_http1 is not None
        self._first = None
        self._cancel_timer()
        server.proven(self)
        server.serves_http1(server, transport, data, self.claimed)

    def _idled(self) -> None:
        """Handle the time-out of `Http2Server.set_timeout`."""
        heard = self._server.emit("timeout", self._session)
        transport = self._transport
        if transport is not None and (not heard or self._http2.closed or self._http2.destroyed):
            transport.close()

    def _give_up(self) -> None:
        self._timer = None
        if self._first:
            self._hand_on(self._first)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _answer_http1(self) -> None:
        transport = self._transport
        assert transport is not None
        self._first = None
        self._cancel_timer()
        transport.write(WRONG_PROTOCOL % (len(WRONG_PROTOCOL_TEXT), WRONG_PROTOCOL_TEXT))
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection."""
        self._cancel_timer()
        self._server.proven(self)
        if self._transport is None:
            exc = None  # not an error of the session, which has not begun
        else:
            self._server.open_connections.gone(self._transport)
            self._transport = None
        self._session.connection_lost(exc)
