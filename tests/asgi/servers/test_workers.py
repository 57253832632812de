"""Several processes and reload, with uvicorn, Gunicorn and the command."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import http2

from ...restarts.load import FOR_EVER, Figures, client
from ...restarts.rolling import reachable
from ...support.running import Run
from ...support.self_signed import Certificate
from ..asking import port_of
from .uvicorns import HTTP, VERSIONS, Process, starting

pytestmark = pytest.mark.interop

BARE = "tests.asgi.programs.bare:app"
UVICORN = ["uvicorn", "--http", HTTP, "--port", "0", "--no-use-colors", "--workers", "2"]
GUNICORN = ["gunicorn", "-k", "http2.gunicorn.Http2Worker", "-w", "2", "-b", "127.0.0.1:0"]
COMMAND = ["http2", "serve", "--port", "0", "--no-use-colors", "--workers", "2"]

# An application that returns its version, at once and after a second.
CHANGING = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": b"{name}", "more_body": True}})
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    await send({{"type": "http.response.body", "body": b" to the end"}})
"""


def command(words: list[str], *more: str) -> list[str]:
    """Return the command that runs a module with that name."""
    return [sys.executable, "-m", *words, *more]


async def text(session: http2.ClientHttp2Session, path: str) -> str:
    """Return the response to *path*."""
    async with session.request({":path": path}) as stream:
        assert (await stream.response())[":status"] == 200
        return await stream.text()


async def both(
    url: str, stack: AsyncExitStack, options: dict[str, Any]
) -> dict[str, http2.ClientHttp2Session]:
    """Connect to each of the two processes, after waiting for them."""
    found: dict[str, http2.ClientHttp2Session] = {}
    async with asyncio.timeout(30):
        while len(found) < 2:
            # at once: connections one after another could all reach the process
            # that is idle longest
            for _ in range(4):
                try:
                    session = await stack.enter_async_context(http2.connect(url, **options))
                    found.setdefault(await text(session, "/process"), session)
                except ConnectionRefusedError:
                    # uvicorn's workers begin to listen before they can serve
                    await asyncio.sleep(0.02)
    return found


async def ends_well(process: Process, options: dict[str, Any]) -> None:
    """Both processes answer over HTTP/2, and finish requests in progress after SIGTERM."""
    async with AsyncExitStack() as stack:
        sessions = await both(process.url, stack, options)
        assert str(process.process.pid) not in sessions
        slow = [session.request({":path": "/slow?1"}) for session in sessions.values()]
        for stream in slow:
            await stream.response()
        process.process.send_signal(signal.SIGTERM)
        for stream in slow:
            assert await stream.text() == "begun and ended"
        log = await asyncio.to_thread(process.wait)
    assert process.process.returncode == 0, log
    assert log.count("the application shuts down") == 2
    assert "Traceback" not in log


@pytest.mark.row("beyond.uvicorn", "beyond.gunicorn", "beyond.serve")
@pytest.mark.parametrize(
    ("words", "version"),
    [(UVICORN, "newest"), (UVICORN, "before"), (GUNICORN, "newest"), (COMMAND, "newest")],
    ids=["uvicorn", "uvicorn-before", "gunicorn", "http2"],
)
def test_two_workers(run_asyncio: Run, words: list[str], version: str) -> None:
    with starting(command(words, BARE), version) as process:
        run_asyncio(ends_well(process, {}))


def test_two_workers_over_tls(run_asyncio: Run, certificate: Certificate) -> None:
    options = ["--ssl-certfile", certificate.cert, "--ssl-keyfile", certificate.key]
    with starting(command(UVICORN, BARE, *options), "newest") as process:
        run_asyncio(ends_well(process, {"ca": certificate.cert}))


@pytest.mark.parametrize("words", [UVICORN, GUNICORN, COMMAND], ids=lambda words: words[0])
def test_workers_are_replaced_under_load(run_asyncio: Run, words: list[str]) -> None:
    """SIGHUP starts new workers and ends the old ones, SIGTERM ends all: no request fails."""
    figures = Figures()

    async def main(process: Process) -> None:
        stop = asyncio.Event()
        async with AsyncExitStack() as stack:
            before = await both(process.url, stack, {})
        load = asyncio.gather(
            *(client(process.url, figures, stop, limit, False) for limit in (5, 5, FOR_EVER))
        )
        process.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(30):
            while True:
                async with AsyncExitStack() as stack:
                    after = await both(process.url, stack, {})
                if not before.keys() & after.keys() and figures.requests > 100:
                    break
        assert not load.done()
        process.process.send_signal(signal.SIGTERM)
        log = await asyncio.to_thread(process.wait)
        stop.set()
        await load
        assert process.process.returncode == 0, log
        assert not figures.failed
        assert "Traceback" not in log

    with starting(command(words, "tests.restarts.on_uvicorn:app"), "newest") as process:
        run_asyncio(main(process))


@pytest.mark.parametrize("version", VERSIONS)
def test_reload(run_asyncio: Run, version: str, tmp_path: Path) -> None:
    """A changed file is loaded, and requests in progress over both versions are finished."""
    program = tmp_path / "changing.py"
    program.write_text(CHANGING.format(name="the first"))
    words = ["uvicorn", "--http", HTTP, "--port", "0", "--no-use-colors", "--reload"]
    folder = ["--app-dir", str(tmp_path), "--reload-dir", str(tmp_path)]

    async def main(process: Process) -> None:
        await reachable(port_of(process.url))
        async with http2.connect(process.url) as before:
            slow = before.request({":path": "/slow"})
            await slow.response()
            program.write_text(CHANGING.format(name="the second"))
            await asyncio.to_thread(until_seen, program, process)
            assert await slow.text() == "the first to the end"
        async with http2.connect(process.url) as after:
            assert await text(after, "/") == "the second to the end"
            slow = after.request({":path": "/slow"})
            await slow.response()
            process.process.send_signal(signal.SIGTERM)
            assert await slow.text() == "the second to the end"
            log = await asyncio.to_thread(process.wait)
        assert process.process.returncode == 0, log
        assert "Traceback" not in log

    with starting(command(words, "changing:app", *folder), version) as process:
        run_asyncio(main(process))


def until_seen(program: Path, process: Process) -> None:
    """Change *program* until uvicorn notices it.

    uvicorn first checks the files some moments after its start, and does not notice earlier
    changes.
    """
    for later in range(1, 100):
        os.utime(program, (time.time() + later,) * 2)
        with contextlib.suppress(AssertionError):
            process.line("detected changes", limit=0.5)
            return
    raise AssertionError(process.seen)
