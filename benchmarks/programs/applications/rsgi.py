"""Hello World for RSGI, Granian's own interface."""

from typing import Any


async def hello(scope: Any, protocol: Any) -> None:
    """Answer every request with the same eleven bytes."""
    protocol.response_bytes(200, [("content-type", "text/plain")], b"Hello World")
