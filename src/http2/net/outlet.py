"""Define `Outlet`, which writes the output of a connection, of either protocol.

If the transport only passes data on to a socket, the engine writes to the socket itself, in one
system call: that needs no object for each frame, and joins no data. The transport gets only the
data that the socket does not accept, and waits until it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .protocol import writelines_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from .interfaces import Output

__all__ = ["Outlet"]

# The transports that only pass data on to their socket, unchanged.
_BARE = {
    ("asyncio.selector_events", "_SelectorSocketTransport"),
    ("uvloop.loop", "TCPTransport"),
    ("uvloop.loop", "UnixTransport"),
}


def _descriptor_of(transport: asyncio.Transport) -> int:
    """Return the descriptor of *transport*'s socket if it may be written to directly; else -1."""
    kind = type(transport)
    if (kind.__module__, kind.__name__) not in _BARE or transport.is_closing():
        return -1
    sock = transport.get_extra_info("socket")
    return -1 if sock is None else int(sock.fileno())


class Outlet:
    """Writes the output of an engine to *transport*."""

    __slots__ = ("_busy", "_descriptor", "_transport", "_writelines", "error")

    error: OSError | None
    """The error of a write to the socket, after which the transport was aborted; else None."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.error = None
        # The transport may have data to write.
        self._busy = True
        self._transport = transport
        self._writelines = writelines_of(transport)
        self._descriptor = _descriptor_of(transport)
        if self._descriptor >= 0:
            # Pause the protocol while the transport has data to write: data that is written to the
            # socket meanwhile would overtake it.
            transport.set_write_buffer_limits(0)

    def write_from(self, engine: Output) -> bool:
        """Write the next batch of *engine*; return False if it has nothing to send.

        The transport must not be closing.
        """
        if self._busy and not self._transport.get_write_buffer_size():
            self._busy = False
        if self._descriptor >= 0 and not self._busy:
            try:
                chunks = engine.send(self._descriptor)
            except OSError as error:
                self.error = error
                self._transport.abort()
                return False
            if chunks is None:
                return False
        else:
            chunks = engine.data_to_send()
            if not chunks:
                return False
        if chunks:
            self.write(chunks)
        return True

    def release(self) -> None:
        """Leave the transport to another writer, with its usual buffer."""
        if self._descriptor >= 0:
            self._descriptor = -1
            self._transport.set_write_buffer_limits()

    def write(self, chunks: Iterable[bytes | memoryview]) -> None:
        """Write *chunks* after all earlier data."""
        self._writelines(self._transport, chunks)
        self._busy = True
