"""Implement TLS on a connection after the handshake: records in, bytes out.

For a server's connections, and for a client's in tunnels. asyncio's own TLS has a buffer of
256 KiB for each connection, and both asyncio and uvloop do more work for each record; neither
works over a stream. This module does only what HTTP needs: OpenSSL between two
`ssl.MemoryBIO`, over a transport in the clear.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from ..net.protocol import read_buffer

__all__ = ["TlsTransport"]

# The maximum number of bytes in a record (RFC 8446 section 5.1).
RECORD = 16384
# Bytes that are joined, encrypted or not: above 128 KiB malloc requests new
# pages from the system each time, which takes as long as encrypting them.
MOST_TOGETHER = 96 * 1024
# Seconds that the peer has to read the sent data, and to answer close_notify.
SHUTDOWN_TIMEOUT = 30.0


class TlsTransport(asyncio.BufferedProtocol, asyncio.Transport):
    """The protocol of a transport in the clear, and the transport of another protocol.

    Renegotiation must be off: otherwise writes would wait for reads.
    """

    _protocol: asyncio.BaseProtocol
    # Whether the protocol provides its own buffer.
    _buffered = True
    _closing = False
    _paused = False
    # The peer has ended its side: TLS's, or that of the connection below.
    _ended = False
    _broken_off = False
    # Whether this side should be ended, and has been.
    _eof_due = False
    _eof_sent = False
    _error: Exception | None = None
    _timer: asyncio.TimerHandle | None = None
    claimed: Mapping[str, Any] = {}
    """The addresses from a PROXY header."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        """Create a transport from *tls*, whose handshake is done, on *transport*."""
        super().__init__()
        self._loop = loop
        self._transport = transport
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self._buffer = read_buffer()

    def begin(self, protocol: asyncio.BaseProtocol) -> None:
        """Take over the connection; *protocol* gets all received data."""
        self._transport.set_protocol(self)
        self.set_protocol(protocol)
        protocol.connection_made(self)
        self._read()

    # --- the protocol of the transport below ------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer for the next records, which are copied before it is reused."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Process *nbytes* received bytes."""
        self._incoming.write(self._buffer[:nbytes])
        self._read()

    def eof_received(self) -> bool:
        """Handle the end of the connection below; without close_notify, its cause is unknown."""
        self._broken_off = True
        self._read()
        return not self._transport.is_closing()

    def pause_writing(self) -> None:
        """Pause writing: the transport's buffer is full."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Resume writing: the transport's buffer is short again."""
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._protocol.connection_lost(self._error or exc)

    # --- reading ----------------------------------------------------------------------------

    def _read(self) -> None:
        """Pass decrypted data to the protocol."""
        tls, incoming = self._tls, self._incoming
        try:
            # OpenSSL is not called without enough data, because that would raise an exception
            while (incoming.pending or tls.pending()) and not (self._paused or self._ended):
                if self._closing:
                    self._discard()
                else:
                    self._read_some()
        except ssl.SSLWantReadError:
            pass  # less than a record is left, or it was TLS's own
        except ssl.SSLError as error:
            if not self._closing:
                self._fail(error)
                return
            self._ended = True
        if self._outgoing.pending:
            # TLS's own data, such as new keys
            self._send()
        if self._eof_due and not (self._paused or self._closing or self._eof_sent):
            self._end_writing()
        if self._ended or (self._broken_off and not self._paused):
            self._end()

    def _discard(self) -> None:
        """Discard received data while the connection closes; only its end matters."""
        tls, incoming = self._tls, self._incoming
        while (incoming.pending or tls.pending()) and not self._ended:
            self._ended = not tls.read(RECORD)

    def _read_some(self) -> None:
        tls, protocol = self._tls, self._protocol
        if not self._buffered:
            data = tls.read(RECORD)
            if data:
                cast("asyncio.Protocol", protocol).data_received(data)
            else:
                self._ended = True
            return
        # `cast` would be called for each record
        buffered: Any = protocol
        room: memoryview = buffered.get_buffer(-1)
        space = len(room)
        size: Any = tls.read(space, room)
        filled = size
        try:
            # several records at once, as long as there is room for a whole one
            while size and self._incoming.pending and space - filled >= RECORD:
                size = tls.read(RECORD, room[filled:])
                filled += size
        except ssl.SSLError:
            # the next attempt raises it again
            size = -1
        if filled:
            buffered.buffer_updated(filled)
        if not size:
            self._ended = True

    def _end(self) -> None:
        """Handle the end of the peer's data."""
        self._ended = True
        if not self._closing:
            cast("asyncio.Protocol", self._protocol).eof_received()
            self.close()
        if not self._transport.is_closing():
            self._transport.close()

    def _fail(self, error: ssl.SSLError) -> None:
        """Fail: data that was received or to be sent is not valid TLS."""
        self._closing = True
        self._error = error
        self._send()  # an alert that says so
        # a tunnel sends what is queued, unless it is aborted first
        self._transport.close()
        self._transport.abort()

    def pause_reading(self) -> None:
        """Stop passing data to the protocol."""
        if not self._paused and not self.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Continue to pass data to the protocol."""
        if self._paused and not self.is_closing():
            self._paused = False
            self._transport.resume_reading()
            # data that has already arrived; not now, because the protocol's code is running
            self._loop.call_soon(self._read)

    def is_reading(self) -> bool:
        """Return whether received data is passed to the protocol."""
        return not self._paused and not self.is_closing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Pass received data to *protocol*, an `asyncio.BufferedProtocol` or `asyncio.Protocol`."""
        self._protocol = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return self._protocol

    # --- writing ----------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt *data* and send it."""
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        if not size or self._eof_due or self.is_closing():
            return
        write = self._tls.write
        try:
            at = write(data)
            if at < size:
                rest = memoryview(data).cast("B")
                while at < size:
                    if self._outgoing.pending > MOST_TOGETHER:
                        self._send()
                    at += write(rest[at:])
        except ssl.SSLError as error:
            self._fail(error)
            return
        self._send()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send all chunks, joined: a record for each would be mostly overhead."""
        together: list[bytes | bytearray | memoryview] = []
        size = 0
        for data in list_of_data:
            together.append(data)
            size += len(data)
            if size >= MOST_TOGETHER // 2:
                self.write(data if len(together) == 1 else b"".join(together))
                together = []
                size = 0
        if size:
            self.write(b"".join(together))

    def _send(self) -> None:
        data = self._outgoing.read()
        if data and not self._eof_sent and not self._transport.is_closing():
            self._transport.write(data)

    def can_write_eof(self) -> bool:
        """Return whether one side can be ended: of a socket, as with TLS; not of a tunnel."""
        return self._transport.can_write_eof()

    def write_eof(self) -> None:
        """Send close_notify after the written data, and end this side of the connection below.

        Waits until the protocol has read the received data: otherwise OpenSSL would report
        an error.
        """
        if not self._eof_due and not self.is_closing():
            self._eof_due = True
            self._loop.call_soon(self._read)

    def _end_writing(self) -> None:
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._send()
        self._eof_sent = True
        if not self._transport.is_closing():
            try:
                self._transport.write_eof()
            except OSError:
                self._transport.close()  # the peer has already disconnected

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the limits of the transport below, in encrypted bytes."""
        self._transport.set_write_buffer_limits(high, low)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the limits of the transport below: low, high."""
        return self._transport.get_write_buffer_limits()

    def get_write_buffer_size(self) -> int:
        """Return the number of encrypted bytes that have not left the process."""
        return self._transport.get_write_buffer_size()

    # --- the end ----------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Return whether the connection is closing, or closed."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Send close_notify after the written data; the peer has half a minute to answer it.

        Until then its data is read: closing a socket with unread data would reset the connection,
        and lose data on its way to the peer. A tunnel does that itself, and ends at once.
        """
        if self.is_closing():
            return
        self._closing = True
        with suppress(ssl.SSLError):
            # data that the protocol has not read would prevent this
            self._discard()
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._send()
        tunnel = not self._transport.can_write_eof()
        if tunnel or not self._ended:
            self._timer = self._loop.call_later(SHUTDOWN_TIMEOUT, self._transport.abort)
        if tunnel or self._ended:
            self._transport.close()
            return
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self._loop.call_soon(self._read)

    def abort(self) -> None:
        """Close at once; unsent data is lost."""
        self._closing = True
        self._transport.abort()

    # --- attributes -------------------------------------------------------------------------

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """Return the same information as asyncio's TLS transports, and that of the one below."""
        match name:
            case "ssl_object":
                return self._tls
            case "sslcontext":
                return self._tls.context
            case "peercert":
                return self._tls.getpeercert()
            case "cipher":
                return self._tls.cipher()
            case "compression":
                return self._tls.compression()
        if name in self.claimed:
            return self.claimed[name]
        return self._transport.get_extra_info(name, default)
