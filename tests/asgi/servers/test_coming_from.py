"""The statements of docs/from_hypercorn.md about other servers, checked on installed versions."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import uvicorn
from granian.http import HTTP2Settings
from hypercorn.config import Config

import http2

from ...support import raw
from ...support.paths import DOCS
from ...support.running import Run
from ...support.serving import eventually
from .side_by_side import PAGE as TABLES
from .side_by_side import starting

PAGE = DOCS / "from_hypercorn.md"
SLOW = "tests.asgi.programs.slow:app"
FLAG = re.compile(r"--[a-z][a-z0-9-]+")


def table(title: str) -> list[list[str]]:
    """Return the rows of the table under *title*, without its head."""
    lines = PAGE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0].splitlines()
    rows = [line[2:-2].split(" | ") for line in lines if line.startswith("| ")]
    return rows[1:]


def flags_of(*command: str) -> set[str]:
    """Return the column of flags in its ``--help``."""
    said = subprocess.run(
        [sys.executable, "-m", *command, "--help"], capture_output=True, text=True, check=True,
        timeout=60,
    ).stdout  # fmt: skip
    heads = [line for line in said.splitlines() if re.match(r"  (-\w( \w+)?, )?--|  -\w", line)]
    return {flag for line in heads for flag in FLAG.findall(re.split(r"\s{2,}\w", line[2:])[0])}


@pytest.mark.interop
@pytest.mark.parametrize("name", ["Hypercorn", "Granian"])
def test_flags(name: str) -> None:
    """Each flag is listed, and the flag beside it is one of this library's command."""
    rows = table(f"{name}'s flags")
    theirs = {flag for row in rows for flag in FLAG.findall(row[0])}
    ours = {flag for row in rows for flag in FLAG.findall(row[1])}
    assert theirs == flags_of(name.lower())
    of_uvicorn, of_command = flags_of("uvicorn"), flags_of("http2", "serve")
    assert ours <= of_uvicorn
    # print the program's version before running the command
    assert ours - of_command <= {"--http", "--version"}


def told(row: str) -> list[str]:
    """Return the cells of *row* in the table of differences."""
    [found] = [cells[1:] for cells in table("Differences") if cells[0].startswith(row)]
    return found


def test_defaults() -> None:
    hypercorn, granian = Config(), HTTP2Settings()
    config = inspect.signature(uvicorn.Config).parameters
    assert told("concurrent streams") == [
        "250", str(hypercorn.h2_max_concurrent_streams), str(granian.max_concurrent_streams),
    ]  # fmt: skip
    assert told("length of the queue")[:2] == [
        str(config["backlog"].default), str(hypercorn.backlog),
    ]  # fmt: skip
    assert told("idle seconds")[:2] == [
        str(config["timeout_keep_alive"].default), f"{hypercorn.keep_alive_timeout:g}",
    ]  # fmt: skip
    assert f"{hypercorn.graceful_timeout:g} s" in told("SIGTERM: requests in progress")[1]
    assert f"{hypercorn.startup_timeout:g} s" in told("time limit of the startup")[1]
    parameters = inspect.signature(http2.asgi.Handler.lifespan).parameters
    assert f"{parameters['startup_timeout'].default} s" in told("time limit of the startup")[0]
    assert f"{config['ws_ping_interval'].default:g} s" in told("pings")[0]
    assert hypercorn.websocket_ping_interval is None


def test_what_the_tables_say() -> None:
    """Trailers, push, early hints, files and WebSockets, as in the comparison of servers."""
    text = TABLES.read_text()
    titles = next(line for line in text.splitlines() if line.startswith("| |"))[3:].split("|")
    rows = {
        line[2:].partition(" | ")[0]: line[2:-2].split(" | ")[1:]
        for line in reversed(text.splitlines())
        if line.startswith("| ")
    }
    column = {
        title.split()[0]: number for number, title in enumerate(t for t in titles if t.strip())
    }
    hypercorn, granian = column["Hypercorn"], column["Granian"]
    trailers = rows["trailers, to a client that sends `te: trailers`"]
    assert (trailers[0], trailers[hypercorn].partition("<br>")[0]) == ("sent", "HTTP/2: sent")
    assert trailers[granian].startswith("not sent")
    # the first of two rows: for HTTP, not for WebSockets
    extensions = rows["`extensions`"]
    assert "http.response.push" in extensions[hypercorn]
    assert "http.response.pathsend" in extensions[granian]
    assert not re.search("push|trailers|early|zerocopy", extensions[granian])
    hints = rows["early hints"], rows["early hints before start"]
    assert [cells[0] for cells in hints] == ["103, then 200 `x`"] * 2
    assert "none" in hints[0][hypercorn]
    assert "HTTP/2: 103" in hints[1][hypercorn]
    assert all("none" in cells[granian] for cells in hints)
    assert "no WebSockets" in rows["close before accept"][granian]
    failed = rows["`lifespan.startup.failed`"]
    for title, number in (("here", 0), ("Hypercorn", hypercorn), ("Granian", granian)):
        status = told("`lifespan")[("here", "Hypercorn", "Granian").index(title)]
        assert status in failed[number]


@pytest.mark.interop
@pytest.mark.parametrize("server", ["protocol", "hypercorn", "granian"])
def test_the_end(run_asyncio: Run, server: str) -> None:
    """At SIGTERM: earlier requests, requests that cross it, and the process of the application."""

    async def main() -> None:
        with starting(server, app=SLOW) as process:
            assert bool(children_of(process.process.pid)) == (server != "protocol")
            async with await raw.RawPeer.connect(int(process.url.rpartition(":")[2])) as peer:
                peer.send(raw.get(1, "/?1.5"))
                await peer.until(raw.DATA, 1)
                process.process.send_signal(signal.SIGTERM)
                if server == "hypercorn":
                    assert not await until_refused(peer)
                else:
                    assert (await peer.until(raw.GOAWAY)).last_stream_id == 2**31 - 1
                    peer.send(raw.get(3))
                    assert await complete(peer, 3) == b"ended"
                assert await complete(peer, 1) == b"begunended"
            await asyncio.to_thread(process.wait)

    run_asyncio(main())


def children_of(pid: int) -> set[str]:
    """Return the processes that it has started and that still run."""
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


async def complete(peer: raw.RawPeer, stream_id: int) -> bytes | None:
    """Return the body on *stream_id*, whose beginning may have been read; None for a reset."""
    while True:
        frames = [frame for frame in peer.seen if frame.stream_id == stream_id]
        if any(frame.type == raw.RST_STREAM for frame in frames):
            return None
        if any(frame.ends_stream for frame in frames):
            return b"".join(frame.payload for frame in frames if frame.type == raw.DATA)
        assert await peer.frame() is not None, peer.seen


async def until_refused(peer: raw.RawPeer) -> list[raw.Frame]:
    """Send requests until one is reset; return the GOAWAYs before that."""
    stream_id = 3
    peer.send(raw.get(stream_id))
    while await complete(peer, stream_id) is not None:
        stream_id += 2
        peer.send(raw.get(stream_id))
    return [frame for frame in peer.seen if frame.type == raw.GOAWAY]


def test_middlewares_for_proxies() -> None:
    """The documented places exist."""
    assert callable(importlib.import_module("hypercorn.middleware").ProxyFixMiddleware)
    module = importlib.import_module("granian.utils.proxies")
    assert callable(module.wrap_asgi_with_proxy_headers)


@pytest.mark.interop
@pytest.mark.parametrize("server", ["hypercorn", "granian"])
def test_sighup(run_asyncio: Run, server: str) -> None:
    """SIGHUP replaces their workers."""

    async def main() -> None:
        with starting(server) as process:
            before = children_of(process.process.pid)
            process.process.send_signal(signal.SIGHUP)
            await eventually(lambda: not before <= children_of(process.process.pid))
            assert process.process.poll() is None

    run_asyncio(main())
