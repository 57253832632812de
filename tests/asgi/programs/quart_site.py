"""A Quart application with the usual kinds of handlers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

from quart import Blueprint, Quart, Response, jsonify, make_response, request, websocket

app = Quart(__name__)
app.config["MAX_CONTENT_LENGTH"] = 10_000_000
inner = Blueprint("inner", __name__, url_prefix="/mounted")
log: list[str] = []
rooms: set[asyncio.Queue[str]] = set()


@app.before_serving
async def begin() -> None:
    """Quart's own lifespan functions."""
    log.append("begun")


@app.after_request
async def tag(response: Any) -> Any:
    """Quart's middleware."""
    response.headers["x-tag"] = request.path
    return response


class Raw:
    """An ASGI middleware around the application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Add a header to every response."""

        async def tagging(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"x-raw", scope["type"].encode())]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, tagging)


app.asgi_app = Raw(app.asgi_app)  # type: ignore[method-assign]


@app.get("/hello")
async def hello() -> Response:
    """Read the query and a cookie, set two cookies."""
    told = {
        "name": request.args.get("name", ""),
        "cookie": request.cookies.get("a"),
        "secure": request.is_secure,
    }
    response = jsonify(told)
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


@app.get("/blocking")
def blocking() -> str:
    """A plain function, which runs in a thread."""
    return "from a thread"


@app.post("/upload")
async def upload() -> dict[str, Any]:
    """A form with a file."""
    file = (await request.files)["file"]
    content = file.read()
    sha = hashlib.sha256(content).hexdigest()
    title = (await request.form)["title"]
    return {"title": title, "name": file.filename, "size": len(content), "sha": sha}


@app.put("/consume")
async def consume() -> dict[str, int]:
    """Read a body piece by piece."""
    size = 0
    async for piece in request.body:
        size += len(piece)
    return {"size": size}


@app.get("/stream")
async def stream() -> tuple[AsyncIterator[bytes], dict[str, str]]:
    """Return a response of unknown length."""

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%03d," % number

    return pieces(), {"content-type": "text/plain"}


@app.get("/events")
async def events() -> Any:
    """Send server-sent events without an end."""

    async def pieces() -> AsyncIterator[bytes]:
        try:
            number = 0
            while True:
                yield b"data: %d\n\n" % number
                number += 1
                await asyncio.sleep(0.01)
        finally:
            log.append("events ended")

    response: Any = await make_response(pieces(), {"content-type": "text/event-stream"})
    response.timeout = None
    return response


@app.get("/background")
async def background() -> str:
    """Do work after the response."""

    async def work() -> None:
        log.append("background")

    app.add_background_task(work)
    return "later"


@app.get("/log")
async def what_was_done() -> Response:
    """Return what the other handlers have recorded."""
    return jsonify(log)


@app.get("/broken")
async def broken() -> str:
    """Raise an exception."""
    raise KeyError("of mine")


@inner.get("/inner")
async def where() -> str:
    """A view in a blueprint."""
    return f"{request.path} {request.url}"


@app.websocket("/chat")
async def chat() -> None:
    """A chat room: every member gets every message."""
    mine: asyncio.Queue[str] = asyncio.Queue()

    async def tell() -> None:
        while True:
            await websocket.send(await mine.get())

    rooms.add(mine)
    telling = asyncio.ensure_future(tell())
    try:
        while True:
            said = await websocket.receive()
            for room in rooms:
                room.put_nowait(said)
    finally:
        telling.cancel()
        rooms.discard(mine)
        for room in rooms:
            room.put_nowait("a visitor left")


app.register_blueprint(inner)
