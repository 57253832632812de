"""Two instances that are restarted in turn under constant load."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..deploy.files import Place, haproxy, haproxy_sees_both, nginx
from ..support.paths import ROOT
from ..support.running import free_port
from ..support.self_signed import Certificate
from .load import CHURN, FOR_EVER, Figures, client

# Seconds of load before, between and after the restarts.
PAUSE = 0.3
# Seconds that a start or an end may take.
PATIENCE = 30.0

# The configurations are those of examples/deploy.
Proxy = Callable[[Place], list[str]]
WAYS: dict[str, Proxy | None] = {
    "haproxy": partial(haproxy, clear=True),
    "haproxy-tls": partial(haproxy, clear=True),
    "nginx": partial(nginx, clear=True),
    "nginx-grpc": partial(nginx, clear=True, all_grpc=True),
    "direct": None,
    "uvicorn-haproxy": partial(haproxy, clear=True),
    "uvicorn-haproxy-tls": partial(haproxy, clear=True),
}


@dataclass
class Report:
    """The results of a rolling restart."""

    figures: Figures
    restarts: int = 0
    seconds: float = 0
    # the output of the instances, and the longest time of an end
    complaints: list[str] = field(default_factory=list)
    longest: float = 0

    def __str__(self) -> str:
        return (
            f"{self.restarts} restarts in {self.seconds:.1f} s, {self.figures.requests} requests "
            f"on {self.figures.connections} connections, {len(self.figures.failed)} failed, "
            f"{self.figures.unsent} not sent, {self.figures.refused} connections refused, "
            f"longest end {self.longest:.2f} s, {len(self.complaints)} complaints"
        )


class Instance:
    """One of the two instances."""

    def __init__(self, program: str, port: int, options: list[str], report: Report) -> None:
        self._command = [sys.executable, "-m", program, str(port), *options]
        self._report = report
        self._process: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await self._process.stdout.readline()
        assert line == b"ready\n", line
        self._listener = asyncio.ensure_future(self._listen(self._process.stdout))

    async def _listen(self, output: asyncio.StreamReader) -> None:
        while line := await output.readline():
            self._report.complaints.append(line.decode().rstrip())

    async def stop(self) -> None:
        """End it gracefully."""
        assert self._process is not None
        assert self._listener is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            code = await self._process.wait()
            await self._listener
        self._process = None
        self._report.longest = max(self._report.longest, time.monotonic() - began)
        assert code == 0, (code, self._report.complaints)

    def kill(self) -> None:
        """Kill it, after a failed test."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


async def reachable(port: int) -> None:
    """Wait until a connection to *port* is accepted."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.02)


async def no_checks() -> None:
    """For ways without a proxy that checks the instances."""


async def roll(way: str, restarts: int, certificate: Certificate) -> Report:
    """Restart each instance in turn, *restarts* times in total, under load by *way*."""
    report = Report(Figures())
    proxy = WAYS[way]
    tls = certificate if way.endswith("-tls") else None
    options = ["--cert", tls.cert, "--key", tls.key] if tls else []
    first = free_port()
    second = free_port() if proxy else first
    if proxy is None:
        options.append("--reuse-port")
    async with AsyncExitStack() as stack:
        program = f"tests.restarts.{'on_uvicorn' if way.startswith('uvicorn') else 'instance'}"
        instances = [Instance(program, port, options, report) for port in (first, second)]
        for instance in instances:
            stack.callback(instance.kill)
            await instance.start()
        front = first
        settled = no_checks
        if proxy is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            place = Place(folder, certificate, (first, second), tls=tls is not None)
            front = place.front
            process = await asyncio.create_subprocess_exec(
                *proxy(place),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            stack.push_async_callback(process.wait)
            stack.callback(process.terminate)
            await reachable(front)
            if "haproxy" in way:
                settled = partial(haproxy_sees_both, place)
        stop = asyncio.Event()
        limits = (CHURN, CHURN, FOR_EVER) if proxy is None else (FOR_EVER, FOR_EVER)
        load = asyncio.gather(
            *(
                client(f"http://127.0.0.1:{front}", report.figures, stop, limit, proxy is not None)
                for limit in limits
            )
        )
        stack.callback(load.cancel)
        began = time.monotonic()
        for number in range(restarts):
            async with asyncio.timeout(PATIENCE):
                await settled()
            await asyncio.sleep(PAUSE)
            instance = instances[number % 2]
            await instance.stop()
            await instance.start()
            report.restarts += 1
            assert not load.done(), load.result()
        await asyncio.sleep(PAUSE)
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await load
        report.seconds = time.monotonic() - began
        for instance in instances:
            await instance.stop()
    return report
