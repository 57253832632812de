"""An event loop without sockets and without waiting: its time passes when nothing else is to do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class _Clock:
    """Replaces a loop's selector: instead of waiting, it advances the clock."""

    def __init__(self) -> None:
        self.now = 0.0

    def select(self, timeout: float | None) -> list[Any]:
        assert timeout is not None, "a loop without a timer would wait for ever"
        # do not stop the clock just before a timer
        self.now += timeout + 1e-6 if timeout else 0
        return []

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's own loop over a `_Clock`; a socket that is served on it is a `VirtualTransport`."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self.clock = _Clock()
        self.served: list[VirtualTransport] = []
        self.problems: list[str] = []
        self.set_exception_handler(self._complain)

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.problems.append(f"{context.get('message')}: {context.get('exception')!r}")

    def time(self) -> float:
        """Return the seconds."""
        return self.clock.now

    def _process_events(self, events: Any) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    async def connect_accepted_socket(  # type: ignore[override]
        self, factory: Callable[[], Any], sock: socket.socket, **options: Any
    ) -> tuple[VirtualTransport, Any]:
        """Take the place of *sock*, which is closed."""
        sock.close()
        transport = VirtualTransport(self)
        self.served.append(transport)
        transport.protocol = factory()
        transport.protocol.connection_made(transport)
        return transport, transport.protocol

    def do(self, function: Callable[..., T], *args: Any) -> T:
        """Call *function* like the loop does, and run the loop for a few turns."""

        async def call() -> T:
            result = function(*args)
            for _ in range(3):
                await asyncio.sleep(0)
            return result

        return self.run_until_complete(call())

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.run_until_complete(asyncio.sleep(seconds))


class VirtualTransport(asyncio.Transport):
    """A connection's end in a program: the fuzzer's is the other."""

    # Written bytes that the peer has not read at which the writer must pause.
    HIGH, LOW = 65536, 16384

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop
        self.protocol: Any = None
        # all written bytes, and how many of them the peer has read
        self.written = bytearray()
        self.taken = 0
        self.reading = True
        # the peer takes all that is written, at once
        self.greedy = False
        self.ended = False
        self.closing = False
        self.lost = False
        self._paused = False

    # --- the program's side ---------------------------------------------------------------

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return *default*: there is no socket and no TLS."""
        return default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the protocol."""
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return cast("asyncio.BaseProtocol", self.protocol)

    def is_closing(self) -> bool:
        """Return whether it was closed."""
        return self.closing

    def is_reading(self) -> bool:
        """Return whether it passes received bytes on."""
        return self.reading and not self.closing

    def pause_reading(self) -> None:
        """Pass on no more bytes."""
        self.reading = False

    def resume_reading(self) -> None:
        """Pass bytes on again."""
        self.reading = True

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the peer has not read."""
        return len(self.written) - self.taken

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the limits."""
        return self.LOW, self.HIGH

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Ignore the limits, which are fixed."""

    def write(self, data: Any) -> None:
        """Queue *data* for the peer."""
        assert not self.ended, "a write after the end"
        if self.closing:
            return
        self.written += data
        if self.greedy:
            self.taken = len(self.written)
        if not self._paused and self.get_write_buffer_size() > self.HIGH:
            self._paused = True
            self.protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        """Queue all of them."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Return True."""
        return True

    def write_eof(self) -> None:
        """Record that nothing more is written."""
        self.ended = True

    def close(self) -> None:
        """Close after the peer has read all written bytes."""
        if not self.closing:
            self.closing = True
            if not self.get_write_buffer_size():
                self._loop.call_soon(self._lose)

    def abort(self) -> None:
        """Close at once."""
        self.closing = True
        self._loop.call_soon(self._lose)

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            self.protocol.connection_lost(None)

    # --- the fuzzer's side ----------------------------------------------------------------

    def feed(self, data: bytes) -> int:
        """Pass on as much of *data* as fits into one read; return how much that was."""
        if not data or not self.is_reading():
            return 0
        protocol = self.protocol
        buffer = protocol.get_buffer(-1)
        size = min(len(buffer), len(data))
        assert size, "no room to read into"
        buffer[:size] = data[:size]
        protocol.buffer_updated(size)
        return size

    def feed_eof(self) -> None:
        """End the peer's side."""
        if self.is_reading() and not self.protocol.eof_received():
            self.close()

    def drain(self, size: int) -> None:
        """Let the peer read *size* bytes."""
        self.taken = min(len(self.written), self.taken + size)
        left = self.get_write_buffer_size()
        if self._paused and left <= self.LOW:
            self._paused = False
            self.protocol.resume_writing()
        if self.closing and not left:
            self._loop.call_soon(self._lose)

    def lose(self) -> None:
        """Break the connection."""
        self.closing = True
        self._lose()
