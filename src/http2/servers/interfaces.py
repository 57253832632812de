"""The doors of a server: what its connections call on it, and it on them. All names are internal.

What sessions call on it is `http2.sessions.interfaces.SessionServer`.
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
    """A server as those see it who make it, or look on."""

    origins: Sequence[str]
    """What every new session announces."""

    proxies: Networks | None
    """Who may say for whom it speaks, by the PROXY protocol."""

    on_first_request: Callable[..., object] | None
    """The listener of ``stream`` that emits ``request``: registered with the first of those."""

    first_bytes_timeout: float
    serves_http1: ServesHttp1 | None

    def watch_http1(self, watcher: Any, begin: bool) -> None:
        """Begin or cease to tell *watcher* of HTTP/1's exchanges."""


class ConnectionServer(SecureAccepting, Protocol):
    """The server of a connection whose first bytes are looked at."""

    timeout: float

    first_bytes_timeout: float
    """Seconds that a client in the clear has to show which protocol it speaks; 0: no limit."""

    serves_http1: ServesHttp1 | None
    """What takes over the connections of HTTP/1 clients; None: they are refused."""

    def introduce(self, transport: asyncio.Transport) -> None:
        """Tell the program of a connection that the server has accepted itself."""

    def proven(self, protocol: object) -> None:
        """Stop the time limit of *protocol*: its client uses another protocol, or has left."""

    def take_unknown(self, transport: asyncio.Transport) -> None:
        """The client of *transport* did not agree on a protocol that the server speaks."""

    def serve(self, connection: ServedConnection) -> None:
        """*connection* speaks a protocol from now on: the server ends it when it closes."""

    def end_with_others(self, connection: ServedConnection) -> None:
        """Begin the end of *connection* if the server ends with a deadline."""

    def session_gone(self, connection: ServedConnection) -> None:
        """*connection* is over."""
