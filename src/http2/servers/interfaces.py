"""Define the interfaces between a server and its connections. All names are internal.

The interface of a server for its sessions is `http2.sessions.interfaces.SessionServer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ..tls.interfaces import SecureAccepting

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from ..net.proxy_protocol import Addresses, Networks
    from ..streams.exchange import Responder

__all__ = ["ConnectionServer", "EquippedServer", "Requested", "ServedConnection", "ServesHttp1"]


class Requested(Protocol):
    """A request of the Compatibility API."""

    @property
    def stream(self) -> Responder:
        """The underlying stream."""


class ServedConnection(Protocol):
    """The interface of a server's connections: sessions, and HTTP/1 connections."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport; None before its beginning and after its end."""

    def close(self) -> object:
        """Close the connection after the requests in progress."""

    def destroy(self) -> None:
        """End the connection at once."""

    def notice_end(self) -> None:
        """Start to `close` the connection so that no request is lost."""


class ServesHttp1(Protocol):
    """A function that takes over the connections of HTTP/1 clients."""

    def __call__(
        self,
        server: Any,
        transport: asyncio.Transport,
        data: bytes,
        claimed: Addresses | None = None,
    ) -> None:
        """Serve *transport* after it received *data*; *claimed* comes from a PROXY header."""

    def watch(self, watcher: Any, begin: bool) -> None:
        """Start or stop reports about exchanges to *watcher*."""


class EquippedServer(Protocol):
    """The interface of a server for functions that create or observe one."""

    origins: Sequence[str]
    """The origins that each new session announces."""

    proxies: Networks | None
    """The networks of proxies whose PROXY headers are trusted."""

    on_first_request: Callable[..., object] | None
    """The listener of ``stream`` that emits ``request``; registered with its first listener."""

    first_bytes_timeout: float
    serves_http1: ServesHttp1 | None

    def watch_http1(self, watcher: object, begin: bool) -> None:
        """Start or stop reports about HTTP/1 exchanges to *watcher*."""


class ConnectionServer(SecureAccepting, Protocol):
    """The server of a connection whose protocol is detected from its first bytes."""

    timeout: float

    first_bytes_timeout: float
    """Seconds that a client without TLS has to send the first bytes; 0: no limit."""

    serves_http1: ServesHttp1 | None
    """The function that takes over the connections of HTTP/1 clients; None: they are refused."""

    def introduce(self, transport: asyncio.Transport) -> None:
        """Emit ``connection`` for a connection that the server itself has accepted."""

    def proven(self, protocol: object) -> None:
        """Stop the time limit of *protocol*: its client uses another protocol, or has left."""

    def take_unknown(self, transport: asyncio.Transport) -> None:
        """Handle a client that offers no protocol of the server: see `unknown_protocol`."""

    def serve(self, connection: ServedConnection) -> None:
        """Register *connection*, whose protocol is known: the server ends it when it closes."""

    def end_with_others(self, connection: ServedConnection) -> None:
        """Begin the end of *connection* if the server ends with a deadline."""

    def session_gone(self, connection: ServedConnection) -> None:
        """Forget *connection*, which has ended."""
