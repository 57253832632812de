"""The server's handlers on the Compatibility API, for HTTP/2 and HTTP/1.1 alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import http2

from .faults import Faults, Planned
from .payload import check, digest, part

__all__ = ["on_request"]

STEP = 16_384
Query = dict[str, Any]
# An Http2ServerRequest or Http1IncomingMessage, and the response to it.
Handler = Callable[[Any, Any, Query, Faults], Awaitable[None]]


def on_request(faults: Faults, block: Path) -> Callable[..., Awaitable[None]]:
    """Return the listener; *block* is the file with the block."""

    async def listener(request: Any, response: Any) -> None:
        path, _, rest = request.url.partition("?")
        query: Query = {
            name: int(value) if value.isdigit() else value for name, value in parse_qsl(rest)
        }
        query["block"] = block
        await faults.strike()
        await ROUTES[path](request, response, query, faults)

    return listener


async def _json(request: Any, response: Any, query: Query, faults: Faults) -> None:
    body = await request.read()
    response.write_head(200, {"content-type": "application/json"})
    response.end(json.dumps({"size": len(body), "sha256": digest(body)}))


async def _echo(request: Any, response: Any, query: Query, faults: Faults) -> None:
    response.set_header("content-type", "application/octet-stream")
    async for chunk in request:
        if not response.write(chunk):
            await response.drain()
    await response.end()


async def _echo_events(request: Any, response: Any, query: Query, faults: Faults) -> None:
    response.set_header("content-type", "application/octet-stream")

    def take(chunk: bytes) -> None:
        if not response.write(chunk):
            request.pause()
            response.once("drain", request.resume)

    request.on("data", take)
    request.on("end", response.end)


async def _bytes(request: Any, response: Any, query: Query, faults: Faults) -> None:
    body = faults.body(query["at"], query["size"])
    if "length" in query:
        response.set_header("content-length", len(body))
    for at in range(0, len(body), STEP):
        if not response.write(body[at : at + STEP]):
            await response.drain()
    await response.end()


async def _whole(request: Any, response: Any, query: Query, faults: Faults) -> None:
    response.end(faults.body(query["at"], query["size"]))


async def _file(request: Any, response: Any, query: Query, faults: Faults) -> None:
    if request.http_version == "2.0":
        request.stream.respond_with_file(query["block"], offset=query["at"], length=query["size"])
        return
    with query["block"].open("rb") as file:
        file.seek(query["at"])
        response.end(file.read(query["size"]))


async def _push(request: Any, response: Any, query: Query, faults: Faults) -> None:
    response.write_early_hints({"link": "</style.css>; rel=preload"})
    for token in str(query["tokens"]).split("-"):
        try:
            pushed = await response.create_push_response(
                {":path": f"/pushed?token={token}&at={query['at']}&size={query['size']}"}
            )
            pushed.end(part(query["at"], query["size"]))
        except http2.Http2Error:
            pass  # refused by the client's settings or reset: the response itself is complete
    response.end("pushed")


async def _trailers(request: Any, response: Any, query: Query, faults: Faults) -> None:
    body = await request.read()
    if request.trailers.get("x-sha256") != digest(body):
        response.write_head(400).end()
        return
    response.set_header("trailer", "x-sha256")
    response.set_trailer("x-sha256", digest(body))
    if not response.write(body):
        await response.drain()
    response.end()


async def _ticks(request: Any, response: Any, query: Query, faults: Faults) -> None:
    response.set_header("content-type", "text/event-stream")
    for number in range(query["count"]):
        response.write(f"data: {number}\n\n")
        await response.drain()
        await asyncio.sleep(0.01)
    response.end()


async def _fail(request: Any, response: Any, query: Query, faults: Faults) -> None:
    if "late" in query:
        response.write(part(0, 1000))
        await asyncio.sleep(0)
    raise Planned("as asked for")


async def _slow(request: Any, response: Any, query: Query, faults: Faults) -> None:
    response.write_early_hints({"link": "</style.css>; rel=preload"})
    await asyncio.sleep(query["ms"] / 1000)
    response.end("at last")


async def _refuse(request: Any, response: Any, query: Query, faults: Faults) -> None:
    """Answer before the body has arrived, and do not read it."""
    response.write_head(413).end("too large")


async def _upload(request: Any, response: Any, query: Query, faults: Faults) -> None:
    """Read slowly, and check the announced checksum."""
    parts = []
    while chunk := await request.read(50_000):
        parts.append(chunk)
        await asyncio.sleep(0.001)
    response.end(str(check("upload", b"".join(parts), query["at"], query["size"])))


ROUTES: dict[str, Handler] = {
    "/json": _json,
    "/echo": _echo,
    "/echo-events": _echo_events,
    "/bytes": _bytes,
    "/whole": _whole,
    "/file": _file,
    "/push": _push,
    "/trailers": _trailers,
    "/ticks": _ticks,
    "/fail": _fail,
    "/slow": _slow,
    "/refuse": _refuse,
    "/upload": _upload,
}
