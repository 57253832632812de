"""Perform the TLS handshake of an ``https:`` session inside a tunnel: a stream of this library.

Event loops support TLS only on their own transports. Imported on demand, like `ssl`.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from ..common.futures import fail, wake
from ..errors import StreamError
from ..streams.client_stream import ClientHttp2Stream
from ..streams.stream import Http2Stream
from ..tls.handshake import Handshake
from .carriers import ProtocolFactory, StreamCarrier

__all__ = ["carry_tls"]

# Seconds that a handshake may take: the same as asyncio's limit for sockets.
HANDSHAKE_TIMEOUT = 60.0


class ClientHandshake(Handshake):
    """The client's side of a handshake; then TLS carries the protocol from *factory*."""

    __slots__ = ("_factory", "_loop", "done")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: ProtocolFactory,
        context: ssl.SSLContext,
        server_name: str,
    ) -> None:
        super().__init__()
        self._loop = loop
        self._factory = factory
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self.done: asyncio.Future[None] = loop.create_future()
        """Done when TLS is established, or with the error."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the ClientHello."""
        self._transport = cast("asyncio.Transport", transport)
        self._shake_hands(b"")

    def buffer_updated(self, nbytes: int) -> None:
        """Process *nbytes* received bytes."""
        self._shake_hands(self._buffer[:nbytes])

    def _shake_hands(self, data: bytes | memoryview) -> None:
        transport, tls = self._transport, self._tls
        if transport is None or tls is None or self.done.done():
            return
        try:
            if not self._step(transport, tls, data):
                return
            self._establish(self._loop, self._factory(), {})
        except Exception as error:
            fail((self.done,), error)
        else:
            wake((self.done,), None)

    def eof_received(self) -> bool:
        """Fail: the tunnel has ended before TLS was established."""
        assert self._transport is not None
        self._transport.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail: the tunnel has ended, or was reset."""
        if exc is not None and isinstance(exc.__cause__, StreamError):
            exc = exc.__cause__
        gone = ConnectionResetError("the tunnel ended during the TLS handshake")
        fail((self.done,), exc or gone)


async def carry_tls(
    loop: asyncio.AbstractEventLoop,
    stream: Http2Stream,
    factory: ProtocolFactory,
    context: ssl.SSLContext,
    server_name: str,
) -> None:
    """Perform the TLS handshake on *stream*, then connect it with the protocol from *factory*.

    Raises `ssl.SSLError`, the stream's error if it was reset, `ConnectionRefusedError` if the proxy
    has refused the tunnel, `ConnectionResetError` if it ended, and `ConnectionAbortedError`
    after `HANDSHAKE_TIMEOUT`; it then closes the stream.
    """
    handshake = ClientHandshake(loop, factory, context, server_name)
    carrier = StreamCarrier(loop, handshake, stream)
    carrier.begin()
    limit = asyncio.timeout(HANDSHAKE_TIMEOUT)
    try:
        async with limit:
            await handshake.done
    except BaseException as error:
        status = stream.status if isinstance(stream, ClientHttp2Stream) else None
        refused = status is not None and not 200 <= status < 300
        if isinstance(error, ssl.SSLError) and not refused:
            # send the alert to the server
            carrier.close()
        carrier.abort()
        if limit.expired() and isinstance(error, TimeoutError):
            text = f"TLS handshake not complete within {HANDSHAKE_TIMEOUT} s"
            raise ConnectionAbortedError(text) from error
        if refused and isinstance(error, OSError):
            # the data is not TLS, but the body of a proxy's error response
            raise ConnectionRefusedError(
                f"the proxy refused the tunnel with status {status}"
            ) from error
        raise
