"""Define the read-only view of a session's socket for applications."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import new_error

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .interfaces import OwnsSocket

__all__ = ["SocketProxy"]


def send_at_once(sock: socket.socket) -> None:
    """Set TCP_NODELAY on *sock*, a connection, or a listening socket whose connections inherit it.

    asyncio sets it only where it knows the protocol number of a socket, which it seldom does.
    """
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)


def addresses_of(transport: asyncio.BaseTransport) -> dict[str, object]:
    """Return both addresses of *transport*, so that they are known after its end."""
    return {name: transport.get_extra_info(name) for name in ("peername", "sockname")}


def extra_info(
    addresses: dict[str, Any], transport: asyncio.BaseTransport, name: str, default: object
) -> Any:
    """Return extra information *name* of *transport*, or from the *addresses* of a PROXY header."""
    known = addresses.get(name)
    return transport.get_extra_info(name, default) if known is None else known


def host_of(address: object) -> str | None:
    """Return the host of an *address*, without its port; None if it has none."""
    return str(address[0]) if isinstance(address, tuple) and address else None


def shown_address(address: object) -> str:
    """Return an address as text: ``127.0.0.1:80``, ``[::1]:80``, or a path."""
    if not isinstance(address, tuple):
        return str(address or "unnamed")
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class SocketProxy:
    """The value of `Http2Session.socket`.

    Methods that could interfere with HTTP/2 raise
    ERR_HTTP2_NO_SOCKET_MANIPULATION; ERR_HTTP2_SOCKET_UNBOUND means that the session has
    no socket, or no longer has one.
    """

    __slots__ = ("_session",)

    def __init__(self, session: OwnsSocket) -> None:
        self._session = session

    def __repr__(self) -> str:
        known = self._session.addresses
        if not known:
            return f"<{type(self).__name__} not connected>"
        ends = " to ".join(shown_address(known[name]) for name in ("sockname", "peername"))
        return f"<{type(self).__name__} {ends}>"

    def _transport(self) -> asyncio.Transport:
        transport = self._session.transport
        if transport is None:
            raise new_error("ERR_HTTP2_SOCKET_UNBOUND")
        return transport

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """Return the transport's information *name*; see `asyncio.BaseTransport.get_extra_info`."""
        transport = self._transport()
        return extra_info(self._session.addresses, transport, name, default)

    def _address(self, name: str, part: int) -> Any:
        known = self._session.addresses
        address = known[name] if name in known else self.get_extra_info(name)
        if isinstance(address, tuple):
            return address[part]
        return address if part == 0 and address else None

    @property
    def remote_address(self) -> str | None:
        """The peer's IP address, or the path of its Unix socket."""
        address: str | None = self._address("peername", 0)
        return address

    @property
    def remote_port(self) -> int | None:
        """The peer's port; None on a Unix socket."""
        port: int | None = self._address("peername", 1)
        return port

    @property
    def local_address(self) -> str | None:
        """This side's IP address, or the path of its Unix socket."""
        address: str | None = self._address("sockname", 0)
        return address

    @property
    def local_port(self) -> int | None:
        """This side's port; None on a Unix socket."""
        port: int | None = self._address("sockname", 1)
        return port

    @property
    def encrypted(self) -> bool:
        """Whether the connection is TLS."""
        return self.get_extra_info("ssl_object") is not None

    @property
    def alpn_protocol(self) -> str | None:
        """The protocol that ALPN selected: ``'h2'``; None in the clear, or without ALPN."""
        ssl_object = self.get_extra_info("ssl_object")
        protocol: str | None = ssl_object.selected_alpn_protocol() if ssl_object else None
        return protocol

    def get_peer_certificate(self) -> dict[str, Any] | None:
        """Return the peer's certificate, as `ssl.SSLSocket.getpeercert`, or None."""
        ssl_object = self.get_extra_info("ssl_object")
        return ssl_object.getpeercert() if ssl_object is not None else None

    def _set_option(self, level: int, option: int, value: int) -> None:
        sock = self.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(level, option, value)

    def set_no_delay(self, enable: bool = True) -> None:
        """Disable Nagle's algorithm (the default), or enable it."""
        self._set_option(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(enable))

    def set_keep_alive(self, enable: bool = False) -> None:
        """Enable or disable TCP's keep-alive probes."""
        self._set_option(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(enable))

    def set_timeout(self, seconds: float, callback: Callable[[], object] | None = None) -> Any:
        """Call `Http2Session.set_timeout`, and return the session."""
        self._session.set_timeout(seconds, callback)
        return self._session

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        """Raise ERR_HTTP2_NO_SOCKET_MANIPULATION: only the session may do this."""
        raise new_error("ERR_HTTP2_NO_SOCKET_MANIPULATION")

    destroy = emit = end = pause = read = resume = write = _refuse
