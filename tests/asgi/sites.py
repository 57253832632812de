"""Frameworks' applications on each server, and requests that the frameworks' tests share."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import websockets

import http2

from ..support.running import execute
from ..support.self_signed import Certificate
from .asking import Answer, head_of
from .servers.uvicorns import Process as Started
from .servers.uvicorns import starting, uvicorn

# The server (a version of uvicorn, or `Handler`), the loop, and whether there is TLS.
WAYS = {
    "newest-uvloop-clear": ("newest", "uvloop", False),
    "newest-asyncio-tls": ("newest", "asyncio", True),
    "before-asyncio-clear": ("before", "asyncio", False),
    "before-uvloop-tls": ("before", "uvloop", True),
    "handler-asyncio-clear": ("handler", "asyncio", False),
    "handler-uvloop-tls": ("handler", "uvloop", True),
}
# Two of them are enough for tests that do not depend on the server.
FEW = ("newest-uvloop-clear", "handler-asyncio-clear")


class Process:
    """A site in a separate process."""

    def __init__(self, started: Started, *, by_uvicorn: bool) -> None:
        self.started = started
        self.url = started.url
        self.by_uvicorn = by_uvicorn

    def option(self, http: str) -> str:
        """Return curl's option for the protocol."""
        if http != "2":
            return "--http1.1"
        return "--http2" if self.url.startswith("https") else "--http2-prior-knowledge"


@contextmanager
def serving(app: str, way: str, certificate: Certificate) -> Iterator[Process]:
    """Serve *app* in one of `WAYS`."""
    server, loop, tls = WAYS[way]
    if server == "handler":
        command = [sys.executable, "-m", "tests.asgi.programs.on_handler", app, "--loop", loop]
        if tls:
            command += ["--cert", certificate.cert, "--key", certificate.key]
        with starting(command, "newest") as process:
            yield Process(process, by_uvicorn=False)
        return
    options = ["--ssl-certfile", certificate.cert, "--ssl-keyfile", certificate.key] if tls else []
    with uvicorn(app, *options, version=server, loop=loop) as process:
        yield Process(process, by_uvicorn=True)


async def visit(
    site: Process, http: str, path: str, *options: str, stdin: bytes | None = None
) -> Answer:
    """Request *path* of *site* with curl."""
    out = await execute(
        "curl", "-sikg", "--max-time", "20", site.option(http),
        "-H", "expect:", *options, site.url + path, stdin=stdin,
    )  # fmt: skip
    head, _, body = out.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/2 " if http == "2" else b"HTTP/1.1 ")
    status, raw = head_of(head)
    return Answer(status, raw, body, [])


async def count(site: Process, http: str, what: str, log: str) -> int:
    """Return how often the application has recorded *what*."""
    found: list[str] = (await visit(site, http, log)).json()
    return found.count(what)


async def hear_events(site: Process, http: str, path: str, *, log: str) -> None:
    """Server-sent events arrive as they are created, and end with their client."""
    before = await count(site, http, "events ended", log)
    process = await asyncio.create_subprocess_exec(
        "curl", "-skN", "--max-time", "20", site.option(http), site.url + path,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    for number in range(3):
        assert await process.stdout.readline() == b"data: %d\n" % number
        assert await process.stdout.readline() == b"\n"
    process.kill()
    await process.communicate()
    async with asyncio.timeout(30):
        while await count(site, http, "events ended", log) == before:
            pass


async def await_background(site: Process, http: str, path: str, *, log: str) -> None:
    """Work that a request has started continues after its response."""
    before = await count(site, http, "background", log)
    assert b"later" in (await visit(site, http, path)).body
    async with asyncio.timeout(30):
        while await count(site, http, "background", log) == before:
            pass


@asynccontextmanager
async def joining(site: Process, http: str, path: str) -> AsyncIterator[Any]:
    """Open a WebSocket: over HTTP/2 with this library, over HTTP/1.1 with `websockets`."""
    url = site.url.replace("http", "ws", 1) + path
    secure = url.startswith("wss")
    if http == "2":
        options: Any = {"reject_unauthorized": False} if secure else {}
        async with http2.connect_websocket(url, **options) as ours:
            yield ours
    else:
        context = None
        if secure:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        async with websockets.connect(url, proxy=None, ssl=context) as theirs:
            yield theirs


async def talk(site: Process, http: str, path: str) -> None:
    """Two clients are in a chat room, until one leaves."""
    async with joining(site, http, path) as first:
        async with joining(site, http, path) as second:
            for speaker, text in ((first, "hello"), (second, "ü" * 10_000)):
                await speaker.send(text)
                assert await first.recv() == text
                assert await second.recv() == text
        assert await first.recv() == "a visitor left"
