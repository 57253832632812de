"""Implement ``pathsend`` and ``zerocopysend``: files as responses of an ASGI application.

One chunk is read at a time, and the next one when the client has read the last. What is in the
system's cache is read at once; threads of the loop's default executor read the rest: no call blocks
the event loop for a disk.
"""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING, Any

from ..streams.files import NO_WAIT, read_cached
from .types import Message

if TYPE_CHECKING:
    from .exchange import Exchange

__all__ = ["send_file", "send_part"]

CHUNK = 256 * 1024
# Bytes that are read without a thread before other tasks may run.
MOST_AT_ONCE = 1024 * 1024
OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def _open(path: Any) -> int:
    fd = os.open(path, OPEN_FLAGS)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{os.fsdecode(path)!r} is not a regular file")
    return fd


async def send_file(exchange: Exchange, path: object) -> None:
    """Send the file at *path* as the whole body. Raises `OSError` before anything is sent."""
    loop = asyncio.get_running_loop()
    fd = await loop.run_in_executor(None, _open, path)
    try:
        await _copy(exchange, fd, 0, None)
    finally:
        os.close(fd)
    await exchange.send({"type": "http.response.body", "body": b"", "more_body": False})


async def send_part(exchange: Exchange, message: Message) -> None:
    """Send ``count`` bytes of the open ``file`` of *message*, from ``offset`` on."""
    file = message["file"]
    fd = file if isinstance(file, int) else file.fileno()
    offset = message.get("offset")
    count = message.get("count")
    begin = os.lseek(fd, 0, os.SEEK_CUR) if offset is None else offset
    end = await _copy(exchange, fd, begin, count)
    if offset is None:
        # as sendfile() does without an offset
        os.lseek(fd, end, os.SEEK_SET)
    more = message.get("more_body", False)
    await exchange.send({"type": "http.response.body", "body": b"", "more_body": more})


async def _copy(exchange: Exchange, fd: int, begin: int, count: int | None) -> int:
    """Send at most *count* bytes of *fd* from *begin* on; return the end position."""
    loop = asyncio.get_running_loop()
    head = exchange.scope["method"] == "HEAD"
    # whether the system can tell what is in its cache
    cached = bool(NO_WAIT)
    at = begin
    at_once = 0
    while not head and (count is None or at - begin < count):
        size = CHUNK if count is None else min(CHUNK, count - (at - begin))
        data: bytes | None = None
        if cached:
            try:
                data = read_cached(fd, size, at)
            except BlockingIOError:
                pass  # not in the cache; the next chunk may be, because the system reads ahead
            except OSError:
                cached = False
        if data is None:
            data = await loop.run_in_executor(None, os.pread, fd, size, at)
            at_once = 0
        if not data:
            break
        at += len(data)
        at_once += len(data)
        if at_once > MOST_AT_ONCE:
            # sending to a fast client need not wait either: let other tasks run
            at_once = 0
            await asyncio.sleep(0)
        await exchange.send({"type": "http.response.body", "body": data, "more_body": True})
    return at
