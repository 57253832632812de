"""ASGI applications without a framework, each equivalent to the server of its name."""

import json
from typing import Any

TEXT = [(b"content-type", b"text/plain")]
BINARY = [(b"content-type", b"application/octet-stream")]
PIECE = b"x" * 100


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer every request with the same eleven bytes."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": TEXT})
        await send({"type": "http.response.body", "body": b"Hello World"})


async def order(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read the body, parse it, set five fields, answer with JSON."""
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    asked = json.loads(body)
    total = sum(line["price"] * line["quantity"] for line in asked["lines"])
    answer = {"id": asked["id"], "lines": len(asked["lines"]), "total": total}
    body = json.dumps(answer).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-request-id", asked["id"].encode()),
        (b"vary", b"accept-encoding"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def streamed(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with 50 small pieces."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    for _ in range(50):
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    await send({"type": "http.response.body"})


async def upload(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read the body piece by piece, and answer with the number of bytes."""
    if scope["type"] != "http":
        return
    received = 0
    more = True
    while more:
        message = await receive()
        received += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    await send({"type": "http.response.body", "body": str(received).encode()})


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Send the body back while it arrives."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": BINARY})
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        body = message.get("body", b"")
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def websocket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Send every message of a WebSocket back."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send(
            {"type": "websocket.send", "bytes": message.get("bytes"), "text": message.get("text")}
        )


async def file(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with the file at the path of the request, which the server sends by itself."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": BINARY})
    await send({"type": "http.response.pathsend", "path": scope["path"]})
