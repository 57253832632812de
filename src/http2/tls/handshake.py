"""Perform a TLS handshake over a transport in the clear: what both roles have in common.

A server's is in `http2.tls.accept`, that of a client in a tunnel in `http2.tunnels.tls`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

from ..net.protocol import read_buffer
from .transport import TlsTransport

__all__ = ["Handshake"]


class Handshake(asyncio.BufferedProtocol):
    """The protocol of a transport until TLS is established; then a `TlsTransport` takes over."""

    __slots__ = ("_buffer", "_incoming", "_outgoing", "_tls", "_transport")

    def __init__(self) -> None:
        self._buffer = read_buffer()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._transport: asyncio.Transport | None = None
        self._tls: ssl.SSLObject | None = None

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer for the next bytes."""
        return self._buffer

    def _step(
        self, transport: asyncio.Transport, tls: ssl.SSLObject, data: bytes | memoryview
    ) -> bool:
        """Continue with received *data*; return whether the handshake is complete.

        Raises `ssl.SSLError`, after its alert was sent.
        """
        self._incoming.write(data)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            # includes the last flight, and the alert for an error
            answer = self._outgoing.read()
            if answer and not transport.is_closing():
                transport.write(answer)
        return True

    def _establish(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BaseProtocol,
        claimed: Mapping[str, Any],
    ) -> None:
        """Hand over to a `TlsTransport`, which begins with the data after the handshake."""
        transport, tls = self._transport, self._tls
        assert transport is not None
        assert tls is not None
        # uvloop references the first protocol of a connection as long as the connection exists
        self._transport = self._tls = None
        carried = TlsTransport(loop, transport, tls, self._incoming, self._outgoing)
        carried.claimed = claimed
        carried.begin(protocol)
