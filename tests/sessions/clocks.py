"""Measure deadlines, and run servers that send nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

SECONDS = 0.2


# what a busy machine may add
SLACK = 3.0


class Clock:
    """Check the duration of a block: hardly less than the deadline, which may have begun before."""

    def __enter__(self) -> Clock:
        self.started = time.monotonic()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            assert SECONDS * 0.5 <= time.monotonic() - self.started < SECONDS + SLACK


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A server that only accepts connections; yields its port."""
    writers: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)
