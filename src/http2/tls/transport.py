"""TLS on the connections of a server, once the handshake is done: records in, bytes out.

The loops have TLS of their own: asyncio's has a buffer of 256 KiB for each connection, and both
do a good deal of work for each record. This is the little that a server needs: OpenSSL
between two `ssl.MemoryBIO`, over a transport in the clear.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from ..net.protocol import read_buffer

__all__ = ["TlsTransport"]

# Bytes that a record has at most (RFC 8446 section 5.1).
RECORD = 16384
# Bytes that are put together, encrypted or not: for more than 128 KiB malloc asks the system for
# new pages each time, which takes as long as encrypting them.
MOST_TOGETHER = 96 * 1024
# Seconds that a client has to take what was sent, and to answer close_notify.
SHUTDOWN_TIMEOUT = 30.0


class TlsTransport(asyncio.BufferedProtocol, asyncio.Transport):
    """The protocol of a transport in the clear, and the transport of another protocol.

    Renegotiation has to be off: what is written would otherwise wait for what is read.
    """

    _protocol: asyncio.BaseProtocol
    # Whether the protocol reads into a buffer of its own.
    _buffered = True
    _closing = False
    _paused = False
    # The client has ended its side: TLS's, or that of the connection below.
    _ended = False
    _broken_off = False
    # Our side is to be ended, and is.
    _eof_due = False
    _eof_sent = False
    _error: Exception | None = None
    _timer: asyncio.TimerHandle | None = None
    claimed: Mapping[str, Any] = {}
    """The addresses that a proxy has told of."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        """Make one of *tls*, whose handshake is done, on *transport*."""
        super().__init__()
        self._loop = loop
        self._transport = transport
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self._buffer = read_buffer()

    def begin(self, protocol: asyncio.BaseProtocol) -> None:
        """Take the connection over; *protocol* gets what has come already, and what will."""
        self._transport.set_protocol(self)
        self.set_protocol(protocol)
        protocol.connection_made(self)
        self._read()

    # --- the protocol of the transport below ------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next records go; they are copied before anything else comes there."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """*nbytes* have come."""
        self._incoming.write(self._buffer[:nbytes])
        self._read()

    def eof_received(self) -> bool:
        """The connection below has ended; without close_notify nobody knows who ended it."""
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
        """Give the protocol what can be decrypted."""
        tls, incoming = self._tls, self._incoming
        try:
            # OpenSSL isn't asked for what it would have to refuse: that would be an exception
            while (incoming.pending or tls.pending()) and not (self._paused or self._ended):
                if self._closing:
                    self._discard()
                else:
                    self._read_some()
        except ssl.SSLWantReadError:
            pass  # what is left is less than a record, or was TLS's own
        except ssl.SSLError as error:
            if not self._closing:
                self._fail(error)
                return
            self._ended = True
        if self._outgoing.pending:
            # what TLS itself has to say, such as new keys
            self._send()
        if self._eof_due and not (self._paused or self._closing or self._eof_sent):
            self._end_writing()
        if self._ended or (self._broken_off and not self._paused):
            self._end()

    def _discard(self) -> None:
        """Take what has come while the connection closes: only its end is of interest."""
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
        protocol = cast("asyncio.BufferedProtocol", protocol)
        room = cast("memoryview", protocol.get_buffer(-1))
        space = len(room)
        filled = size = cast("int", tls.read(space, room))
        try:
            # several records at once, as long as there is room for a whole one
            while size and self._incoming.pending and space - filled >= RECORD:
                size = cast("int", tls.read(RECORD, room[filled:]))
                filled += size
        except ssl.SSLError:
            # the next attempt meets it again
            size = -1
        if filled:
            protocol.buffer_updated(filled)
        if not size:
            self._ended = True

    def _end(self) -> None:
        """The client has said all that it will say."""
        self._ended = True
        if not self._closing:
            cast("asyncio.Protocol", self._protocol).eof_received()
            self.close()
        if not self._transport.is_closing():
            self._transport.close()

    def _fail(self, error: ssl.SSLError) -> None:
        """What came, or was to be sent, is no TLS."""
        self._closing = True
        self._error = error
        self._send()  # an alert that says so
        self._transport.abort()

    def pause_reading(self) -> None:
        """Give the protocol nothing more for now."""
        if not self._paused and not self.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        if self._paused and not self.is_closing():
            self._paused = False
            self._transport.resume_reading()
            # what is there already; not now, as the protocol is in the middle of something
            self._loop.call_soon(self._read)

    def is_reading(self) -> bool:
        """Whether the protocol is given what comes."""
        return not self._paused and not self.is_closing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let what comes go to *protocol*, an `asyncio.BufferedProtocol` or `asyncio.Protocol`."""
        self._protocol = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whom it goes to."""
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
        """Send all of them; many together, as a record for each would be mostly overhead."""
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
        """True: close_notify ends one side alone (RFC 8446 section 6.1)."""
        return True

    def write_eof(self) -> None:
        """Say close_notify behind what was written, and end our side of the connection below.

        Not before the protocol has taken what has come already: OpenSSL would take that for
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
        if not self._transport.is_closing() and self._transport.can_write_eof():
            try:
                self._transport.write_eof()
            except OSError:
                self._transport.close()  # the client has gone already

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the limits of the transport below, in encrypted bytes."""
        self._transport.set_write_buffer_limits(high, low)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """The limits of the transport below: low, high."""
        return self._transport.get_write_buffer_limits()

    def get_write_buffer_size(self) -> int:
        """Encrypted bytes that have not left the process."""
        return self._transport.get_write_buffer_size()

    # --- the end ----------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Whether the connection is closing, or closed."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Say close_notify behind what was written; the client has half a minute to answer it.

        Until it does its bytes are taken: closing a socket with bytes that nobody has
        read would reset the connection, and lose what is on its way to the client.
        """
        if self.is_closing():
            return
        self._closing = True
        with suppress(ssl.SSLError):
            # what the protocol has not taken would be in the way
            self._discard()
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._send()
        if self._ended:
            self._transport.close()
            return
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self._timer = self._loop.call_later(SHUTDOWN_TIMEOUT, self._transport.abort)
        self._loop.call_soon(self._read)

    def abort(self) -> None:
        """Close at once; what was not sent yet is lost."""
        self._closing = True
        self._transport.abort()

    # --- what is known ----------------------------------------------------------------------

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """What asyncio's transports know of TLS, and what the transport below does."""
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
