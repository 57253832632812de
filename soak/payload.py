"""Bodies: pieces of one block of random bytes, so that each side knows what the other must send."""

from __future__ import annotations

import hashlib
import random
from urllib.parse import urlencode

__all__ = ["BLOCK", "Wrong", "check", "digest", "part", "path_of", "pick"]

# The same in every process. Not periodic, so that a repeated or missing piece is detected.
BLOCK = random.Random(9113).randbytes(4 * 1024 * 1024)

# Around the sizes of frames and windows, and sometimes larger.
_SIZES = (0, 1, 100, 5_000, 16_384, 16_385, 65_535, 65_536, 200_000, 300_000, 1_048_576, 3_000_000)
_WEIGHTS = (1, 1, 6, 6, 2, 2, 2, 2, 4, 4, 3, 1)


class Wrong(Exception):
    """A transfer has ended with wrong contents."""


def part(at: int, size: int) -> memoryview:
    """Return *size* bytes of the block from *at* on."""
    return memoryview(BLOCK)[at : at + size]


def digest(data: bytes | memoryview) -> str:
    """Return the checksum that is sent with bodies."""
    return hashlib.sha256(data).hexdigest()


def pick(choice: random.Random) -> tuple[int, int]:
    """Return the position and the size of a random piece."""
    size = choice.choices(_SIZES, _WEIGHTS)[0]
    return choice.randrange(len(BLOCK) - size + 1), size


def path_of(path: str, at: int, size: int, **more: object) -> str:
    """Return the path that requests that piece."""
    return f"{path}?{urlencode({'at': at, 'size': size, **more})}"


def check(what: str, got: bytes | memoryview, at: int, size: int) -> int:
    """Return the size of *got*; raise `Wrong` unless it is the requested piece."""
    expected = part(at, size)
    if len(got) != size:
        raise Wrong(f"{what}: {len(got):,} bytes instead of {size:,} (from {at})")
    if digest(got) != digest(expected):
        first = next(i for i, (a, b) in enumerate(zip(got, expected, strict=True)) if a != b)
        raise Wrong(f"{what}: checksum differs, first at byte {first:,} of {size:,} (from {at})")
    return size
