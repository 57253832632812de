"""An application that takes the number of seconds in the query."""

from __future__ import annotations

import asyncio
from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Begin the response at once, and end it later."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["query_string"]:
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await asyncio.sleep(float(scope["query_string"]))
    await send({"type": "http.response.body", "body": b"ended"})
