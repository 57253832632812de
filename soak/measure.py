"""Measure a process: resident memory, descriptors, tasks."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
from typing import Any

__all__ = ["cpu_seconds", "descriptors", "holdings", "resident", "rest"]

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")

# Samples at rest, of which the least counts, and seconds between them.
SAMPLES = 5
PAUSE = 0.05


def resident(pid: int | str = "self") -> int:
    """Return the bytes of resident memory, as ``top`` shows them."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * _PAGE


def descriptors(pid: int | str = "self") -> int:
    """Return the number of open descriptors."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_seconds(pid: int) -> float:
    """Return the used processor time."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def rest() -> int:
    """Return the bytes of resident memory that are in use while there is no traffic.

    Garbage is collected first, and glibc returns free pages to the system.
    """
    for _ in range(3):
        gc.collect()
    _trim()
    samples = [resident()]
    for _ in range(SAMPLES - 1):
        await asyncio.sleep(PAUSE)
        samples.append(resident())
    return min(samples)


def holdings() -> dict[str, Any]:
    """Return the descriptors and tasks of this process, with the positions of the tasks."""
    tasks = asyncio.all_tasks()
    return {
        # without the one that lists them
        "descriptors": descriptors() - 1,
        "tasks": len(tasks),
        "at": sorted(str(getattr(task.get_coro(), "__qualname__", task)) for task in tasks),
    }


def _trim() -> None:
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:
        pass  # not glibc
