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
        """What carries it."""


class ServedConnection(Protocol):
    """What a server needs of the connections that it serves: its sessions, and HTTP/1's."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """What carries it; None before its beginning and after its end."""

    def close(self) -> object:
        """End it when what is under way has been served."""

    def destroy(self) -> None:
        """End it now."""

    def notice_end(self) -> None:
        """Begin to `close` it so that no request is lost."""


class ServesHttp1(Protocol):
    """What takes over the connections of HTTP/1 clients."""

    def __call__(
        self,
        server: Any,
        transport: asyncio.Transport,
        data: bytes,
        claimed: Addresses | None = None,
    ) -> None:
        """Serve *transport*, on which *data* has come, and whose proxy has *claimed* addresses."""

    def watch(self, watcher: Any, begin: bool) -> None:
        """Begin or cease to tell *watcher* of exchanges."""


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
        """The client of *protocol* has shown that it speaks something else, or is gone."""

    def take_unknown(self, transport: asyncio.Transport) -> None:
        """The client of *transport* did not agree on a protocol that the server speaks."""

    def serve(self, connection: ServedConnection) -> None:
        """*connection* speaks a protocol from now on: the server ends it when it closes."""

    def end_with_others(self, connection: ServedConnection) -> None:
        """Begin the end of *connection* if the server ends with a deadline."""

    def session_gone(self, connection: ServedConnection) -> None:
        """*connection* is over."""
