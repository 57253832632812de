"""Define `HandshakeSocket`: a connection whose TLS handshake failed. Does not need `ssl`."""

from __future__ import annotations

import asyncio
from typing import Any

from .socket import addresses_of, extra_info

__all__ = ["HandshakeSocket"]


class HandshakeSocket:
    """The connection for listeners of ``tls_client_error``, read-only."""

    def __init__(self, transport: asyncio.Transport, claimed: dict[str, Any] | None = None) -> None:
        self._transport = transport
        # stored early: the system forgets the addresses of a connection after a reset
        self._addresses = claimed or addresses_of(transport)

    def __repr__(self) -> str:
        """Show the peer's address."""
        return f"<{type(self).__name__} {self._addresses['peername']}>"

    @property
    def destroyed(self) -> bool:
        """Whether the connection has ended, which is usually the case."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """Return the transport's information *name*; see `asyncio.BaseTransport.get_extra_info`."""
        return extra_info(self._addresses, self._transport, name, default)

    def destroy(self) -> None:
        """End the connection at once."""
        self._transport.abort()
