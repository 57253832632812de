import asyncio
from collections.abc import Iterable

from .interfaces import Output

class Outlet:
    """Writes the output of an engine to a transport."""

    error: OSError | None
    """The error of a write to the socket, after which the transport was aborted; else None."""

    def __init__(self, transport: asyncio.Transport) -> None: ...
    def write_from(self, engine: Output) -> bool:
        """Write the next batch of *engine*; return False if it has nothing to send.

        The transport must not be closing.
        """

    def release(self) -> None:
        """Leave the transport to another writer, with its usual buffer."""

    def write(self, chunks: Iterable[bytes | memoryview]) -> None:
        """Write *chunks* after all earlier data."""
