"""This library's client with bodies of 1 MiB: it gets them or, with ``--upload``, sends them."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import http2
from benchmarks.programs.clients.clienting import EXPECTED, Phase, arguments
from benchmarks.programs.serving import run

ARGUMENTS = arguments("asyncio", "uvloop")
PATH = urlsplit(ARGUMENTS.url).path
BODY = b"x" * 2**20


async def one_after_another(session: Any, phase: Phase) -> None:
    """Make requests one after the other, and read the whole body, until the phase ends."""
    while phase.goes_on():
        if ARGUMENTS.upload:
            stream = session.request({":method": "POST", ":path": PATH})
            stream.end(BODY)
        else:
            stream = session.request({":path": PATH})
        headers = await stream.response()
        body = await stream.read()
        phase.count(headers[":status"], body)


async def measure(session: Any, seconds: float) -> Phase:
    """Keep the given number of streams busy for ``seconds``."""
    phase = Phase(seconds, EXPECTED if ARGUMENTS.upload else BODY)
    await asyncio.gather(*(one_after_another(session, phase) for _ in range(ARGUMENTS.concurrency)))
    return phase


async def main() -> None:
    """Warm up, measure, report."""
    async with http2.connect(ARGUMENTS.url) as session:
        await measure(session, ARGUMENTS.warm_up)
        (await measure(session, ARGUMENTS.seconds)).report()


run(main, ARGUMENTS.variant)
