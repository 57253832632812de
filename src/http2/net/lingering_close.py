"""Close a connection without losing data that was written.

If a socket is closed while its peer still sends, the system answers with a reset, which discards
data that is on its way to the peer: WINDOW_UPDATEs for the last bytes of a response are enough. So
this side is closed first, the peer's bytes are read and dropped, and the socket is closed at the
peer's end, or at a deadline.
"""

from __future__ import annotations

import asyncio

try:
    import fcntl
    import termios
except ImportError:  # not a Unix
    fcntl = None  # type: ignore[assignment]

__all__ = ["LingeringClose", "queued"]

# The polling interval in seconds for connections that are closing.
STEP = 0.1
# Seconds without progress after which the socket is closed although the peer's kernel has not
# acknowledged all data.
STUCK = 5.0
# Seconds that a peer has to end its own side once everything is acknowledged,
QUIET = 2.0
# also if the session was destroyed, or if the transport's TLS cannot end one side alone.
HURRY = 0.5
# The maximum in seconds, however slowly the peer reads; STUCK after a destroy().
MOST = 120.0


def queued(transport: asyncio.WriteTransport) -> int:
    """Return the number of bytes written to *transport* that the peer has not acknowledged.

    If the system does not report it, return the bytes that have not left this process.
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


class LingeringClose:
    """Closes *transport*; its protocol drops received data, and reports it with `heard`.

    Without *patient*, the session was destroyed, and only its last frames matter.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, *, patient: bool
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._quiet = QUIET if patient else HURRY
        # Whether it waits for the peer's end with this side open.
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
                transport.close()  # the peer has already disconnected
        elif patient and transport.get_extra_info("socket") is not None:
            # TLS of asyncio and uvloop: its close() aborts when more data arrives.
            self._holding = True
        else:
            self._quiet = HURRY
            transport.close()

    def heard(self) -> None:
        """Record received data: the peer is alive, and may still be reading."""
        self._progress = self._loop.time()

    def cancel(self) -> None:
        """Stop: the connection has ended."""
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
