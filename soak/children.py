"""The processes that a run starts: stations that answer commands, and other servers."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .ledger import Ledger

__all__ = ["Failure", "Foreign", "Station", "execute", "free_port"]

ROOT = Path(__file__).resolve().parent.parent
# An answer may be large: problems have tracebacks.
LINE = 16 * 1024 * 1024
# Otherwise threads that read files have separate heaps, which are never returned; and
# bodies would lie between long-lived objects, so that their pages are not returned either.
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536",
    "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1",
}  # fmt: skip


class Failure(Exception):
    """A process has failed; the run can't continue."""


class Station:
    """A `soak.station` in a separate process; any line on its standard error is a problem."""

    def __init__(self, who: str, process: asyncio.subprocess.Process, ledger: Ledger) -> None:
        self.who = who
        self.pid = process.pid
        self.told: dict[str, Any] = {}
        self._process = process
        self._ledger = ledger
        self._one_at_a_time = asyncio.Lock()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, who: str, ledger: Ledger, **options: Any) -> Station:
        """Run ``soak.<who>`` with *options*."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "default::ResourceWarning", "-m", f"soak.{who}",
            json.dumps(options), cwd=ROOT, env=os.environ | ENVIRONMENT, limit=LINE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        return cls(who, process, ledger)

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self._ledger.problem("stderr", f"{self.who}: {line.decode(errors='replace').rstrip()}")

    async def ask(self, command: str, limit: float = 60, **more: Any) -> dict[str, Any]:
        """Return the answer to *command*. Raises `Failure` after *limit* seconds."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(limit):
                    stdin.write(json.dumps({"ask": command, **more}).encode() + b"\n")
                    await stdin.drain()
                    line = await stdout.readline()
            except TimeoutError:
                raise Failure(f"{self.who} has not done {command!r} in {limit:g} s") from None
            except OSError:
                line = b""
        if not line:
            raise Failure(f"{self.who} has ended at {command!r}")
        answer: dict[str, Any] = json.loads(line)
        self.told = answer.pop("ledger")
        self._ledger.relay(self.told.pop("fresh"))
        return answer

    async def end(self, limit: float = 10) -> None:
        """Wait for its end; a time-out or a non-zero status is a problem."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(limit):
                status = await self._process.wait()
        except TimeoutError:
            self._ledger.problem("hung", f"{self.who} does not end")
        else:
            if status:
                self._ledger.problem("status", f"{self.who} has ended with status {status}")
            await self._listening

    async def kill(self) -> None:
        """Kill it if it is still running."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._listening.cancel()
        # the loop closes its pipes in the next turn
        await asyncio.sleep(0)


class Foreign:
    """Another server."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self._process = process

    @classmethod
    async def node(cls, *arguments: str) -> Foreign:
        """Start Node with ``node_server.js``, which prints its port."""
        process = await asyncio.create_subprocess_exec(
            "node", str(ROOT / "soak" / "node_server.js"), *arguments,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        async with asyncio.timeout(30):
            line = await process.stdout.readline()
        if not re.fullmatch(rb"\d+\n", line):
            raise Failure("Node's server does not start")
        return cls(process, int(line))

    @classmethod
    async def nghttpd(cls, root: Path) -> Foreign:
        """Start nghttpd with the document root *root*, without TLS."""
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            "nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", str(root), str(port),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for pause in itertools.repeat(0.02, 500):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(pause)
            else:
                writer.close()
                await writer.wait_closed()
                return cls(process, port)
        process.kill()
        raise Failure("nghttpd does not start")

    async def kill(self) -> None:
        """Kill it: it is not measured."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


def free_port() -> int:
    """Return a port of loopback that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def execute(
    command: Sequence[str], limit: float, stdin: bytes | None = None
) -> tuple[int, bytes, bytes]:
    """Run a program; return its status, output and error output. TimeoutError after *limit*."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(limit):
            out, err = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out, err
