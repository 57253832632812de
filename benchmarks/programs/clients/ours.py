"""This library's client: one session, a fixed number of streams at a time."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import http2
from benchmarks.programs.clients.clienting import Phase, arguments
from benchmarks.programs.serving import run

ARGUMENTS = arguments("asyncio", "uvloop")
PATH = urlsplit(ARGUMENTS.url).path


async def one_after_another(session: Any, phase: Phase) -> None:
    """Make requests one after the other, and read the whole body, until the phase ends."""
    while phase.goes_on():
        stream = session.request({":path": PATH})
        headers = await stream.response()
        body = await stream.read()
        phase.count(headers[":status"], body)


async def measure(session: Any, seconds: float) -> Phase:
    """Keep the given number of streams busy for ``seconds``."""
    phase = Phase(seconds)
    await asyncio.gather(*(one_after_another(session, phase) for _ in range(ARGUMENTS.concurrency)))
    return phase


async def main() -> None:
    """Warm up, measure, report."""
    async with http2.connect(ARGUMENTS.url) as session:
        await measure(session, ARGUMENTS.warm_up)
        (await measure(session, ARGUMENTS.seconds)).report()


run(main, ARGUMENTS.variant)
