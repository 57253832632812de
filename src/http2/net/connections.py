"""`Connections`: those that a server has, of every protocol and in every state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Connections"]


class Connections:
    """The connections of one server; *room* is called when one of them is over."""

    def __init__(self, room: Callable[[], None]) -> None:
        self._room = room
        self.opening: set[object] = set()
        """The protocols of those that have no transport yet."""
        self.transports: set[asyncio.Transport] = set()
        """All others."""
        self.handshakes: set[asyncio.Transport] = set()
        """The transports with a TLS handshake in progress."""
        self.handed_over: dict[asyncio.Transport, object] = {}
        """Transports that belong to the application, with the object that keeps them alive."""

    def __len__(self) -> int:
        return len(self.transports) + len(self.opening)

    def begun(self, protocol: object, transport: asyncio.Transport) -> None:
        """Handle a new transport of *protocol*."""
        self.opening.discard(protocol)
        self.transports.add(transport)

    def never_begun(self, protocol: object) -> None:
        """Forget *protocol*, whose connection was never established."""
        self.opening.discard(protocol)
        self._room()

    def replaced(self, transport: asyncio.Transport) -> None:
        """Forget *transport*, because TLS is established on it and its own transport follows."""
        self.handshakes.discard(transport)
        self.transports.discard(transport)

    def gone(self, transport: asyncio.Transport) -> None:
        """Forget *transport*, whose connection has ended."""
        self.handshakes.discard(transport)
        self.handed_over.pop(transport, None)
        self.transports.discard(transport)
        self._room()
