"""`Outlet`: the way of a session's output to its peer, as directly as its transport allows.

What a bare socket takes at once goes from the engine to the socket in one system call: no object
for each frame, nothing joined, and as much as the peer reads. Only what the socket does not take
goes to the transport, which waits until it does.
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

    __slots__ = ("_descriptor", "_transport", "_writelines", "error")

    error: OSError | None
    """What has broken the connection, if a write to the socket met it. The transport is aborted."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.error = None
        self._transport = transport
        self._writelines = writelines_of(transport)
        self._descriptor = _descriptor_of(transport)
        if self._descriptor >= 0:
            # Its protocol is paused as long as it has something to write: what is written to the
            # socket meanwhile would overtake that.
            transport.set_write_buffer_limits(0)

    def write_from(self, engine: Output) -> bool:
        """Write the next batch of *engine*; return False if it has nothing to send.

        The transport must not be closing.
        """
        if self._descriptor >= 0 and not self._transport.get_write_buffer_size():
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

    def write(self, chunks: Iterable[bytes | memoryview]) -> None:
        """Write *chunks*, behind what was written before."""
        self._writelines(self._transport, chunks)
