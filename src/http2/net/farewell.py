"""The end of a connection: what was written arrives, and then the socket is closed.

A socket that is closed while its peer still sends answers with a reset, and a reset drops what is
on its way to the peer: WINDOW_UPDATEs for the last bytes of a response are enough. So this side is
ended first, the peer's bytes are read and dropped, and the peer's end closes the socket. A
peer that does not end has a deadline.
"""

from __future__ import annotations

import asyncio

try:
    import fcntl
    import termios
except ImportError:  # not a Unix
    fcntl = None  # type: ignore[assignment]

__all__ = ["Farewell", "queued"]

# Seconds between two looks at a connection that ends.
STEP = 0.1
# Seconds without any progress that a peer has while something is not acknowledged by its kernel,
STUCK = 5.0
# that it has to end its own side when it has everything,
QUIET = 2.0
# and the same when the session was destroyed, or the transport's TLS can't end one side alone.
HURRY = 0.5
# Seconds that all of it takes at most, however slowly the peer reads; STUCK after a destroy().
MOST = 120.0


def queued(transport: asyncio.WriteTransport) -> int:
    """Bytes that were written to *transport* and that the peer's kernel has not acknowledged.

    Where the system does not tell, those that have not left this process.
    """
    size = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    if sock is None or fcntl is None:
        return size
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):  # another system, or a socket that is closed
        return size
    return size + int.from_bytes(answer, "little")


class Farewell:
    """Ends *transport*; its protocol drops what still comes, and tells it of that by `heard`.

    Not *patient*: the session was destroyed, and nobody waits for more than its last frames.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, *, patient: bool
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._quiet = QUIET if patient else HURRY
        # Whether the peer's end is awaited with our own side open.
        self._holding = False
        self._unsent = queued(transport)
        self._progress = loop.time()
        self._end = self._progress + (MOST if patient else STUCK)
        self._begin(patient)
        self._timer = loop.call_later(STEP, self._look)

    def _begin(self, patient: bool) -> None:
        transport = self._transport
        if transport.is_closing():
            return
        if transport.can_write_eof():
            try:
                transport.write_eof()
            except OSError:
                transport.close()  # the peer has gone already
        elif patient and transport.get_extra_info("socket") is not None:
            # The loops' own TLS: its close() gives up at the first bytes that still come.
            self._holding = True
        else:
            self._quiet = HURRY
            transport.close()

    def heard(self) -> None:
        """The peer has sent something: it is there, and may still be reading."""
        self._progress = self._loop.time()

    def cancel(self) -> None:
        """The connection is over."""
        self._timer.cancel()

    def _look(self) -> None:
        transport = self._transport
        now = self._loop.time()
        unsent = queued(transport)
        if unsent != self._unsent:
            self._unsent = unsent
            self._progress = now
        limit = STUCK if unsent else HURRY if self._holding else self._quiet
        if now - self._progress >= limit or now >= self._end:
            if not self._holding or unsent:
                transport.abort()
                return
            self._holding = False
            self._quiet = HURRY
            self._progress = now
            transport.close()
        self._timer = self._loop.call_later(STEP, self._look)
