"""Carry a session over something else than a loop's transport: a pair, a socket, a stream.

A session needs an `asyncio.Transport`: a `Carrier` is one over an asyncio ``(reader, writer)``
pair, or over a stream of this library (HTTP/2 inside a CONNECT tunnel, RFC 9113 section 8.5); a
connected `socket.socket` is passed to the loop, which creates a transport.
"""

from __future__ import annotations

import asyncio
import socket
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from ..constants import NGHTTP2_CANCEL
from ..errors import new_error
from ..net.carriers import Carrier, PairCarrier
from ..net.socket import send_at_once
from ..streams.stream import Http2Stream

if TYPE_CHECKING:
    from ..common.tasks import Work

__all__ = ["Carrying", "ProtocolFactory", "StreamCarrier", "bind", "carry", "identity"]

Carrying: TypeAlias = (
    "tuple[asyncio.StreamReader, asyncio.StreamWriter] | socket.socket | Http2Stream"
)
"""A carrier for a session: an asyncio pair, a connected socket, or a stream (a tunnel)."""

ProtocolFactory = Callable[[], asyncio.BufferedProtocol]

# Objects that carry a session, or have carried one: two sessions would mix their frames.
_bound: weakref.WeakSet[object] = weakref.WeakSet()


class StreamCarrier(Carrier):
    """A carrier over a stream of this library: a tunnel."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BufferedProtocol,
        stream: Http2Stream,
    ) -> None:
        super().__init__(loop, protocol, stream.read)
        self._stream = stream
        # For a tunnel that ends while it is not read. In the next turn, so that a reader, which
        # knows the cause, comes first.
        stream.once("close", lambda: loop.call_soon(self._lose, None))

    def _put(self, data: bytes | bytearray | memoryview) -> bool:
        if not self._stream.writable:
            return True  # the task that reads reports the error
        return self._stream.write(data)

    async def _drain(self) -> None:
        await self._stream.drain()

    def _finish(self) -> None:
        self._stream.end()
        self._stream.close()

    def _break(self) -> None:
        self._stream.close(NGHTTP2_CANCEL)

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the stream has not sent."""
        return self._stream.writable_length

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """Return the stream for ``"stream"``; nothing about the connection below the tunnel."""
        return self._stream if name == "stream" else default


def is_pair(
    connection: object,
) -> TypeGuard[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Return whether *connection* is a ``(reader, writer)`` pair."""
    return (
        isinstance(connection, (tuple, list))
        and len(connection) == 2
        and hasattr(connection[0], "read")
        and isinstance(connection[1], asyncio.StreamWriter)
    )


def identity(connection: object) -> object:
    """Return the object that identifies *connection*. Raises ERR_INVALID_ARG_TYPE."""
    if is_pair(connection):
        return connection[1]
    if isinstance(connection, (socket.socket, Http2Stream)):
        return connection
    raise new_error(
        "ERR_INVALID_ARG_TYPE", "connection",
        "an asyncio (reader, writer) pair, a connected socket.socket or a stream", connection,
    )  # fmt: skip


def bind(connection: object) -> None:
    """Record that *connection* carries a session from now on.

    Raises ERR_INVALID_ARG_TYPE if it can't, ERR_HTTP2_SOCKET_BOUND if it already carries one.
    """
    carried = identity(connection)
    if carried in _bound:
        raise new_error("ERR_HTTP2_SOCKET_BOUND")
    _bound.add(carried)


def carry(
    loop: asyncio.AbstractEventLoop, connection: Carrying, factory: ProtocolFactory, **options: Any
) -> Work[object] | None:
    """Connect *connection*, which `bind` has accepted, with the protocol from *factory*.

    Pairs and streams begin at once; for a socket, the result must be awaited.
    *options* are those of `asyncio.loop.connect_accepted_socket`, for an accepted socket;
    without them this side has connected the socket.
    """
    if isinstance(connection, socket.socket):
        with suppress(OSError):  # the loop refuses a socket without a connection
            send_at_once(connection)
        if options:
            return loop.connect_accepted_socket(factory, connection, **options)
        return loop.create_connection(factory, sock=connection)
    if isinstance(connection, Http2Stream):
        StreamCarrier(loop, factory(), connection).begin()
    else:
        reader, writer = connection
        PairCarrier(loop, factory(), reader, writer).begin()
    return None
