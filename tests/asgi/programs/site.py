"""FastAPI and Starlette applications with the usual kinds of handlers."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar

from fastapi import (
    BackgroundTasks,
    Depends,
    FastAPI,
    File,
    Form,
    HTTPException,
    UploadFile,
    WebSocket,
    WebSocketDisconnect,
)
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

log: list[str] = []


class Item(BaseModel):
    """The posted data."""

    name: str
    price: float


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Provide state for the requests."""
    yield {"db": "open"}


async def database(request: Request) -> AsyncIterator[str]:
    """A dependency that is closed after the response."""
    yield request.state.db
    log.append("closed")


async def websocket_database(ws: WebSocket) -> str:
    """A dependency of a WebSocket."""
    found: str = ws.state.db
    return found


Database = Annotated[str, Depends(database)]

app = FastAPI(lifespan=lifespan)
app.add_middleware(GZipMiddleware, minimum_size=2000)


@app.middleware("http")
async def timed(request: Request, call_next: Any) -> Response:
    """A middleware function."""
    response: Response = await call_next(request)
    response.headers["x-path"] = request.url.path
    return response


@app.get("/items/{number}")
async def item(number: int, db: Database, q: str = "") -> dict[str, Any]:
    """Parameters of the path and the query."""
    if number == 404:
        raise HTTPException(404, "no such item")
    return {"number": number, "q": q, "db": db}


@app.post("/items", status_code=201)
async def create(item: Item) -> Item:
    """JSON in and out."""
    return item


@app.post("/upload")
async def upload(
    file: Annotated[UploadFile, File()], title: Annotated[str, Form()]
) -> dict[str, Any]:
    """A form with a file."""
    content = await file.read()
    return {
        "title": title,
        "name": file.filename,
        "size": len(content),
        "sha": hashlib.sha256(content).hexdigest(),
    }


@app.put("/stream")
async def consume(request: Request) -> dict[str, int]:
    """Read a body piece by piece."""
    size = pieces = 0
    async for piece in request.stream():
        size += len(piece)
        pieces += 1
    return {"size": size, "pieces": pieces}


@app.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    """Do work after the response."""
    tasks.add_task(log.append, "background")
    return "later"


@app.get("/log")
async def what_was_done() -> list[str]:
    """Return what the other handlers have recorded."""
    return log


@app.get("/blocking")
def blocking() -> str:
    """A plain function, which runs in a thread."""
    return "from a thread"


@app.get("/empty", status_code=204)
async def empty() -> None:
    """No content."""


@app.get("/broken")
async def broken() -> None:
    """Raise an exception."""
    raise KeyError("of mine")


members: set[WebSocket] = set()


async def tell_all(text: str) -> None:
    """Send *text* to all members of the room."""
    for member in list(members):
        await member.send_text(text)


@app.websocket("/chat")
async def chat(ws: WebSocket, db: Annotated[str, Depends(websocket_database)]) -> None:
    """A chat room: every member gets every message."""
    await ws.accept()
    members.add(ws)
    try:
        while True:
            await tell_all(await ws.receive_text())
    except WebSocketDisconnect:
        members.discard(ws)
        await tell_all("a visitor left")


# --- Starlette --------------------------------------------------------------------------------


class Tag(BaseHTTPMiddleware):
    """A middleware class."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        """Add a header to the response."""
        response: Response = await call_next(request)
        response.headers["x-tag"] = "starlette"
        return response


async def hello(request: Request) -> Response:
    """Return where it is mounted, and the requested path."""
    return PlainTextResponse(f"{request.url} {request.scope['root_path']} {request.cookies}")


async def stream(request: Request) -> Response:
    """Return a response of unknown length."""

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%03d," % number

    return StreamingResponse(pieces(), media_type="text/plain")


async def events(request: Request) -> Response:
    """Send server-sent events without an end."""

    async def pieces() -> AsyncIterator[str]:
        try:
            number = 0
            while True:
                yield f"data: {number}\n\n"
                number += 1
                await asyncio.sleep(0.01)
        finally:
            log.append("events ended")

    headers = {"cache-control": "no-store", "connection": "keep-alive"}
    return StreamingResponse(pieces(), media_type="text/event-stream", headers=headers)


async def cookies(request: Request) -> Response:
    """Set two cookies, and redirect."""
    response = RedirectResponse("/s/hello", 303)
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


async def early(request: Request) -> Response:
    """Send early hints, if the server supports them."""
    await request.send_push_promise("/s/style.css")
    return PlainTextResponse("page")


class Chat(WebSocketEndpoint):
    """The same chat room, as a class."""

    encoding = "text"
    room: ClassVar[set[WebSocket]] = set()

    async def on_connect(self, websocket: WebSocket) -> None:
        """Add a member."""
        await websocket.accept()
        self.room.add(websocket)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        """Pass a message on."""
        for member in list(self.room):
            await member.send_text(data)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        """Remove a member."""
        self.room.discard(websocket)
        for member in list(self.room):
            await member.send_text("a visitor left")


folder = Path(tempfile.mkdtemp())
(folder / "file.txt").write_bytes(bytes(range(256)) * 1000)

starlette = Starlette(
    routes=[
        Route("/hello", hello),
        Route("/stream", stream),
        Route("/events", events),
        Route("/cookies", cookies),
        Route("/early", early),
        WebSocketRoute("/chat", Chat),
        Mount("/inner", Starlette(routes=[Route("/hello", hello)])),
    ],
    middleware=[Middleware(Tag)],
)
app.mount("/s", starlette)
app.mount("/files", StaticFiles(directory=folder))
