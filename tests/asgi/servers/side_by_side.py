"""Run one application on several servers, for the cases that ASGI leaves open.

``python -m tests.asgi.servers.side_by_side`` writes the tables of docs/asgi_servers.md;
tests/asgi/servers/test_side_by_side.py generates them again and compares.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import Any
from urllib.parse import urlsplit

import websockets

import http2

from ...support.paths import DOCS
from ...support.peers import wait_for_port
from ...support.running import free_port
from ..asking import VERSIONS, head_of
from .uvicorns import Process

PAGE = DOCS / "asgi_servers.md"
PROBE = "tests.asgi.programs.probe:app"

# The columns of the tables, and the servers and protocols in each.
OURS = ("handler", "protocol")
OTHERS = ("uvicorn", "hypercorn", "granian")
SPEAKS = {
    "handler": ("2", "1.1"),
    "protocol": ("2",),
    "uvicorn": ("1.1",),
    "hypercorn": ("2", "1.1"),
    "granian": ("2", "1.1"),
}
# The name of a server where its variants differ.
LABELS = {
    "handler": "`Handler` over HTTP/{}",
    "protocol": "`Http2Protocol`",
    "uvicorn": "HTTP/{}",
    "hypercorn": "HTTP/{}",
    "granian": "HTTP/{}",
}
# Seconds that a client waits for anything.
PATIENCE = 10


# --- servers ------------------------------------------------------------------------------------


@contextmanager
def starting(
    server: str, *, app: str = PROBE, root_path: str = "", lifespan: str = ""
) -> Iterator[Process]:
    """Serve the probe, or another *app*, on *server*; without a ``url`` if it ends at once."""
    root = ["--root-path", root_path] if root_path else []
    port = free_port()
    bind = f"127.0.0.1:{port}"
    modules = {
        "handler": ["tests.asgi.programs.on_handler", app, *root],
        "protocol": ["uvicorn", app, "--http", "http2.uvicorn:Http2Protocol", *root],
        "uvicorn": ["uvicorn", app, "--http", "httptools", *root],
        # streams that it forgets end with their connection, which may take longer than 5 s
        "hypercorn": ["hypercorn", app, "--bind", bind, "--keep-alive", "1", *root],
        "granian": ["granian", app, "--interface", "asgi", "--port", str(port), "--http", "auto",
                    *(["--url-path-prefix", root_path] if root_path else [])],
    }  # fmt: skip
    command = [sys.executable, "-m", *modules[server]]
    if "uvicorn" in command:
        command += ["--port", str(port), "--no-use-colors"]
    process = Process(command, "newest", more={"LIFESPAN": lifespan})
    try:
        with contextlib.suppress(AssertionError):
            if server == "handler":
                process.url = process.line(r"^http://").strip()
            else:
                wait_for_port(process.process, port)
                process.url = f"http://{bind}"
        yield process
    finally:
        process.close()


# --- clients ------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """The response that a client got; ``whole`` if it was complete."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes
    whole: bool
    informational: list[int]
    raw: bytes

    def __str__(self) -> str:
        if not self.whole:
            # the length that has arrived is random
            return "cut off"
        shown = self.body.decode("latin-1") if self.status < 400 else ""
        return f"{self.status}" + (f" `{shown}`" if shown else "")

    def has(self, name: str) -> list[str]:
        """Return the values of the fields *name*."""
        return [value for field, value in self.fields if field == name]


async def curl(url: str, version: str, *options: str, stdin: bytes | None = None) -> Outcome:
    """Request with curl, which may fail."""
    process = await asyncio.create_subprocess_exec(
        "curl", "-siNg", "--path-as-is", "--max-time", str(PATIENCE), VERSIONS[version],
        *options, url, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await process.communicate(stdin)
    raw, status, fields, informational = out, 0, [], []
    while out.startswith(b"HTTP/"):
        head, _, out = out.partition(b"\r\n\r\n")
        status, fields = head_of(head)
        if status >= 200:
            break
        informational.append(status)
    return Outcome(status, fields, out, process.returncode == 0, informational, raw)


@dataclass
class Client:
    """A server over one version of HTTP."""

    url: str
    version: str

    async def ask(
        self, case: str, *options: str, stdin: bytes | None = None, target: str = ""
    ) -> Outcome:
        """Return the response to a request for *case*."""
        return await curl(
            self.url + (target or f"/case/{case}"), self.version, *options, stdin=stdin
        )

    async def scope(self, *options: str, target: str = "") -> dict[str, Any]:
        """Return the scope of a request; empty if it was refused."""
        answer = await self.ask("scope", *options, target=target)
        if answer.status != 200:
            return {"refused": answer.status}
        told: dict[str, Any] = json.loads(answer.body)
        return told

    async def seen(self, case: str) -> Any:
        """Return what the application has recorded in *case*."""
        async with asyncio.timeout(PATIENCE):
            while (noted := await self._noted(case)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            return noted

    async def _noted(self, case: str) -> Any:
        # all of them support HTTP/1.1, which needs no subprocess
        reader, writer = await asyncio.open_connection(*urlsplit(self.url).netloc.split(":"))
        writer.write(f"GET /seen/{case} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return json.loads(answer.partition(b"\r\n\r\n")[2])

    @asynccontextmanager
    async def websocket(self, case: str, **options: Any) -> AsyncIterator[Any]:
        """Open a WebSocket: over HTTP/2 with this library, over HTTP/1.1 with `websockets`."""
        url = self.url.replace("http", "ws", 1) + f"/case/{case}"
        if self.version == "2":
            async with http2.connect_websocket(url, **options) as ws:
                yield ws
        else:
            async with websockets.connect(url, proxy=None, **options) as other:
                yield other


# --- tables -------------------------------------------------------------------------------------

# For each case, the outcome by (server, version).
Table = dict[str, dict[tuple[str, str], str]]


async def fill(server: str, url: str, tables: dict[str, Table]) -> None:
    """Run all cases on *server*."""
    from .leeway import SECTIONS

    for version in SPEAKS[server]:
        client = Client(url, version)
        for title, cases in SECTIONS.items():
            for name, find in cases.items():
                async with asyncio.timeout(3 * PATIENCE):
                    outcome = await find(client)
                tables.setdefault(title, {}).setdefault(name, {})[server, version] = outcome


ROOT = "`path`, `raw_path`, `root_path` of `/case/scope` under the root path `/api`"
LIFESPANS = {
    "unknown": "raises at the scope",
    "returns": "returns at once",
    "raises": "raises at `lifespan.startup`",
    "raises-later": "raises after `lifespan.startup.complete`",
    "fails": "`lifespan.startup.failed`",
    "shutdown-fails": "`lifespan.shutdown.failed`",
}


async def live(server: str, kind: str, tables: dict[str, Table]) -> None:
    """Start *server* with an application with that lifespan."""
    version = SPEAKS[server][0]
    with starting(server, root_path="/api" if kind == "unknown" else "", lifespan=kind) as process:
        client = Client(process.url, version)
        if kind == "unknown":
            told = await client.scope()
            paths = ", ".join(f"`{told[key]}`" for key in ("path", "raw_path", "root_path"))
            tables["The scope"].setdefault(ROOT, {})[server, version] = paths
        if process.url and (await client.ask("defaults")).status == 200:
            outcome = "serves"
            said = await asyncio.to_thread(process.stop)
        else:
            outcome = "does not serve"
            with contextlib.suppress(subprocess.TimeoutExpired):
                said = await asyncio.to_thread(process.wait, 5)
        outcome += f", exit status {process.process.poll()}"
        if "fail" in kind:
            outcome += ", message " + ("logged" if "no d" in said else "lost")
    row = tables.setdefault("Lifespans", {}).setdefault(LIFESPANS[kind], {})
    row[server, version] = outcome


async def find_out(servers: tuple[str, ...]) -> dict[str, Table]:
    """Return all tables for these *servers*."""
    tables: dict[str, Table] = {}
    for server in servers:
        with starting(server) as process:
            await fill(server, process.url, tables)
        for kind in LIFESPANS:
            await live(server, kind, tables)
    return tables


def cell(servers: tuple[str, ...], row: dict[tuple[str, str], str]) -> str:
    """Return the outcomes of *servers*: one if they are equal, else one for each version."""
    ways = {
        (server, version): row[server, version]
        for server in servers
        for version in SPEAKS[server]
        if row.get((server, version), "–") != "–"
    }
    if len(set(ways.values())) == 1:
        return next(iter(ways.values()))
    by_text: dict[str, list[tuple[str, str]]] = {}
    for way, text in ways.items():
        by_text.setdefault(text, []).append(way)
    return "<br>".join(f"{label(found)}: {text}" for text, found in by_text.items()) or "–"


def label(ways: list[tuple[str, str]]) -> str:
    """Return the name of *ways*: that of the server if both versions are included."""
    if ways == [("handler", "2"), ("handler", "1.1")]:
        return "`Handler`"
    return ", ".join(LABELS[server].format(version) for server, version in ways)


def columns() -> dict[str, tuple[str, ...]]:
    """Return the titles of the columns, and the servers in each."""
    return {"http2": OURS} | {
        f"{name.capitalize() if name != 'uvicorn' else name} {version_of(name)}": (name,)
        for name in OTHERS
    }


def render(tables: dict[str, Table]) -> str:
    """Return the tables as Markdown."""
    lines: list[str] = []
    titles = columns()
    for title, table in tables.items():
        lines += [f"## {title}", "", f"| | {' | '.join(titles)} |", "|---|" + "---|" * len(titles)]
        for name, row in table.items():
            cells = [cell(servers, row).replace("|", "\\|") for servers in titles.values()]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


BEGIN, END = "<!-- tables:begin -->\n", "<!-- tables:end -->\n"


def main() -> None:
    """Write the page."""
    tables = asyncio.run(find_out(OURS + OTHERS))
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{render(tables)}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
