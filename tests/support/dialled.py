"""Clients that send given bytes."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from types import TracebackType
from typing import Self

# How long a test waits for data that must arrive: long, for a busy machine.
PATIENCE = 30


class Dialled:
    """A connection to the server under test, closed at the end of its block."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def dial(cls, port: int, context: ssl.SSLContext | None = None) -> Self:
        """Connect to *port* of loopback without sending anything."""
        name = None if context is None else "localhost"
        return cls(
            *await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def finish(self) -> None:
        """End this side of the connection (FIN), and continue to read."""
        self.writer.write_eof()

    async def abort(self) -> None:
        """Disconnect with a TCP reset: data on its way is lost."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        await self.close()

    async def close(self) -> None:
        """Close the socket."""
        self.writer.close()
        try:
            async with asyncio.timeout(PATIENCE):
                await self.writer.wait_closed()
        except (OSError, TimeoutError):
            pass
