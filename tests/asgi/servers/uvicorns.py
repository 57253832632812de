"""Run uvicorn in a separate process, in its two newest versions."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...support.paths import ROOT

# Where tools/bootstrap installs the version before the newest: in the tests' environment.
BEFORE = Path(sys.prefix) / "uvicorn-before"

VERSIONS = ["newest", "before"]
HTTP = "http2.uvicorn:Http2Protocol"


class Process:
    """A server in another process, and the lines that it prints."""

    def __init__(
        self,
        command: list[str],
        version: str,
        stdin: int = subprocess.DEVNULL,
        more: dict[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(version) | (more or {}), stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            pass_fds=pass_fds,
            # a test run in the background ignores Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        self.url = ""
        self.seen: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def line(self, pattern: str, limit: float = 20) -> str:
        """Return the next line that matches *pattern*; skip others."""
        while True:
            try:
                line = self._lines.get(timeout=limit)
                if line is None:
                    self._lines.put(None)
            except queue.Empty:
                line = None
            assert line is not None, (pattern, self.seen)
            self.seen.append(line)
            if re.search(pattern, line):
                return line

    def stop(self, number: int = signal.SIGINT, limit: float = 20) -> str:
        """End it with a signal; return everything that it has printed."""
        self.process.send_signal(number)
        return self.wait(limit)

    def wait(self, limit: float = 20) -> str:
        """Wait until it ends by itself; return everything that it has printed."""
        self.process.wait(limit)
        self._reader.join(limit)
        while (line := self._lines.get()) is not None:
            self.seen.append(line)
        self._lines.put(None)
        return "".join(self.seen)

    def close(self) -> None:
        """Kill it, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            # its workers too
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def environment(version: str) -> dict[str, str]:
    """Return the environment in which that version is imported."""
    path = [str(ROOT)]
    if version == "before":
        assert BEFORE.is_dir(), "tools/bootstrap test installs it"
        path.insert(0, str(BEFORE))
    return os.environ | {"PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}


@contextmanager
def starting(
    command: list[str],
    version: str,
    said: str = r"https?://[^\s)]+:\d+",
    stdin: int = subprocess.DEVNULL,
) -> Iterator[Process]:
    """Run *command* until the end of the block; *said* is the line with its address."""
    made = Process(command, version, stdin)
    try:
        found = re.search(said, made.line(said))
        assert found
        made.url = found[0]
        yield made
    finally:
        made.close()


@contextmanager
def uvicorn(
    app: str, *options: str, version: str = "newest", loop: str = "uvloop", **more: str
) -> Iterator[Process]:
    """Run the server with *app* on a free port."""
    command = [
        sys.executable, "-m", "uvicorn", app, "--http", HTTP,
        "--port", "0", "--loop", loop, "--no-use-colors", *options,
    ]  # fmt: skip
    with starting(command, version, **more) as process:
        yield process
