"""Connect an asyncio transport and a session: bytes in, bytes out, and their end."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from .interfaces import Carried

__all__ = ["SessionProtocol", "read_buffer", "reset", "writelines_of"]

READ_SIZE = 256 * 1024

# All connections of a thread read into this buffer: the engine consumes its contents
# before the next read begins, and an idle connection needs no memory for reading.
_shared = threading.local()


def read_buffer() -> memoryview:
    """Return the buffer into which all connections of this thread read."""
    try:
        buffer: memoryview = _shared.buffer
    except AttributeError:
        buffer = _shared.buffer = memoryview(bytearray(READ_SIZE))
    return buffer


# In CPython 3.12.0 to 3.12.8, 3.13.0 and 3.13.1, asyncio's socket transports never pause their
# protocol because of `writelines` (CVE-2024-12254).
_NEVER_PAUSES = (3, 12) <= sys.version_info < (3, 12, 9) or (3, 13) <= sys.version_info < (3, 13, 2)


def writelines_of(transport: asyncio.Transport) -> Callable[[Any, Iterable[Any]], None]:
    """Return a function of *transport* and several chunks that writes the chunks to it."""
    method = type(transport).writelines
    if _NEVER_PAUSES and getattr(method, "__module__", None) == "asyncio.selector_events":
        # joins them and calls `write`, which pauses; the only way in 3.11
        return asyncio.WriteTransport.writelines
    return method


def reset(transport: asyncio.WriteTransport) -> None:
    """Abort *transport* with a TCP reset, so that its peer knows that data is missing.

    `abort` of asyncio and uvloop sends a FIN, as after the last byte.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6) and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class SessionProtocol(asyncio.BufferedProtocol):
    """Passes the transport's bytes to a session, and reports when it may write and its end."""

    __slots__ = ("_buffer", "_session")

    def __init__(self, session: Carried) -> None:
        self._session = session
        self._buffer = read_buffer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bind the session to *transport*."""
        self._session.connected(cast("asyncio.Transport", transport))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer for the next bytes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Process *nbytes* received bytes."""
        self._session.received(self._buffer[:nbytes])

    def eof_received(self) -> bool:
        """Close: the peer has ended its side, and HTTP/2 has no half-closed connections."""
        return False

    def pause_writing(self) -> None:
        """Pause writing: the transport's buffer is full."""
        self._session.write_paused = True

    def resume_writing(self) -> None:
        """Resume writing: the transport's buffer is short again."""
        self._session.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle a closed transport."""
        self._session.connection_lost(exc)
