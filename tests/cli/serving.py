"""Run ``http2 serve`` in a separate process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..asgi.asking import Answer, ask
from ..asgi.servers.uvicorns import Process, environment, starting
from ..support.paths import ROOT

COMMAND = [sys.executable, "-W", "error", "-m", "http2", "serve"]


@contextmanager
def serving(
    target: str | Path, *options: str, version: str = "newest", stdin: int = subprocess.DEVNULL
) -> Iterator[Process]:
    """Run the command with *target* on a free port."""
    command = [*COMMAND, str(target), "--port", "0", "--no-use-colors", *options]
    with starting(command, version, stdin=stdin) as process:
        yield process


def get(process: Process, path: str, *options: str, version: str = "2") -> Answer:
    """Request *path* with curl, unchanged."""
    return asyncio.run(ask(process.url, "--path-as-is", *options, version=version, path=path))


def failing(*arguments: str | Path, folder: Path = ROOT) -> tuple[int, str]:
    """Return the exit status of the command and its output, for a start that fails."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=folder, env=environment("newest"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout
