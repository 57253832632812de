"""Run coroutines and other programs for a test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import subprocess
from collections.abc import Callable, Coroutine
from typing import Any

from . import foreign
from .paths import NODE

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def free_port() -> int:
    """Return a free TCP port of loopback, for peers that cannot choose one.

    Below the ports that systems assign automatically: no other test's socket gets it meanwhile.
    """
    while True:
        port = 12000 + secrets.randbelow(20000)
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


async def execute(*command: str, timeout: float = 30, stdin: bytes | None = None) -> bytes:
    """Run a program to its end; return its standard output. A failure shows its output."""
    foreign.check(command)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin), timeout)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, (command, process.returncode, out[-2000:], err[-2000:])
    return out


async def node(script: str, *args: str, timeout: float = 30) -> Any:
    """Run ``tests/support/node/<script>`` with Node; return its output, parsed as JSON."""
    out = await execute("node", str(NODE / script), *args, timeout=timeout)
    return json.loads(out)
