"""Successful transfers of this library's client; each checks its result to the last byte.

A scene takes a target, a session with it and a random generator. It returns the number of bytes of
bodies in both directions.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

import http2

from .payload import Wrong, check, digest, part, path_of, pick
from .targets import Target

__all__ = ["SCENES", "Scene"]

Scene = Callable[[Target, http2.ClientHttp2Session, random.Random], Awaitable[int]]

_tokens = itertools.count()


def expect_status(headers: http2.Headers, status: int = 200) -> None:
    """Raise `Wrong` unless the response has *status*."""
    if headers[":status"] != status:
        raise Wrong(f"status {headers[':status']} instead of {status}")


async def write_slowly(stream: http2.ClientHttp2Stream, body: memoryview) -> None:
    """Write *body* in pieces, as fast as the peer reads them."""
    for begin in range(0, len(body), 16_384):
        if not stream.write(body[begin : begin + 16_384]):
            await stream.drain()
    stream.end()


async def form(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Upload a body; the response is JSON about it."""
    at, size = pick(choice)
    stream = session.request({":method": "POST", ":path": "/json"})
    stream.end(part(at, size))
    expect_status(await stream.response())
    answer = json.loads(await stream.read())
    if answer != {"size": size, "sha256": digest(part(at, size))}:
        raise Wrong(f"{answer} for {size} bytes from {at}")
    return size


async def echo(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Upload a body and receive its echo at the same time."""
    at, size = pick(choice)
    path = (
        "/echo" if target.kind in ("node", "nghttpd") else choice.choice(("/echo", "/echo-events"))
    )
    stream = session.request({":method": "POST", ":path": path})
    writing = asyncio.ensure_future(write_slowly(stream, part(at, size)))
    try:
        body = await stream.read()
        await writing
    finally:
        writing.cancel()
    return size + check(path, body, at, size)


async def download(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Download a body, and read it at once."""
    at, size = pick(choice)
    path = choice.choice(("/bytes", "/whole"))
    more = {"length": 1} if choice.random() < 0.5 else {}
    stream = session.request({":path": path_of(path, at, size, **more)})
    expect_status(await stream.response())
    return check(path, await stream.read(), at, size)


async def chunks(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Download a body chunk by chunk."""
    at, size = pick(choice)
    stream = session.request({":path": path_of("/bytes", at, size)})
    body = b"".join([chunk async for chunk in stream])
    return check("chunks", body, at, size)


async def listener(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Download a body by events, with pauses."""
    at, size = pick(choice)
    stream = session.request({":path": path_of("/bytes", at, size)})
    parts: list[bytes] = []
    ended = asyncio.get_running_loop().create_future()

    def take(chunk: bytes) -> None:
        parts.append(chunk)
        if choice.random() < 0.05:
            stream.pause()
            asyncio.get_running_loop().call_later(0.002, stream.resume)

    def close() -> None:
        if not ended.done():
            ended.set_result(None)

    stream.on("data", take)
    stream.on("close", close)
    await ended
    return check("listener", b"".join(parts), at, size)


async def slow_reader(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Download a body, and read it slowly."""
    at, size = pick(choice)
    stream = session.request({":path": path_of("/bytes", at, size)})
    await stream.response()
    await asyncio.sleep(0.05)
    parts = []
    while chunk := await stream.read(max(size // 20, 1)):
        parts.append(chunk)
        await asyncio.sleep(0.005)
    return check("slow reader", b"".join(parts), at, size)


async def file(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Download a part of a file."""
    at, size = pick(choice)
    stream = session.request({":path": path_of("/file", at, size)})
    expect_status(await stream.response())
    return check("file", await stream.read(), at, size)


async def static(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Download a whole file from nghttpd."""
    size = choice.choice((100, 65_536, 1_048_576))
    stream = session.request({":path": f"/{size}"})
    expect_status(await stream.response())
    return check("static", await stream.read(), 0, size)


async def head(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Request a response without a body."""
    at, size = pick(choice)
    stream = session.request({":method": "HEAD", ":path": path_of("/bytes", at, size)})
    expect_status(await stream.response())
    return check("head", await stream.read(), 0, 0)


async def push(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Receive two pushed responses, and sometimes refuse one."""
    at, size = choice.randrange(1_000_000), choice.randrange(100_000)
    names = [f"{next(_tokens)}" for _ in range(2)]
    wanted = names if choice.random() < 0.7 else names[:1]
    loop = asyncio.get_running_loop()
    target.promises |= {name: loop.create_future() for name in wanted}
    try:
        path = path_of("/push", at, size, tokens="-".join(names))
        stream = session.request({":path": path})
        body = await stream.read()
        if body != b"pushed":
            raise Wrong(f"push: {body[:100]!r}")
        got = [await target.promises[name] for name in wanted]
    finally:
        for name in wanted:
            target.promises.pop(name).cancel()
    return sum(got)


async def trailers(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Send and receive trailers with a checksum of the body."""
    at, size = pick(choice)
    body = part(at, size)
    stream = session.request({":method": "POST", ":path": "/trailers"}, wait_for_trailers=True)
    stream.on("want_trailers", lambda: stream.send_trailers({"x-sha256": digest(body)}))
    got: dict[str, Any] = {}
    stream.on("trailers", lambda headers: got.update(headers))
    stream.end(body)
    expect_status(await stream.response())
    check("trailers", await stream.read(), at, size)
    if got.get("x-sha256") != digest(body):
        raise Wrong(f"trailers: {got}")
    return 2 * size


async def ticks(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Receive events one after the other."""
    count = choice.randrange(1, 20)
    stream = session.request({":path": f"/ticks?count={count}"})
    body = await stream.read()
    if body != b"".join(b"data: %d\n\n" % number for number in range(count)):
        raise Wrong(f"ticks: {body!r}")
    return len(body)


async def slow(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Request a late response, with early hints before it."""
    stream = session.request({":path": f"/slow?ms={choice.randrange(200)}"})
    hints: list[Any] = []
    stream.on("headers", hints.append)
    expect_status(await stream.response())
    body = await stream.read()
    if body != b"at last" or len(hints) != 1:
        raise Wrong(f"slow: {body!r} after {hints}")
    return len(body)


async def fail(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Let a handler fail before the response: status 500."""
    stream = session.request({":path": "/fail"})
    expect_status(await stream.response(), 500)
    return len(await stream.read())


async def fail_late(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Let a handler fail after the response has begun: a reset, not a shorter body."""
    stream = session.request({":path": "/fail?late=1"})
    try:
        body = await stream.read()
    except http2.StreamError as error:
        if error.error_code == http2.constants.NGHTTP2_INTERNAL_ERROR:
            return 0
        raise
    raise Wrong(f"fail late: {len(body)} bytes that look like a whole body")


async def refused(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Make an upload that is answered before it has arrived."""
    stream = session.request({":method": "POST", ":path": "/refuse"})
    try:
        await write_slowly(stream, part(0, 1_000_000))
    except http2.Http2Error as error:
        # the server stopped the upload, while it waited or before the next write
        if error.code not in ("ERR_HTTP2_STREAM_ERROR", "ERR_HTTP2_INVALID_STREAM"):
            raise
    expect_status(await stream.response(), 413)
    body = await stream.read()
    if body != b"too large":
        raise Wrong(f"refused: {body!r}")
    return len(body)


async def upload(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Upload a large body that the server reads slowly."""
    at, size = pick(choice)
    stream = session.request({":method": "POST", ":path": path_of("/upload", at, size)})
    await write_slowly(stream, part(at, size))
    body = await stream.read()
    if body != str(size).encode():
        raise Wrong(f"upload: {body[:100]!r} for {size}")
    return size


async def many(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Make twenty small requests at once."""

    async def one(at: int) -> int:
        stream = session.request({":path": path_of("/whole", at, 500)})
        return check("many", await stream.read(), at, 500)

    return sum(await asyncio.gather(*(one(at) for at in range(20))))


async def ping(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Send a PING, and settings that are acknowledged."""
    payload = choice.randbytes(8)
    _, answer = await session.ping(payload)
    if answer != payload:
        raise Wrong(f"ping: {answer!r}")
    await session.settings({"max_header_list_size": 60_000 + choice.randrange(5_000)})
    return 0


# Which scenes a server of each kind can play, and how often.
_OWN: dict[Scene, int] = {
    form: 4, echo: 4, download: 6, chunks: 3, listener: 2, slow_reader: 1, file: 3, head: 2,
    push: 2, trailers: 3, ticks: 1, slow: 1, fail: 1, fail_late: 1, refused: 1, upload: 1,
    many: 1, ping: 1,
}  # fmt: skip
_NODE: dict[Scene, int] = {
    form: 2, echo: 2, download: 2, chunks: 1, slow_reader: 1, push: 1, trailers: 1, ping: 1,
}  # fmt: skip
_NGHTTPD: dict[Scene, int] = {static: 2, ping: 1}

SCENES: dict[str, dict[Scene, int]] = {
    "core": _OWN, "compat": _OWN, "node": _NODE, "nghttpd": _NGHTTPD,
}  # fmt: skip
