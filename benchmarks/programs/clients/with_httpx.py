"""httpx and httpx2 (same interface): one connection, HTTP/2 with prior knowledge."""

import asyncio
import importlib
from typing import Any

from benchmarks.programs.clients.clienting import Phase, arguments

ARGUMENTS = arguments("httpx", "httpx2")


async def one_after_another(client: Any, phase: Phase) -> None:
    """Make requests one after the other, and read the whole body, until the phase ends."""
    while phase.goes_on():
        response = await client.get(ARGUMENTS.url)
        phase.count(response.status_code, response.content)


async def measure(client: Any, seconds: float) -> Phase:
    """Keep the given number of streams busy for ``seconds``."""
    phase = Phase(seconds)
    await asyncio.gather(*(one_after_another(client, phase) for _ in range(ARGUMENTS.concurrency)))
    return phase


async def main() -> None:
    """Open the one connection, warm up, measure, report."""
    library = importlib.import_module(ARGUMENTS.variant)
    limits = library.Limits(max_connections=1)
    async with library.AsyncClient(http1=False, http2=True, limits=limits) as client:
        await client.get(ARGUMENTS.url)
        await measure(client, ARGUMENTS.warm_up)
        (await measure(client, ARGUMENTS.seconds)).report()


asyncio.run(main())
