"""Hello World for servers that run applications: one for ASGI, one for RSGI."""

from typing import Any

HEADERS = [(b"content-type", b"text/plain")]


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer every request with the same eleven bytes."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b"Hello World"})


async def rsgi(scope: Any, protocol: Any) -> None:
    """Answer every request with the same eleven bytes."""
    protocol.response_bytes(200, [("content-type", "text/plain")], b"Hello World")
