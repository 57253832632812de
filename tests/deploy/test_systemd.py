"""The systemd units: their contents, and a server on a socket that is passed to it."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import socket
import subprocess
import sys
from configparser import ConfigParser
from contextlib import ExitStack
from pathlib import Path

import pytest

import http2

from ..asgi.servers.uvicorns import Process, starting
from ..support.running import Run, free_port
from .files import DEPLOY, adapted, program

pytestmark = pytest.mark.interop

# Passes a socket as systemd does.
MANAGER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])
"""
INSTALLED = "/opt/app/venv/bin/http2"


def unit(name: str) -> ConfigParser:
    """A unit, parsed as far as systemd's syntax is that of INI files."""
    found = ConfigParser(interpolation=None)
    # systemd's names have capitals
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(DEPLOY / name)
    return found


def started() -> list[str]:
    """Return the words of `ExecStart`."""
    return shlex.split(unit("app.service")["Service"]["ExecStart"].replace("\\\n", " "))


def command_of_the_service() -> list[str]:
    """Return the command of `ExecStart`, run from this checkout."""
    words = started()
    assert words[0] == INSTALLED
    words[words.index("--app-dir") + 1] = str(DEPLOY)
    return [sys.executable, "-m", "http2", *words[1:]]


COMMANDS = {
    "http2": command_of_the_service(),
    "service": [sys.executable, str(DEPLOY / "service.py"), "--fd", "3"],
}


@pytest.mark.row("beyond.deploy")
def test_the_units_are_valid(tmp_path: Path) -> None:
    """Parsed by systemd, without a message."""
    script = tmp_path / "http2"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    paths = [tmp_path / "app.service", tmp_path / "app.socket"]
    paths[0].write_text(adapted("app.service", {INSTALLED: str(script)}))
    paths[1].write_text(adapted("app.socket", {}))
    done = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", *map(str, paths)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_there_is_time_to_finish() -> None:
    service = unit("app.service")["Service"]
    words = started()
    grace = int(words[words.index("--timeout-graceful-shutdown") + 1])
    assert int(service["TimeoutStopSec"]) > grace
    assert words[words.index("--fd") + 1] == "3"
    assert service["KillMode"] == "mixed"


class Load:
    """Make requests continuously: on new connections, and on one until it accepts no more."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answered = 0
        self.failed: list[str] = []
        self.stopped = False

    async def run(self, limit: int) -> None:
        """Make requests until stopped, *limit* times on each connection."""
        while not self.stopped:
            async with http2.connect(self.url) as session:
                for _ in range(limit):
                    if self.stopped or session.closed:
                        break
                    try:
                        text = await session.request({":path": "/health"}).text()
                    except http2.GoAwayError as error:
                        # the session refused it before anything was sent
                        if error.code != "ERR_HTTP2_GOAWAY_SESSION":
                            self.failed.append(repr(error))
                    except Exception as error:
                        self.failed.append(repr(error))
                    else:
                        assert text == "ready\n"
                        self.answered += 1

    async def more(self, process: Process, count: int = 50) -> None:
        """Wait until *count* more requests were answered."""
        target = self.answered + count
        async with asyncio.timeout(30):
            while self.answered < target:
                assert process.process.poll() is None, process.seen
                await asyncio.sleep(0.02)


@pytest.mark.row("beyond.deploy", "beyond.serve")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_restart_on_the_managers_socket(run_asyncio: Run, name: str) -> None:
    """Clients of a socket that stays open wait for the next instance: no request fails."""

    async def main(sock: socket.socket, stack: ExitStack) -> None:
        def start() -> Process:
            command = [sys.executable, "-c", MANAGER, str(sock.fileno()), *COMMANDS[name]]
            made = Process(command, "newest", pass_fds=[sock.fileno()])
            stack.callback(made.close)
            return made

        load = Load(f"http://127.0.0.1:{sock.getsockname()[1]}")
        first = start()
        asking = asyncio.gather(load.run(1), load.run(3), load.run(10**9))
        await load.more(first)
        first.process.send_signal(signal.SIGTERM)
        log = await asyncio.to_thread(first.wait)
        assert first.process.returncode == 0, log
        second = start()
        await load.more(second)
        load.stopped = True
        await asking
        assert not load.failed
        second.process.send_signal(signal.SIGTERM)
        log += await asyncio.to_thread(second.wait)
        assert second.process.returncode == 0, log
        assert "Traceback" not in log

    with ExitStack() as stack:
        # as systemd does for a unit without ReusePort=
        sock = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2048))
        run_asyncio(main(sock, stack))


@pytest.mark.parametrize("name", COMMANDS)
def test_started_by_systemd_itself(run_asyncio: Run, name: str) -> None:
    """systemd-socket-activate is the part of systemd that opens sockets."""
    port = free_port()
    words = [program("systemd-socket-activate"), "-l", f"127.0.0.1:{port}"]
    for variable in ("PATH", "PYTHONPATH", "PYTHONUNBUFFERED"):
        words += ["-E", variable] if variable in os.environ else []

    async def main() -> None:
        # it waits for the first connection
        async with http2.connect(f"http://127.0.0.1:{port}") as session:
            assert await session.request({":path": "/health"}).text() == "ready\n"

    with starting([*words, *COMMANDS[name]], "newest", "Listening on .*") as process:
        run_asyncio(main())
        log = process.stop(signal.SIGTERM)
    assert process.process.returncode == 0, log
