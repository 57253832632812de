"""A FastAPI application over HTTP/2 and HTTP/1.1: JSON, an upload with progress, events, trailers.

In a checkout with `pip install '.[serve]' fastapi python-multipart`:

    python examples/certificate.py .
    uvicorn examples.fastapi_app:app --http http2.uvicorn:Http2Protocol \
        --ssl-certfile cert.pem --ssl-keyfile key.pem

    curl -k https://localhost:8000/hello/world
    curl -kN https://localhost:8000/ticks?count=3
    curl -k -T pyproject.toml https://localhost:8000/sum
    curl -k -F file=@pyproject.toml -F title=mine https://localhost:8000/upload
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import FastAPI, File, Form, Request, UploadFile
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

app = FastAPI(title="HTTP/2")


class Greeting(BaseModel):
    """The answer of `/hello`."""

    text: str
    http_version: str


@app.get("/hello/{name}")
async def hello(name: str, request: Request) -> Greeting:
    """Return the version of HTTP in use."""
    return Greeting(text=f"Hello, {name}!", http_version=request.scope["http_version"])


@app.get("/ticks")
async def ticks(count: int = 10, seconds: float = 0.1) -> StreamingResponse:
    """Send server-sent events: over HTTP/2, they share the connection with other requests."""

    async def events() -> AsyncIterator[str]:
        for number in range(count):
            yield f"data: tick {number}\n\n"
            await asyncio.sleep(seconds)

    return StreamingResponse(events(), media_type="text/event-stream")


@app.put("/sum")
async def checksum(request: Request) -> dict[str, Any]:
    """Read a body of any length, as fast as it is hashed."""
    digest = hashlib.sha256()
    size = 0
    async for chunk in request.stream():
        digest.update(chunk)
        size += len(chunk)
    return {"bytes": size, "sha256": digest.hexdigest()}


@app.post("/upload")
async def upload(
    file: Annotated[UploadFile, File()], title: Annotated[str, Form()] = ""
) -> dict[str, Any]:
    """Accept a form, as browsers send it."""
    return {"title": title, "name": file.filename, "bytes": len(await file.read())}


class Checked(Response):
    """A response with a checksum of its body in its trailers, for clients that accept trailers."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        able = "http.response.trailers" in scope.get("extensions", {})
        await send({**start, "trailers": able})
        await send({"type": "http.response.body", "body": self.body})
        if able:
            digest = hashlib.sha256(self.body).hexdigest().encode()
            await send({"type": "http.response.trailers", "headers": [(b"x-sha256", digest)]})


@app.get("/checked")
async def checked() -> Checked:
    """Send trailers to clients that accept them (`-H 'te: trailers'`)."""
    return Checked(b"something to be sure of\n", media_type="text/plain")
