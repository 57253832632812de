"""`HandshakeSocket`: a connection whose TLS handshake has failed. It needs no `ssl`."""

from __future__ import annotations

import asyncio
from typing import Any

from .socket import addresses_of, extra_info

__all__ = ["HandshakeSocket"]


class HandshakeSocket:
    """What ``tls_client_error`` listeners get with the error: a connection, to look at."""

    def __init__(self, transport: asyncio.Transport, claimed: dict[str, Any] | None = None) -> None:
        self._transport = transport
        # asked for early: once a connection has been reset its addresses are forgotten
        self._addresses = claimed or addresses_of(transport)

    def __repr__(self) -> str:
        """Show who it was."""
        return f"<{type(self).__name__} {self._addresses['peername']}>"

    @property
    def destroyed(self) -> bool:
        """Whether the connection is over; it is, as a rule."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """What the transport knows under *name*, as `asyncio.BaseTransport.get_extra_info`."""
        return extra_info(self._addresses, self._transport, name, default)

    def destroy(self) -> None:
        """End the connection at once."""
        self._transport.abort()
