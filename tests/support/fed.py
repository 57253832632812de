"""A stream without a connection, to which a test passes data."""

from __future__ import annotations

from http2.streams.duplex import Duplex

__all__ = ["Fed"]


class Fed(Duplex):
    """A Duplex without a session: the test passes data to it, and it notes what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0
        self.reading_ended = 0

    def receive_data(self, data: bytes, end: bool) -> None:
        self._reading().receive(self, data, end)

    def consumed(self, size: int) -> None:
        self.taken += size

    def all_read(self, rest: str) -> None:
        super().all_read(rest)
        self.reading_ended += 1

    def fail(self, error: BaseException) -> None:
        """End early, like a stream that was reset."""
        self.life = self.life.on_broken.on_fail
        self._error = error
        self._fail_waiters()
