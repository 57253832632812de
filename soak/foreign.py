"""Other clients with this library's server: curl, nghttp, h2load, Node."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from .children import ROOT, execute
from .ledger import Ledger
from .pace import Pace
from .payload import Wrong, check, digest, part, path_of

__all__ = ["Foreigners"]

Turn = Callable[[], Coroutine[Any, Any, int]]

NODE_CLIENT = ROOT / "soak" / "node_client.js"
# curl's exit status after its `--max-time`, which is a deliberate abort.
CURL_TIMED_OUT = 28
# By the name of the server, curl's option for the protocol.
CURL = {
    "core": ["--http2-prior-knowledge"],
    "core-tls": ["--http2"],
    "compat": ["--http2-prior-knowledge"],
    "compat-tls": ["--http2"],
    "compat/1.1": ["--http1.1"],
    "compat-tls/1.1": ["--http1.1"],
    "compat/1.0": ["--http1.0"],
    # HTTP/1.1 with an offer of h2c that the server ignores
    "compat/upgrade": ["--http2"],
}


class Foreigners:
    """Starts a few programs a second, until it is stopped."""

    def __init__(
        self, ledger: Ledger, ports: dict[str, int], cert: str, limit: float, rate: float
    ) -> None:
        self._ledger = ledger
        self._ports = ports
        self._cert = cert
        self._limit = limit
        self._pace = Pace(rate)
        self._choice = random.Random(7)
        self._task: asyncio.Task[None] | None = None
        self._turns: list[Turn] = []

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def rest(self) -> None:
        """Stop starting programs; wait for the running ones."""
        await self._pace.rest()

    def resume(self) -> None:
        """Continue."""
        self._pace.resume()

    async def stop(self) -> None:
        """End."""
        await self.rest()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        kinds: list[Turn] = [self._curl] * 4 + [self._curl_post] * 2 + [self._curl_abort] * 2
        kinds += [self._nghttp, self._nghttp_post, self._h2load, self._node]
        while True:
            if not self._turns:
                self._turns = kinds.copy()
                self._choice.shuffle(self._turns)
            await self._pace.begin()
            turn = self._turns.pop()
            begin = time.monotonic()
            try:
                size = await turn()
            except Exception as error:
                kind = "hung" if isinstance(error, TimeoutError) else "foreign"
                took = time.monotonic() - begin
                self._ledger.problem(kind, f"{turn.__name__}: {error!r} after {took:.3f} s")
            else:
                self._ledger.well("foreign", size)
            finally:
                self._pace.end()

    def _origin(self, name: str) -> str:
        name = name.partition("/")[0]
        scheme = "https" if name.endswith("-tls") else "http"
        return f"{scheme}://localhost:{self._ports[name]}"

    def _piece(self, most: int = 300_000) -> tuple[int, int]:
        return self._choice.randrange(1_000_000), self._choice.randrange(most)

    # --- curl ---------------------------------------------------------------------------

    def _curl_command(self, name: str, *more: str) -> list[str]:
        return [
            "curl", "-sS", "--ipv4", "--cacert", self._cert, "--max-time", f"{self._limit:g}",
            *CURL[name], *more,
        ]  # fmt: skip

    async def _curl(self) -> int:
        """Make two or three downloads over one connection, sometimes slowly."""
        name = self._choice.choice(list(CURL))
        # curl 7.88 can't use a connection with prior knowledge twice, whatever the server
        once = "--http2-prior-knowledge" in CURL[name]
        pieces = [self._piece() for _ in range(1 if once else self._choice.randrange(2, 4))]
        paths = [
            path_of(self._choice.choice(("/bytes", "/whole", "/file")), at, size)
            for at, size in pieces
        ]
        rate = ["--limit-rate", "1M"] if self._choice.random() < 0.2 else []
        command = self._curl_command(name, *rate, *(self._origin(name) + path for path in paths))
        status, out, err = await execute(command, self._limit + 5)
        if status:
            raise Wrong(f"{name} {paths}: status {status}, {err!r}")
        total = 0
        for at, size in pieces:
            total += check(f"curl, {name}", out[total : total + size], at, size)
        if total != len(out):
            raise Wrong(f"{name} {paths}: {len(out):,} bytes instead of {total:,}")
        return total

    async def _curl_post(self) -> int:
        """Upload a body, and compare the echo."""
        name = self._choice.choice(list(CURL))
        at, size = self._piece()
        path = self._choice.choice(("/echo", "/echo-events", "/json"))
        command = self._curl_command(name, "--data-binary", "@-", self._origin(name) + path)
        status, out, err = await execute(command, self._limit + 5, bytes(part(at, size)))
        if status:
            raise Wrong(f"{name} POST {path}: status {status}, {err!r}")
        if path != "/json":
            return size + check(f"curl POST {path}, {name}", out, at, size)
        if json.loads(out) != {"size": size, "sha256": digest(part(at, size))}:
            raise Wrong(f"{name} POST {path}: {out!r}")
        return size

    async def _curl_abort(self) -> int:
        """Start a download that curl cancels."""
        name = self._choice.choice(list(CURL))
        command = self._curl_command(
            name, "--max-time", f"{self._choice.uniform(0.02, 0.08):.3f}", "--limit-rate", "5M",
            self._origin(name) + path_of("/bytes", 0, 3_000_000),
        )  # fmt: skip
        status, out, err = await execute(command, self._limit + 5)
        if status not in (0, CURL_TIMED_OUT):
            raise Wrong(f"{name}, given up: status {status}, {err!r}")
        return check(f"curl, given up, {name}", out, 0, len(out))

    # --- nghttp and h2load --------------------------------------------------------------

    async def _nghttp(self) -> int:
        """Make a download."""
        name = self._choice.choice(list(self._ports))
        at, size = self._piece()
        url = self._origin(name) + path_of("/bytes", at, size)
        return check(f"nghttp, {name}", await self._nghttp_out(url), at, size)

    async def _nghttp_post(self) -> int:
        """Upload a body, and compare the echo."""
        name = self._choice.choice(list(self._ports))
        size = 65_536
        file = Path(self._cert).with_name("root") / str(size)
        out = await self._nghttp_out("-d", str(file), self._origin(name) + "/echo")
        return size + check(f"nghttp POST, {name}", out, 0, size)

    async def _nghttp_out(self, *arguments: str) -> bytes:
        status, out, err = await execute(["nghttp", *arguments], self._limit)
        if status:
            raise Wrong(f"nghttp {arguments}: status {status}, {err!r}")
        return out

    async def _h2load(self) -> int:
        """Make two hundred requests over two connections: all must succeed."""
        name = self._choice.choice([*self._ports, "compat/1.1", "compat-tls/1.1"])
        version = ["--h1"] if name.endswith("/1.1") else ["-m", "10"]
        size, count = 5_000, 200
        command = ["h2load", "-n", str(count), "-c", "2", *version]
        command.append(self._origin(name) + path_of("/whole", 0, size))
        status, out, err = await execute(command, self._limit)
        text = out.decode(errors="replace")
        good = f"{count} succeeded, 0 failed, 0 errored, 0 timeout"
        if status or good not in text:
            found = re.findall("^(?:requests|status codes):.*", text, re.MULTILINE)
            raise Wrong(f"h2load, {name}: status {status}, {found}, {err!r}")
        return count * size

    # --- Node ---------------------------------------------------------------------------

    async def _node(self) -> int:
        """Make a dozen requests of several kinds with Node, over HTTP/2 or HTTP/1.1."""
        name = self._choice.choice([*self._ports, "compat/1.1", "compat-tls/1.1"])
        jobs = []
        for kind in ("get", "post", "trailers", "push", "cancel", "get", "post", "file"):
            if name.endswith("/1.1") and kind in ("trailers", "push"):
                continue
            at, size = self._piece()
            jobs.append({"kind": kind, "at": at, "size": size})
        block = Path(self._cert).with_name("block")
        task = {
            "origin": self._origin(name), "ca": self._cert, "block": str(block), "jobs": jobs,
            "http1": name.endswith("/1.1"), "limit": self._limit,
        }  # fmt: skip
        command = ["node", str(NODE_CLIENT), json.dumps(task)]
        status, out, err = await execute(command, self._limit + 5)
        if status:
            raise Wrong(f"Node, {name}: status {status}, {err!r}")
        total = 0
        answers = json.loads(out)
        for job, sums in zip(jobs, answers, strict=True):
            size = int(job["size"])
            right = digest(part(int(job["at"]), size))
            if job["kind"] != "cancel" and (not sums or any(found != right for found in sums)):
                raise Wrong(f"Node, {name}: {job} gave {sums} instead of {right}")
            total += size * len(sums)
        return total
