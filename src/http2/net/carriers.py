"""What else may carry the bytes of a session: stream pairs, sockets, streams of our own.

A session wants an `asyncio.Transport`. `Carrier` is one over an asyncio ``(reader,
writer)`` pair or over a stream of this library (HTTP/2 inside a CONNECT tunnel, RFC 9113
section 8.5); a connected `socket.socket` is handed to the loop, which makes its own.
"""

from __future__ import annotations

import asyncio
import socket
import weakref
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from ..constants import NGHTTP2_CANCEL
from ..errors import new_error
from ..streams.stream import Http2Stream

if TYPE_CHECKING:
    from ..common.tasks import Work
    from ..sessions.keywords import Carrying

__all__ = ["bind", "carry", "identity"]

READ_SIZE = 65536

ProtocolFactory = Callable[[], asyncio.BufferedProtocol]

# What carries a session already, or has done so: two would eat each other's frames.
_bound: weakref.WeakSet[object] = weakref.WeakSet()


class Carrier(asyncio.Transport, ABC):
    """A transport over something that is read with ``read(n)`` and written with ``write``.

    Feeds its protocol from a task of its own, pauses its writing while ``drain`` waits.
    """

    _draining: asyncio.Task[None] | None = None
    _closing = False
    _lost = False

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BufferedProtocol,
        read: Callable[[int], Awaitable[bytes]],
    ) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._read = read
        self._readable = asyncio.Event()
        self._readable.set()
        self._pump: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Tell the protocol that the connection stands, and feed it from now on."""
        self._protocol.connection_made(self)
        if not self._lost:
            self._pump = self._loop.create_task(self._feed())

    # --- reading ------------------------------------------------------------------------

    async def _feed(self) -> None:
        error: Exception | None = None
        while True:
            await self._readable.wait()
            try:
                data = memoryview(await self._read(READ_SIZE))
            except Exception as failure:
                if not self._closing:
                    error = failure
                    if not isinstance(failure, OSError):
                        # a stream that ends under a session is what a broken connection is
                        error = ConnectionResetError(str(failure))
                        error.__cause__ = failure
                break
            if not data:
                if not self._closing:
                    self._protocol.eof_received()
                break
            # what comes while we close is read, so that the end is seen, and dropped
            while data and not self._closing:
                room = cast("memoryview", self._protocol.get_buffer(len(data)))
                size = min(len(data), len(room))
                room[:size] = data[:size]
                self._protocol.buffer_updated(size)
                data = data[size:]
        self._pump = None
        self.close()
        self._lose(error)

    def pause_reading(self) -> None:
        """Take no more bytes for now; flow control then holds the other side back."""
        self._readable.clear()

    def resume_reading(self) -> None:
        """Go on reading."""
        self._readable.set()

    def is_reading(self) -> bool:
        """Whether bytes are taken."""
        return self._readable.is_set() and not self._closing

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whom the bytes go to."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let the bytes go to *protocol*, an `asyncio.BufferedProtocol`."""
        self._protocol = cast("asyncio.BufferedProtocol", protocol)

    # --- writing ------------------------------------------------------------------------

    @abstractmethod
    def _put(self, data: bytes | bytearray | memoryview) -> bool:
        """Write *data*; False when what is below wants a rest."""

    @abstractmethod
    async def _drain(self) -> None:
        """Wait until what is below has had its rest; raises what has ended it."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hand *data* on."""
        if self._closing:
            return
        if not self._put(data) and self._draining is None:
            self._protocol.pause_writing()
            self._draining = self._loop.create_task(self._wait_drained())

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Hand all of them on."""
        for data in list_of_data:
            self.write(data)

    def can_write_eof(self) -> bool:
        """Whether what is below can end one side alone."""
        return False

    async def _wait_drained(self) -> None:
        try:
            await self._drain()
        except Exception:
            return  # the reading side tells of it
        finally:
            self._draining = None
        if not self._closing:
            self._protocol.resume_writing()

    # --- ends ---------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Whether the connection is being closed, or is."""
        return self._closing

    @abstractmethod
    def _finish(self) -> None:
        """End what is below, after all that was written."""

    @abstractmethod
    def _break(self) -> None:
        """End what is below at once."""

    def close(self) -> None:
        """Send what is queued, then close."""
        if not self._closing:
            self._closing = True
            self._readable.set()
            self._finish()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._break()
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        """The connection is over: stop reading and tell the protocol, once, in the next turn."""
        if self._lost:
            return
        self._lost = True
        for task in (self._pump, self._draining):
            if task is not None:
                task.cancel()
        self._loop.call_soon(self._protocol.connection_lost, error)


class PairCarrier(Carrier):
    """Over an asyncio ``(reader, writer)`` pair."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BufferedProtocol,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        super().__init__(loop, protocol, reader.read)
        self._writer = writer

    def _put(self, data: bytes | bytearray | memoryview) -> bool:
        transport = self._writer.transport
        self._writer.write(data)
        return transport.get_write_buffer_size() <= transport.get_write_buffer_limits()[1]

    async def _drain(self) -> None:
        await self._writer.drain()

    def can_write_eof(self) -> bool:
        """Whether the writer can end its side alone: over TLS the loops' can't."""
        return self._writer.can_write_eof()

    def write_eof(self) -> None:
        """End our side, behind what was written."""
        if not self._closing:
            self._writer.write_eof()

    def _finish(self) -> None:
        self._writer.close()

    def _break(self) -> None:
        self._writer.transport.abort()

    def get_write_buffer_size(self) -> int:
        """Bytes that the writer has still got."""
        return self._writer.transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """What the writer knows of its connection."""
        return self._writer.get_extra_info(name, default)


class StreamCarrier(Carrier):
    """Over a stream of this library: a tunnel."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BufferedProtocol,
        stream: Http2Stream,
    ) -> None:
        super().__init__(loop, protocol, stream.read)
        self._stream = stream
        # A tunnel that ends while nobody reads it. In the next turn: a reader, who knows
        # why it has ended, comes first.
        stream.once("close", lambda: loop.call_soon(self._lose, None))

    def _put(self, data: bytes | bytearray | memoryview) -> bool:
        if not self._stream.writable:
            return True  # the reading side tells of it
        return self._stream.write(data)

    async def _drain(self) -> None:
        await self._stream.drain()

    def _finish(self) -> None:
        self._stream.end()
        self._stream.close()

    def _break(self) -> None:
        self._stream.close(NGHTTP2_CANCEL)

    def get_write_buffer_size(self) -> int:
        """Bytes that the stream has still got."""
        return self._stream.writable_length

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """The stream itself as ``"stream"``; what carries the tunnel is not this connection."""
        return self._stream if name == "stream" else default


def is_pair(
    connection: object,
) -> TypeGuard[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Whether *connection* is a ``(reader, writer)``."""
    return (
        isinstance(connection, (tuple, list))
        and len(connection) == 2
        and hasattr(connection[0], "read")
        and isinstance(connection[1], asyncio.StreamWriter)
    )


def identity(connection: object) -> object:
    """What of *connection* tells it from others; ERR_INVALID_ARG_TYPE when it can't carry."""
    if is_pair(connection):
        return connection[1]
    if isinstance(connection, (socket.socket, Http2Stream)):
        return connection
    raise new_error(
        "ERR_INVALID_ARG_TYPE", "connection",
        "an asyncio (reader, writer) pair, a connected socket.socket or a stream", connection,
    )  # fmt: skip


def bind(connection: object) -> None:
    """Note that *connection* carries a session from now on.

    Raises ERR_INVALID_ARG_TYPE when it can't, ERR_HTTP2_SOCKET_BOUND when it does already.
    """
    carried = identity(connection)
    if carried in _bound:
        raise new_error("ERR_HTTP2_SOCKET_BOUND")
    _bound.add(carried)


def carry(
    loop: asyncio.AbstractEventLoop, connection: Carrying, factory: ProtocolFactory, **options: Any
) -> Work[object] | None:
    """Let *connection*, which `bind` has accepted, carry the protocol that *factory* makes.

    Pairs and streams begin at once; for a socket there is something to be awaited.
    *options* are those of `asyncio.loop.connect_accepted_socket`, for a socket that was
    accepted; without them the socket is one that this side has connected.
    """
    if isinstance(connection, socket.socket):
        if options:
            return loop.connect_accepted_socket(factory, connection, **options)
        return loop.create_connection(factory, sock=connection)
    if isinstance(connection, Http2Stream):
        StreamCarrier(loop, factory(), connection).begin()
    else:
        reader, writer = connection
        PairCarrier(loop, factory(), reader, writer).begin()
    return None
