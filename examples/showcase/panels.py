"""The page's panels: events, hints, a push, an upload, tiles and a WebSocket."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time

from . import picture
from .responses import Receive, Scope, Send, answer, common, connection, early_hints

# Seconds between two events.
PACE = 0.5
# Seconds between the hints and their response.
THINKING = 0.3
# Bytes per second that are read of an upload: slow enough to watch the progress.
READING = 8 << 20

JSON = "application/json"


async def events(scope: Scope, receive: Receive, send: Send) -> None:
    """Send server-sent events until the client disconnects; continue after a reconnection."""
    last = dict(scope["headers"]).get(b"last-event-id", b"")
    number = int(last) if last.isdigit() and len(last) < 10 else 0
    fields = [(b"content-type", b"text/event-stream"), *common(scope)]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    gone = asyncio.ensure_future(until_gone(receive))
    try:
        while not gone.done():
            number += 1
            told = {"http_version": scope["http_version"], "connection": connection(scope)}
            event = f"id: {number}\nretry: 1000\ndata: {json.dumps(told)}\n\n".encode()
            await send({"type": "http.response.body", "body": event, "more_body": True})
            await asyncio.wait([gone], timeout=PACE)
    except OSError:
        pass  # the client has disconnected
    except asyncio.CancelledError:
        # the server shuts down, and its time limit has passed: end the response normally
        await send({"type": "http.response.body"})
    finally:
        gone.cancel()


async def until_gone(receive: Receive) -> None:
    """Return when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def hints(scope: Scope, receive: Receive, send: Send) -> None:
    """Send status 103 at once, and the final response later."""
    sent = await early_hints(scope, send, ["</style.css>; rel=preload; as=style"])
    await asyncio.sleep(THINKING)
    body = json.dumps({"sent": sent, "thinking": THINKING, "http_version": scope["http_version"]})
    await answer(scope, send, body.encode(), JSON)


async def push(scope: Scope, receive: Receive, send: Send) -> None:
    """Push a file if the client accepts it, and answer whether it does."""
    able = "http.response.push" in scope.get("extensions", {})
    if able:
        await send({"type": "http.response.push", "path": "/pushed.txt", "headers": []})
    body = {"pushed": ["/pushed.txt"] if able else [], "http_version": scope["http_version"]}
    await answer(scope, send, json.dumps(body).encode() + b"\n", JSON)


async def pushed(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the pushed file."""
    await answer(scope, send, b"This came without having been asked for.\n")


async def upload(scope: Scope, receive: Receive, send: Send) -> None:
    """Count and hash a body, at most as fast as `READING`: the client must wait."""
    digest, size, begun = hashlib.sha256(), 0, time.monotonic()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
        digest.update(message.get("body", b""))
        size += len(message.get("body", b""))
        await asyncio.sleep(max(0.0, begun + size / READING - time.monotonic()))
    body = {
        "size": size,
        "sha256": digest.hexdigest(),
        "seconds": round(time.monotonic() - begun, 3),
        "http_version": scope["http_version"],
    }
    await answer(scope, send, json.dumps(body).encode() + b"\n", JSON)


async def tile(scope: Scope, send: Send) -> None:
    """Send a part of the picture, ``/tile/17.svg``; the further from the sun, the later."""
    name = scope["path"].removeprefix("/tile/").removesuffix(".svg")
    number = int(name) if name.isdigit() and len(name) < 4 else picture.TILES
    if number >= picture.TILES:
        await answer(scope, send, b"There is no such tile.\n", status=404)
        return
    delay = picture.delay(number)
    await asyncio.sleep(delay)
    await answer(scope, send, picture.tile(number).encode(), "image/svg+xml", waited=delay)


async def chat(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a WebSocket that first sends its HTTP version, and then echoes messages."""
    assert (await receive())["type"] == "websocket.connect"
    if scope["path"] != "/echo":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    told = {"http_version": scope["http_version"], "connection": connection(scope)}
    await send({"type": "websocket.send", "text": json.dumps(told)})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text") or ""})
