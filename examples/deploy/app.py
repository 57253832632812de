"""The application that the files in this directory deploy; use any ASGI application instead.

pip install 'http2[serve]'
http2 serve --app-dir examples/deploy app:app
curl --http2-prior-knowledge http://127.0.0.1:8000/
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket


async def hello(request: Request) -> Response:
    """Describe the request and its client: behind a proxy, the proxy's client."""
    client = request.client.host if request.client else "a Unix socket"
    version, scheme = request.scope["http_version"], request.scope["scheme"]
    return PlainTextResponse(f"{scheme} over HTTP/{version} from {client}\n")


async def healthy(request: Request) -> Response:
    """Answer whether the application is ready; check here what it cannot work without."""
    return PlainTextResponse("ready\n")


async def alive(request: Request) -> Response:
    """Answer whether the process works; check nothing else, because a failure causes a restart."""
    return PlainTextResponse("alive\n")


async def digest(request: Request) -> Response:
    """Read a body in chunks."""
    found = hashlib.sha256()
    async for chunk in request.stream():
        found.update(chunk)
    return PlainTextResponse(found.hexdigest())


async def download(request: Request) -> Response:
    """Send the requested number of bytes."""
    return Response(bytes(int(request.query_params.get("bytes", 1_000_000))))


async def ticks(request: Request) -> Response:
    """Send server-sent events, one every 0.2 s."""

    async def events() -> AsyncIterator[str]:
        for number in range(int(request.query_params.get("count", 5))):
            yield f"data: tick {number}\n\n"
            await asyncio.sleep(0.2)

    return StreamingResponse(events(), media_type="text/event-stream")


async def chat(websocket: WebSocket) -> None:
    """Answer each message of a WebSocket."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"you said: {text}")


class Echo:
    """A gRPC method that returns its message, with the status in the trailers."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer while the request is received."""
        start = {"type": "http.response.start", "status": 200, "trailers": True}
        await send({**start, "headers": [(b"content-type", b"application/grpc")]})
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            more = message.get("more_body", False)
            body = message.get("body", b"")
            await send({"type": "http.response.body", "body": body, "more_body": more})
        await send({"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]})


app = Starlette(
    routes=[
        Route("/", hello),
        Route("/health", healthy),
        Route("/alive", alive),
        Route("/digest", digest, methods=["POST"]),
        Route("/download", download),
        Route("/ticks", ticks),
        WebSocketRoute("/chat", chat),
        Route("/example.Echo/Say", Echo(), methods=["POST"]),
    ]
)
