"""The server's handlers on the Core API: listeners of ``stream``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import http2

from .faults import Faults, Planned
from .payload import check, digest, part

__all__ = ["on_stream"]

STEP = 16_384
Query = dict[str, Any]
Handler = Callable[[http2.ServerHttp2Stream, http2.Headers, Query, Faults], Awaitable[None]]


def on_stream(faults: Faults, block: Path) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return the listener; *block* is the file with the block."""

    def listener(
        stream: http2.ServerHttp2Stream, headers: http2.Headers
    ) -> Coroutine[Any, Any, None]:
        path, _, rest = headers[":path"].partition("?")
        query: Query = {
            name: int(value) if value.isdigit() else value for name, value in parse_qsl(rest)
        }
        query["block"] = block
        if path == "/trailers":
            # A coroutine would begin in the next turn, which may be too late for the event.
            got: dict[str, Any] = {}
            query["trailers"] = got
            stream.on("trailers", lambda headers: got.update(headers))
        return serve(ROUTES[path], stream, headers, query)

    async def serve(
        handler: Handler, stream: http2.ServerHttp2Stream, headers: http2.Headers, query: Query
    ) -> None:
        await faults.strike()
        await handler(stream, headers, query, faults)

    return listener


async def _json(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    body = await stream.read()
    stream.respond({"content-type": "application/json"})
    stream.end(json.dumps({"size": len(body), "sha256": digest(body)}))


async def _echo(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    stream.respond({"content-type": "application/octet-stream"})
    async for chunk in stream:
        if not stream.write(chunk):
            await stream.drain()
    stream.end()


async def _echo_events(
    stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults
) -> None:
    stream.respond({"content-type": "application/octet-stream"})

    def take(chunk: bytes) -> None:
        if not stream.write(chunk):
            stream.pause()
            stream.once("drain", stream.resume)

    stream.on("data", take)
    stream.on("end", stream.end)


async def _bytes(
    stream: http2.ServerHttp2Stream, headers: http2.Headers, query: Query, faults: Faults
) -> None:
    body = faults.body(query["at"], query["size"])
    fields: dict[str, Any] = {"content-type": "application/octet-stream"}
    if "length" in query:
        fields["content-length"] = len(body)
    stream.respond(fields, end_stream=headers[":method"] == "HEAD")
    if headers[":method"] == "HEAD":
        return
    for at in range(0, len(body), STEP):
        if not stream.write(body[at : at + STEP]):
            await stream.drain()
    stream.end()


async def _whole(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    stream.respond({"content-type": "application/octet-stream"})
    stream.end(faults.body(query["at"], query["size"]))


async def _file(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    stream.respond_with_file(
        query["block"],
        {"content-type": "application/octet-stream"},
        offset=query["at"],
        length=query["size"],
    )


async def _push(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    stream.respond({"content-type": "text/plain"})
    if stream.push_allowed:
        for token in str(query["tokens"]).split("-"):
            try:
                pushed, _request = await stream.push_stream(
                    {":path": f"/pushed?token={token}&at={query['at']}&size={query['size']}"}
                )
                pushed.respond({"content-type": "application/octet-stream"})
                pushed.end(part(query["at"], query["size"]))
            except http2.Http2Error:
                pass  # refused by the client's settings or reset: the response itself is complete
    stream.end("pushed")


async def _trailers(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    body = await stream.read()
    if query["trailers"].get("x-sha256") != digest(body):
        stream.respond({":status": 400}, end_stream=True)
        return
    stream.respond({"content-type": "application/octet-stream"}, wait_for_trailers=True)
    stream.on("want_trailers", lambda: stream.send_trailers({"x-sha256": digest(body)}))
    stream.end(body)


async def _ticks(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    stream.respond({"content-type": "text/event-stream"})
    for number in range(query["count"]):
        stream.write(f"data: {number}\n\n")
        await stream.drain()
        await asyncio.sleep(0.01)
    stream.end()


async def _fail(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    if "late" in query:
        stream.respond()
        stream.write(part(0, 1000))
        await asyncio.sleep(0)
    raise Planned("as asked for")


async def _slow(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    stream.additional_headers({":status": 103, "link": "</style.css>; rel=preload"})
    await asyncio.sleep(query["ms"] / 1000)
    stream.respond({"content-type": "text/plain"})
    stream.end("at last")


async def _refuse(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    """Answer before the body has arrived, and do not read it."""
    stream.respond({":status": 413})
    stream.end("too large")


async def _upload(stream: http2.ServerHttp2Stream, _: Any, query: Query, faults: Faults) -> None:
    """Read slowly, and check the announced checksum."""
    parts = []
    while chunk := await stream.read(50_000):
        parts.append(chunk)
        await asyncio.sleep(0.001)
    size = check("upload", b"".join(parts), query["at"], query["size"])
    stream.respond({"content-type": "text/plain"})
    stream.end(str(size))


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
