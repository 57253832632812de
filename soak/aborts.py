"""Cancel transfers on this library's client on purpose; the connection must stay usable.

Same form as `soak.scenes`. The requested error is expected; any other is raised.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct

import http2

from .payload import check, part, path_of
from .scenes import Scene
from .targets import Target

__all__ = ["ABORTS", "LIVES"]

CANCEL = http2.constants.NGHTTP2_CANCEL
MIB = 1024 * 1024


async def download_given_up(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Cancel reading in the middle of a body, by a time-out."""
    at = choice.randrange(MIB)
    stream = session.request({":path": path_of("/bytes", at, 2 * MIB)})
    try:
        async with asyncio.timeout(choice.uniform(0.001, 0.02)):
            return check("in time", await stream.read(), at, 2 * MIB)
    except TimeoutError:
        await stream.close(CANCEL)
        return 0


async def download_left(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Close the stream after the first bytes."""
    at = choice.randrange(MIB)
    stream = session.request({":path": path_of("/whole", at, MIB)})
    size = check("begin", await stream.readexactly(5_000), at, 5_000)
    await stream.close(CANCEL)
    return size


async def never_read(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Never read a response."""
    stream = session.request({":path": path_of("/bytes", 0, 200_000)})
    await stream.response()
    await asyncio.sleep(choice.uniform(0, 0.01))
    await stream.close(CANCEL)
    return 0


async def request_taken_back(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Close the stream before the response: at once, or shortly after."""
    stream = session.request({":path": "/slow?ms=100"})
    if choice.random() < 0.7:
        await asyncio.sleep(choice.uniform(0, 0.01))
    await stream.close(CANCEL)
    return 0


async def upload_abandoned(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Cancel writing in the middle of a body, by a time-out."""
    path = choice.choice(("/json", "/echo", path_of("/upload", 0, 3 * MIB)))
    stream = session.request({":method": "POST", ":path": path})
    try:
        async with asyncio.timeout(choice.uniform(0.001, 0.02)):
            while True:
                stream.write(part(0, 50_000))
                await stream.drain()
    except TimeoutError:
        await stream.close(CANCEL)
    return 0


async def signalled(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Abort a request by its signal."""
    signal = asyncio.get_running_loop().create_future()
    stream = session.request({":path": path_of("/bytes", 0, 2 * MIB)}, signal=signal)
    asyncio.get_running_loop().call_later(choice.uniform(0, 0.01), signal.set_result, None)
    try:
        return len(await stream.read())
    except http2.AbortError:
        return 0


async def session_destroyed(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Destroy a session with open streams."""
    async with target.connect() as own:
        streams = [own.request({":path": path_of("/bytes", 0, MIB)}) for _ in range(3)]
        uploading = own.request({":method": "POST", ":path": "/echo"})
        uploading.write(part(0, 100_000))
        await streams[0].readexactly(1000)
        await asyncio.sleep(choice.uniform(0, 0.01))
        own.destroy()
    return 1000


async def connection_reset(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """End a connection with a TCP reset, without GOAWAY."""
    async with target.connect() as own:
        streams = [own.request({":path": path_of("/bytes", 0, MIB)}) for _ in range(3)]
        await streams[0].readexactly(1000)
        await asyncio.sleep(choice.uniform(0, 0.01))
        sock = own.socket.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        own.destroy()
    return 1000


async def connect_given_up(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Cancel `connect` while the connection is being established."""
    try:
        async with asyncio.timeout(choice.uniform(0, 0.004)):
            async with target.connect() as own:
                await own.ping()
    except TimeoutError:
        pass
    return 0


async def short_life(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Make three requests on a new connection, and close it normally."""
    async with target.connect() as own:
        path = {"nghttpd": "/65536"}.get(target.kind, path_of("/whole", 0, 65_536))
        streams = [own.request({":path": path}) for _ in range(3)]
        return sum([check("short life", await stream.read(), 0, 65_536) for stream in streams])


async def left_open(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Close a connection while its only response is still being received."""
    own = target.connect()
    path = {"nghttpd": "/1048576"}.get(target.kind, path_of("/bytes", 0, MIB))
    stream = own.request({":path": path})
    own.once("connect", own.close)
    size = check("left open", await stream.read(), 0, MIB)
    await own.close()
    return size


_OWN: dict[Scene, int] = {
    download_given_up: 4, download_left: 2, never_read: 1, request_taken_back: 1,
    upload_abandoned: 2, signalled: 1,
}  # fmt: skip
_NODE: dict[Scene, int] = {download_given_up: 1, download_left: 1, never_read: 1}

ABORTS: dict[str, dict[Scene, int]] = {"core": _OWN, "compat": _OWN, "node": _NODE, "nghttpd": {}}

_LIVES: dict[Scene, int] = {
    session_destroyed: 1, connection_reset: 1, connect_given_up: 2, short_life: 2, left_open: 1,
}  # fmt: skip

# Scenes that use new connections.
LIVES: dict[str, dict[Scene, int]] = {
    "core": _LIVES, "compat": _LIVES, "node": {short_life: 1, left_open: 1},
    "nghttpd": {short_life: 1, left_open: 1},
}  # fmt: skip
