"""An application without a framework; each path is a separate case."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

running = 0


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve *scope*."""
    global running
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
        return
    if scope["type"] == "websocket":
        await chat(receive, send)
        return
    path = scope["path"].removeprefix(scope["root_path"])
    running += 1
    try:
        if path == "/scope":
            await respond(send, json.dumps(scope, default=repr).encode())
        elif path == "/running":
            await respond(send, b"%d" % (running - 1))
        elif path == "/process":
            await respond(send, b"%d" % os.getpid())
        elif path == "/slow":
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            await asyncio.sleep(float(scope["query_string"]))
            await send({"type": "http.response.body", "body": b" and ended"})
        elif path == "/until_gone":
            while (await receive())["type"] != "http.disconnect":
                pass
        elif path == "/own":
            headers = [(b"date", b"mine"), (b"server", b"mine"), (b"connection", b"close")]
            await respond(send, b"", *headers)
        elif path == "/error":
            raise ValueError("of mine")
        elif path == "/trailers":
            await send({"type": "http.response.start", "status": 200, "trailers": True})
            await send({"type": "http.response.body", "body": b"x"})
            await send({"type": "http.response.trailers", "headers": [(b"x-end", b"1")]})
        else:
            await respond(send, b"hello")
    finally:
        running -= 1


async def respond(send: Any, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """Respond with *body*."""
    fields = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def chat(receive: Any, send: Any) -> None:
    """A WebSocket that echoes."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": f"you said: {message['text']}"})


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Handle the lifespan."""
    scope["state"]["started"] = True
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print("the application shuts down", flush=True)
    await send({"type": "lifespan.shutdown.complete"})
