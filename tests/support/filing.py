"""Helpers for tests of bodies and files: bytes, whole responses, and open files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import http2

MIB = 2**20

# Node's peer repeats the same bytes, see tests/support/node/server/peer.js.
UNIT = bytes((i * 7 + (i >> 8)) & 255 for i in range(65521))


def pattern(size: int) -> bytes:
    """Return *size* bytes that differ at any two nearby multiples of a power of two."""
    return (UNIT * (size // len(UNIT) + 1))[:size]


def open_files(path: Path) -> int:
    """Return how many descriptors of this process refer to *path*."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}") == str(path)
        except FileNotFoundError:  # that of the listing itself
            continue
    return found


async def get(port: int, path: str = "/", **fields: Any) -> tuple[http2.Headers, bytes]:
    """Return a whole response."""
    async with http2.connect(f"http://127.0.0.1:{port}") as session:
        stream = session.request({":path": path, **fields})
        return await stream.response(), await stream.read()
