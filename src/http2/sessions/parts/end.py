"""Define `SessionEnd`: why a session ends, and with which error for each stream and caller."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...errors import ConnectionClosed, new_error
from ...net.lingering_close import LingeringClose

if TYPE_CHECKING:
    from ...streams.interfaces import NumberedStream

__all__ = ["SessionEnd"]


class SessionEnd:
    """What is known about the end of one session, from the first GOAWAY of either side on."""

    __slots__ = (
        "_closing",
        "_deadline",
        "error",
        "error_seen",
        "invalid_frames",
        "last_words",
        "lost",
        "noticed",
        "own_code",
        "received",
    )

    def __init__(self) -> None:
        self.error: BaseException | None = None
        """The error for the event ``error``, until it is emitted."""
        self.error_seen = False
        """Whether it was raised to a caller: then it is not logged."""
        self.lost: ConnectionClosed | None = None
        """The error for all waiting callers, once the connection has ended unexpectedly."""
        self.received: tuple[int, int] | None = None
        """The code and the last stream identifier of the GOAWAY that was received."""
        self.own_code: int | None = None
        """The code of this side's own GOAWAY; nghttp2 sends others by itself."""
        self.noticed = False
        """Whether the first GOAWAY of a shutdown in two steps was sent: it ends nothing yet."""
        self.last_words = b""
        """The debug data of the last GOAWAY."""
        self.invalid_frames = 0
        """How many invalid frames the peer has sent."""
        self._closing: LingeringClose | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def take_error(self) -> BaseException | None:
        """Return the error for the event ``error``, once."""
        error, self.error = self.error, None
        return error

    # --- the errors for streams and callers -----------------------------------------------

    def cancelled(self, code: str) -> BaseException:
        """Return the error with *code* of a caller that waits for the peer's answer."""
        lost = self.lost
        return new_error(code) if lost is None else lost.told(code, retryable=False)

    def of_stream(
        self, stream: NumberedStream, error: BaseException | None
    ) -> BaseException | None:
        """Return the error of *stream* when the session ends with *error*."""
        lost = self.lost
        if lost is None or error is not lost:
            return error
        # listeners get `aborted` and `close` for a FIN, as in Node; waiting callers get the error
        return None if lost.__cause__ is None else self.lost_to(stream)

    def lost_to(self, stream: NumberedStream) -> BaseException | None:
        """Return the connection's error if *stream* is incomplete because of it."""
        lost = self.lost
        if lost is None:
            return None
        return lost.told("ERR_HTTP2_STREAM_CANCEL", stream.id, retryable=False)

    def unprocessed(self, stream: NumberedStream, error: BaseException | None) -> BaseException:
        """Return the error of a request that the server has certainly not processed."""
        lost = self.lost
        if lost is not None:
            return lost.told("ERR_HTTP2_STREAM_CANCEL", stream.id, retryable=True)
        unprocessed = new_error("ERR_HTTP2_STREAM_CANCEL", retryable=True)
        unprocessed.__cause__ = error
        return unprocessed

    def set_deadline(self, timer: asyncio.TimerHandle) -> None:
        """Let *timer* end the session, instead of an earlier one."""
        self.cancel_deadline()
        self._deadline = timer

    def cancel_deadline(self) -> None:
        """Cancel the deadline: the session has ended in time, or gets another one."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # --- the transport --------------------------------------------------------------------

    def leave(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, *, patient: bool
    ) -> None:
        """Begin to close *transport*; see `LingeringClose`."""
        self._closing = LingeringClose(loop, transport, patient=patient)

    def heard(self) -> None:
        """Record received data: the peer still sends, although the session has ended."""
        if self._closing is not None:
            self._closing.heard()

    def left(self) -> None:
        """Handle the closed transport."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
