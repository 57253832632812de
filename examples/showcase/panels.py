"""What the panels of the page ask for: events, hints, a push, an upload, tiles, a WebSocket."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time

from . import picture
from .responses import Receive, Scope, Send, answer, common, connection, early_hints

# Seconds between two events.
PACE = 0.5
# Seconds between the hints and the answer that they are for.
THINKING = 0.3
# Bytes a second that an upload is read with: fast enough, and slow enough to be watched.
READING = 8 << 20

JSON = "application/json"


async def events(scope: Scope, receive: Receive, send: Send) -> None:
    """Server-sent events until the client goes; one that comes back goes on where it was."""
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
        pass  # the client has gone while we sent
    except asyncio.CancelledError:
        # the server ends, and has waited for us as long as it was told to: a proper end
        await send({"type": "http.response.body"})
    finally:
        gone.cancel()


async def until_gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def hints(scope: Scope, receive: Receive, send: Send) -> None:
    """Status 103 at once, and the answer some time later."""
    sent = await early_hints(scope, send, ["</style.css>; rel=preload; as=style"])
    await asyncio.sleep(THINKING)
    body = json.dumps({"sent": sent, "thinking": THINKING, "http_version": scope["http_version"]})
    await answer(scope, send, body.encode(), JSON)


async def push(scope: Scope, receive: Receive, send: Send) -> None:
    """Push a file to a client that takes it, and say whether this one does."""
    able = "http.response.push" in scope.get("extensions", {})
    if able:
        await send({"type": "http.response.push", "path": "/pushed.txt", "headers": []})
    body = {"pushed": ["/pushed.txt"] if able else [], "http_version": scope["http_version"]}
    await answer(scope, send, json.dumps(body).encode() + b"\n", JSON)


async def pushed(scope: Scope, receive: Receive, send: Send) -> None:
    """What is pushed."""
    await answer(scope, send, b"This came without having been asked for.\n")


async def upload(scope: Scope, receive: Receive, send: Send) -> None:
    """Count and hash a body, no faster than `READING`: the client has to wait for us."""
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
    """A part of the picture, ``/tile/17.svg``; the further from the sun, the later."""
    name = scope["path"].removeprefix("/tile/").removesuffix(".svg")
    number = int(name) if name.isdigit() and len(name) < 4 else picture.TILES
    if number >= picture.TILES:
        await answer(scope, send, b"There is no such tile.\n", status=404)
        return
    delay = picture.delay(number)
    await asyncio.sleep(delay)
    await answer(scope, send, picture.tile(number).encode(), "image/svg+xml", waited=delay)


async def chat(scope: Scope, receive: Receive, send: Send) -> None:
    """A WebSocket that first says what carries it, and then repeats what it hears."""
    assert (await receive())["type"] == "websocket.connect"
    if scope["path"] != "/echo":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    told = {"http_version": scope["http_version"], "connection": connection(scope)}
    await send({"type": "websocket.send", "text": json.dumps(told)})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text") or ""})
