"""Implement TLS inside a tunnel, for an ``https:`` session over a stream of this library.

Event loops support TLS only on their own transports. So the
bytes pass through `ssl.MemoryBIO`, between the session and the stream. Imported on
demand, like `ssl`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ..constants import NGHTTP2_CANCEL
from ..net.carriers import READ_SIZE
from ..streams.client_stream import ClientHttp2Stream
from ..streams.stream import Http2Stream
from .carriers import ProtocolFactory, StreamCarrier

__all__ = ["carry_tls"]

# Seconds that a handshake may take: the same as asyncio's limit for sockets.
HANDSHAKE_TIMEOUT = 60.0


class Tls:
    """The client's side of TLS on *stream*."""

    def __init__(self, stream: Http2Stream, context: ssl.SSLContext, server_name: str) -> None:
        self.context = context
        self._stream = stream
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

    def _send(self) -> bool:
        """Send pending TLS records; return False if the stream's queue is full."""
        data = self._outgoing.read()
        return not data or not self._stream.writable or self._stream.write(data)

    async def _receive(self) -> bool:
        """Receive the next data; return False at the end of the stream."""
        data = await self._stream.read(READ_SIZE)
        self._incoming.write(data)
        return bool(data)

    async def handshake(self) -> None:
        """Perform the handshake. Raises `ssl.SSLError`, `ConnectionError` if there is no tunnel."""
        try:
            while True:
                try:
                    self.object.do_handshake()
                    return
                except ssl.SSLWantReadError:
                    pass
                finally:
                    # includes the last flight, and the alert for an error
                    self._send()
                if not await self._receive():
                    raise ConnectionResetError("the tunnel ended during the TLS handshake")
        except OSError as error:
            stream = self._stream
            status = stream.status if isinstance(stream, ClientHttp2Stream) else None
            if status is not None and not 200 <= status < 300:
                # the data is not TLS, but the body of a proxy's error response
                raise ConnectionRefusedError(
                    f"the proxy refused the tunnel with status {status}"
                ) from error
            raise

    async def read(self, size: int) -> bytes:
        """Return at most *size* bytes; none at the end.

        An end without close_notify counts too: HTTP/2 detects incomplete data itself.
        """
        while True:
            try:
                return self.object.read(size)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                # TLS may have its own data to send, such as new keys
                self._send()
                if not await self._receive():
                    return b""

    def write(self, data: bytes | bytearray | memoryview) -> bool:
        """Encrypt and send *data*; return False if the stream's queue is full."""
        with suppress(ssl.SSLError):  # the task that reads reports the error
            self.object.write(data)
        return self._send()

    def close(self) -> None:
        """Send close_notify, without waiting for the peer's."""
        with suppress(ssl.SSLError):
            self.object.unwrap()
        self._send()


class TlsCarrier(StreamCarrier):
    """A carrier with TLS over a stream."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BufferedProtocol,
        stream: Http2Stream,
        tls: Tls,
    ) -> None:
        super().__init__(loop, protocol, stream)
        self._read = tls.read
        self._tls = tls

    def _put(self, data: bytes | bytearray | memoryview) -> bool:
        return self._tls.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write all chunks together: a record for each would be mostly overhead."""
        self.write(b"".join(list_of_data))

    def _finish(self) -> None:
        self._tls.close()
        super()._finish()

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """Return the same TLS information as asyncio's transports, and ``"stream"``."""
        tls = self._tls.object
        match name:
            case "ssl_object":
                return tls
            case "sslcontext":
                return self._tls.context
            case "peercert":
                return tls.getpeercert()
            case "cipher":
                return tls.cipher()
            case "compression":
                return tls.compression()
        return super().get_extra_info(name, default)


async def carry_tls(
    loop: asyncio.AbstractEventLoop,
    stream: Http2Stream,
    factory: ProtocolFactory,
    context: ssl.SSLContext,
    server_name: str,
) -> None:
    """Perform the TLS handshake on *stream*, then connect it with the protocol from *factory*.

    Raises the errors of `Tls.handshake`, the stream's error if it was reset, and
    `ConnectionAbortedError` after `HANDSHAKE_TIMEOUT`; it then closes the stream.
    """
    tls = Tls(stream, context, server_name)
    limit = asyncio.timeout(HANDSHAKE_TIMEOUT)
    try:
        async with limit:
            await tls.handshake()
    except ssl.SSLError:
        # send the alert to the server
        stream.end()
        stream.close()
        raise
    except BaseException as error:
        stream.close(NGHTTP2_CANCEL)
        if limit.expired() and isinstance(error, TimeoutError):
            text = f"TLS handshake not complete within {HANDSHAKE_TIMEOUT} s"
            raise ConnectionAbortedError(text) from error
        raise
    TlsCarrier(loop, factory(), stream, tls).begin()
