"""The course of a run: start, traffic, three pauses to measure, and the end."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .children import Failure, Foreign, Station, execute
from .foreign import Foreigners
from .ledger import Ledger
from .payload import BLOCK
from .report import Report

__all__ = ["Options", "conduct"]

# Seconds that the warm-up may take on a busy machine.
WARMING_UP = 300
# Parts of the time at which memory is measured.
MARKS = (0.1, 0.5, 1.0)
# The traffic of foreign clients, in programs a second, for each 100 transfers of ours.
FOREIGN = 3.0


def warm_ups(seconds: float) -> int:
    """Return how often the whole list is played before the clock starts.

    A heap is as large as its largest contents so far. A long or slow run would
    reach its peak long after the first measurement.
    """
    return min(10, max(1, int(seconds) // 60))


@dataclass
class Options:
    """The options of the command line."""

    seconds: float = 60.0
    rate: float = 100.0
    at_a_time: int = 12
    limit: float = 30.0
    growth: float = 2.0
    patience: float = 15.0
    every: float = 10.0
    server_loop: str = "uvloop"
    client_loop: str = "asyncio"
    alone: bool = False
    fault: list[str] = field(default_factory=list)
    only: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)


async def conduct(options: Options, folder: Path) -> bool:
    """Run; return whether all conditions hold. *folder* is for the served files."""
    ledger = Ledger("soak")
    report = Report(options.seconds, options.growth, ledger)
    async with AsyncExitStack() as stack:
        try:
            run = await _start(options, folder, ledger, report, stack)
            await run.traffic()
            await run.end()
        except (Failure, OSError, TimeoutError) as error:
            ledger.problem("failure", repr(error))
    return report.summary()


async def _start(
    options: Options, folder: Path, ledger: Ledger, report: Report, stack: AsyncExitStack
) -> _Run:
    (folder / "block").write_bytes(BLOCK)
    (folder / "root").mkdir()
    for size in (100, 65_536, 1_048_576):
        (folder / "root" / str(size)).write_bytes(BLOCK[:size])
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    status, _, said = await execute(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-sha256", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert], 60,
    )  # fmt: skip
    if status:
        raise Failure(f"openssl makes no certificate: {said!r}")
    block = str(folder / "block")
    others: dict[str, int] = {}
    if not options.alone:
        for name, starting in (
            ("nghttpd", Foreign.nghttpd(folder / "root")),
            ("node", Foreign.node(block)),
            ("node-tls", Foreign.node(block, cert, key)),
        ):
            other = await starting
            stack.push_async_callback(other.kill)
            others[name] = other.port
    server = await Station.start(
        "server", ledger, loop=options.server_loop, cert=cert, key=key, block=block,
        faults=options.fault,
    )  # fmt: skip
    stack.push_async_callback(server.kill)
    ports: dict[str, int] = (await server.ask("ports"))["ports"]
    client = await Station.start(
        "client", ledger, loop=options.client_loop, cert=cert, ports=ports | others,
        warm_ups=warm_ups(options.seconds),
        rate=options.rate, at_a_time=options.at_a_time, limit=options.limit, faults=options.fault,
        only=options.only, without=options.without,
    )  # fmt: skip
    stack.push_async_callback(client.kill)
    rate = FOREIGN * options.rate / 100
    foreigners = Foreigners(ledger, ports, cert, options.limit, rate)
    stack.push_async_callback(foreigners.stop)
    return _Run(options, ledger, report, server, client, foreigners)


class _Run:
    def __init__(
        self,
        options: Options,
        ledger: Ledger,
        report: Report,
        server: Station,
        client: Station,
        foreigners: Foreigners,
    ) -> None:
        self._options = options
        self._ledger = ledger
        self._report = report
        self._server = server
        self._client = client
        self._foreigners = foreigners
        self._stations = (server, client)
        # a transfer that hangs ends at its own time limit, and is then reported
        self._patience = options.limit + 30
        self._beginning: dict[str, dict[str, Any]] = {}

    async def traffic(self) -> None:
        """Let the traffic run, with a pause at each mark."""
        for station in self._stations:
            self._beginning[station.who] = await station.ask("measure")
        await self._client.ask("warm_up", WARMING_UP)
        begin = time.monotonic()
        self._report.begin(self._stations, self._beginning)
        await self._client.ask("start")
        if not self._options.alone:
            self._foreigners.start()
        next_row = self._options.every
        for mark in MARKS:
            until = mark * self._options.seconds
            while (now := time.monotonic() - begin) < until:
                await asyncio.sleep(min(1.0, until - now))
                await self._tell()
                if time.monotonic() - begin >= next_row:
                    self._report.row(time.monotonic() - begin)
                    next_row += self._options.every
            await asyncio.gather(self._client.ask("rest", self._patience), self._foreigners.rest())
            for station in self._stations:
                held = await station.ask("measure", self._patience)
                self._report.mark(mark, station.who, held["resident"])
            if mark < 1:
                await self._client.ask("resume")
                self._foreigners.resume()
        await self._tell()
        self._report.row(time.monotonic() - begin)

    async def _tell(self) -> None:
        """Fetch the ledgers, and print what is new in them."""
        for station in self._stations:
            await station.ask("told", self._patience)
        self._report.refresh()

    async def end(self) -> None:
        """Close everything; nothing may be left."""
        await self._foreigners.stop()
        await self._client.ask("stop", self._patience)
        # While the long-lived sessions are still there.
        for station in self._stations:
            await station.ask("windows", self._patience)
        await self._client.ask("close", self._patience)
        await self._left_behind(self._client)
        await self._left_behind(self._server)
        sessions = (await self._server.ask("sessions"))["sessions"]
        if sessions:
            self._ledger.problem("left", f"server: {sessions} sessions without a connection")
        await self._server.ask("close", self._patience)
        await self._tell()
        for station in (self._client, self._server):
            await station.end()

    async def _left_behind(self, station: Station) -> None:
        """Check that the numbers of descriptors and tasks return to those of the beginning."""
        began = self._beginning[station.who]
        until = time.monotonic() + self._options.patience
        while True:
            held = await station.ask("measure", self._patience)
            more = [kind for kind in ("descriptors", "tasks") if held[kind] > began[kind]]
            if not more or time.monotonic() > until:
                break
            await asyncio.sleep(0.2)
        self._report.left(station.who, held)
        for kind in more:
            what = f"{station.who}: {held[kind]} {kind} at the end, {began[kind]} at the beginning"
            detail = f": {held['at']}" if kind == "tasks" else ""
            self._ledger.problem("left", what + detail[:2000])
