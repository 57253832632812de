"""A client that repeats no request, and records each that fails."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field

import http2

# Concurrent requests on a connection, and the number of requests until it is closed.
AT_ONCE = 8
CHURN = 5
FOR_EVER = 10**9
BODY = bytes(range(256)) * 200


@dataclass
class Figures:
    """The results of a load."""

    requests: int = 0
    connections: int = 0
    # connections that were never established: no request was lost on them
    refused: int = 0
    # requests that were refused at the call because of a GOAWAY: nothing was sent
    unsent: int = 0
    failed: list[str] = field(default_factory=list)


async def ask(session: http2.ClientHttp2Session, number: int, figures: Figures) -> None:
    """Make one request, and check the answer."""
    kind = number % 4
    figures.requests += 1
    try:
        if kind == 0:
            stream = session.request({":method": "POST", ":path": "/digest"})
            stream.end(BODY)
            expected = f"{len(BODY)} {hashlib.sha256(BODY).hexdigest()}".encode()
        else:
            path, size = (("/bytes", 100), ("/bytes", 100_000), ("/slow", 20_000))[kind - 1]
            stream = session.request({":path": f"{path}?{size}"})
            expected = bytes(size)
        status = (await stream.response())[":status"]
        body = await stream.read()
    except Exception as error:
        if isinstance(error, http2.GoAwayError) and error.code == "ERR_HTTP2_GOAWAY_SESSION":
            figures.requests -= 1
            figures.unsent += 1
            return
        figures.failed.append(f"{('POST', 'small', 'large', 'slow')[kind]}: {error!r}")
        return
    if status != 200 or body != expected:
        figures.failed.append(f"{('POST', 'small', 'large', 'slow')[kind]}: status {status}")


async def client(
    origin: str, figures: Figures, stop: asyncio.Event, limit: int, patient: bool
) -> None:
    """Ask until *stop*, over a new connection when *limit* requests were made on the old one.

    A connection that has received GOAWAY accepts no new requests: that is no failure, because
    nothing was sent. Not *patient*: connections that are not established are only counted.
    """
    number = 0
    while not stop.is_set():
        session = http2.connect(origin)
        try:
            await session
            # established on both sides: not only by the server's kernel
            await session.ping()
        except (OSError, http2.Http2Error):
            figures.refused += 1
            await session.close()
            if patient:
                raise
            await asyncio.sleep(0.01)
            continue
        figures.connections += 1
        made = 0

        async def asks(session: http2.ClientHttp2Session) -> None:
            nonlocal made, number
            while not stop.is_set() and made < limit and not session.closed:
                made += 1
                number += 1
                await ask(session, number, figures)

        await asyncio.gather(*(asks(session) for _ in range(min(AT_ONCE, limit))))
        await session.close()
