"""A process of the soak: commands on standard input, answers on standard output.

Both are lines of JSON. A command is ``{"ask": name, …}``; its answer contains the ledger, so
that problems are reported with the next answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .ledger import Ledger, Watch
from .measure import holdings, rest

__all__ = ["Command", "Station", "run"]

# Threads of the loop's executor in each process.
THREADS = 4

Command = Callable[..., Awaitable[dict[str, Any] | None]]


class Station:
    """The commands of every process, and those that it adds to `commands`."""

    def __init__(self, who: str) -> None:
        self.ledger = Ledger(who)
        self.commands: dict[str, Command] = {"told": self._told, "measure": self._measure}
        logging.basicConfig(handlers=[Watch(self.ledger)], level=logging.WARNING, force=True)
        asyncio.get_running_loop().set_exception_handler(self._complain)

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.ledger.problem("loop", f"{context.get('message')}: {context.get('exception')!r}")

    async def _told(self) -> None:
        return None

    async def _measure(self) -> dict[str, Any]:
        return {"resident": await rest(), **holdings()}

    async def obey(self) -> None:
        """Answer commands until standard input ends."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while line := await reader.readline():
            asked = json.loads(line)
            answer = await self.commands[asked.pop("ask")](**asked)
            print(json.dumps({**(answer or {}), "ledger": self.ledger.told()}), flush=True)
        transport.close()
        await asyncio.sleep(0)


async def begin_threads() -> None:
    """Start all threads of the loop's executor, which looks up names and reads files.

    Otherwise they start when more are needed, which may take a quarter of an hour,
    and each holds half a MiB from then on.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS))
    together = threading.Barrier(THREADS)
    await asyncio.gather(*(asyncio.to_thread(together.wait) for _ in range(THREADS)))


def run(main: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Run *main* with the command line's options, given as JSON, on the loop that they name."""
    options = json.loads(sys.argv[1])
    factory: Any = asyncio.new_event_loop
    if options["loop"] == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop

    async def begin() -> None:
        await begin_threads()
        await main(options)

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(begin())
