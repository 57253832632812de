"""`EarlyRequest`: a client's request that waits for the connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ...engine.connection import Connection as Engine

__all__ = ["EarlyRequest"]


class EarlyRequest:
    """The function that submits the request, and the body that was written until then."""

    __slots__ = ("_chunks", "size", "submit")

    def __init__(self, submit: Callable[[], None]) -> None:
        self.submit = submit
        self.size = 0
        """Bytes of the body."""
        self._chunks: list[bytes] | None = None

    def write(self, data: Buffer | None) -> None:
        """Store *data* of the body; None: only its end follows."""
        if self._chunks is None:
            self._chunks = []
        if data is not None:
            # a writer may reuse its buffer
            self._chunks.append(data if isinstance(data, bytes) else bytes(data))
            self.size += len(self._chunks[-1])

    def send(self, engine: Engine, stream_id: int, *, ended: bool) -> bool:
        """Send what was written, and the end of the body if *ended*; False if there is nothing."""
        if self._chunks is None:
            return False
        for data in self._chunks:
            engine.write(stream_id, data)
        if ended:
            engine.write(stream_id, None, True)
        return True
