"""A million streams through one connection over a socket; prints what memory does.

Run by hand, from the root of the repository: ``python -m tests.soak``. Options: the
number of streams (``--streams``), how many at a time (``--at-a-time``), the loop
(``--loop asyncio``). Ends with status 1 when memory has grown by more than ``--most``
KiB between the tenth part and the end.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import time
from typing import Any

import uvloop

import http2


def resident() -> int:
    """KiB of memory that are this process's own."""
    with open("/proc/self/statm") as file:
        fields = file.read().split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE") // 1024


def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Answer with a few octets; every tenth time echo what the client sends."""
    stream.respond({"content-type": "text/plain", "x-number": headers["x-number"]})
    if headers[":method"] == "POST":
        stream.on("data", lambda chunk: stream.write(chunk) and None)
        stream.on("end", stream.end)
    else:
        stream.end("hello, world")


async def fetch(session: http2.ClientHttp2Session, number: int) -> None:
    """One request of its own kind, and a look at what comes back."""
    if number % 10 == 0:
        stream = session.request({":method": "POST", "x-number": number})
        stream.end(b"x" * 2000)
        expected = b"x" * 2000
    else:
        stream = session.request({":path": f"/{number % 997}", "x-number": number})
        expected = b"hello, world"
    headers = await stream.response()
    assert headers["x-number"] == str(number)
    assert await stream.read() == expected


async def soak(streams: int, at_a_time: int) -> list[int]:
    """Run *streams* requests; the memory in KiB at each tenth part."""
    measured: list[int] = []
    server = http2.create_server()
    server.on("stream", respond)
    await server.listen(0, "127.0.0.1")
    session = await http2.connect(f"http://127.0.0.1:{server.address()[1]}")
    numbers = iter(range(streams))
    begin = time.perf_counter()

    async def worker() -> None:
        for number in numbers:
            await fetch(session, number)
            if (number + 1) % (streams // 10) == 0:
                gc.collect()
                measured.append(resident())
                rate = (number + 1) / (time.perf_counter() - begin)
                print(f"{number + 1:>9} streams {measured[-1]:>9} KiB {rate:>9.0f}/s", flush=True)

    await asyncio.gather(*(worker() for _ in range(at_a_time)))
    await session.close()
    await server.close()
    return measured


def main() -> int:
    """Parse the command line, soak, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--streams", type=int, default=1_000_000)
    parser.add_argument("--at-a-time", type=int, default=50)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--most", type=int, default=1024, help="KiB of growth that pass")
    options = parser.parse_args()
    factory: Any = uvloop.new_event_loop if options.loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        measured = runner.run(soak(options.streams, options.at_a_time))
    growth = measured[-1] - measured[0]
    print(f"growth after the first tenth: {growth} KiB")
    return int(growth > options.most)


if __name__ == "__main__":
    sys.exit(main())
