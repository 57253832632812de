"""Child processes: pinned to a core, in a group of their own, always ended."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


class Failure(Exception):
    """A program did not do its part; the message says why, in words for the report."""


class Child:
    """A running program and everything that it starts.

    Attributes:
        log: The file that holds its standard output and standard error.
    """

    def __init__(self, command: Sequence[str], log: Path, core: int | None = None) -> None:
        """Start ``command`` from the repository's root, pinned to ``core`` if one is given."""
        self.log = log
        self._started = time.monotonic()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*pinned_to(core), *command],
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, seconds: float) -> str:
        """Wait until it ends by itself, and return what it printed.

        Raises:
            Failure: It did not end within ``seconds``, or not with status 0.
        """
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"did not finish within {seconds:g} s") from None
        if status == 124:
            raise Failure("did not finish in time")
        if status:
            raise Failure(self.last_words())
        return self.log.read_text(errors="replace")

    def wait_for_line(self, seconds: float = 15) -> str:
        """Return the first line that it prints."""
        while time.monotonic() < self._started + seconds:
            first, newline, _ = self.log.read_text(errors="replace").partition("\n")
            if newline and first.isdigit():
                return first
            self._must_run()
            time.sleep(0.02)
        raise Failure(f"did not start within {seconds:g} s")

    def wait_for_port(self, port: int, seconds: float = 15) -> None:
        """Return as soon as something accepts connections on ``port``."""
        while time.monotonic() < self._started + seconds:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            self._must_run()
            time.sleep(0.02)
        raise Failure(f"did not start within {seconds:g} s")

    def wait_for_text(self, text: str, seconds: float) -> bool:
        """Return whether it prints ``text`` within ``seconds`` and before it ends."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended = self._process.poll() is not None
            if text in self.log.read_text(errors="replace"):
                return True
            if ended:
                break
            time.sleep(0.005)
        return False

    def cpu_seconds(self) -> float | None:
        """Return the processor time that the whole group has used, if the system tells."""
        ticks = [int(fields[11]) + int(fields[12]) for fields in self._group()]
        return sum(ticks) / CLOCK_TICKS if ticks else None

    def resident_bytes(self) -> int | None:
        """Return the resident memory of the whole group, if the system tells."""
        pages = [int(fields[21]) for fields in self._group()]
        return sum(pages) * PAGE_SIZE if pages else None

    def last_words(self) -> str:
        """Return the last line that it printed."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else f"ended with status {self._process.returncode}"

    def stop(self) -> None:
        """End the group: ask, wait a second, kill."""
        for number, patience in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if self._process.poll() is not None and not self._group_exists():
                    return
                time.sleep(0.02)

    def _must_run(self) -> None:
        if self._process.poll() is not None:
            raise Failure(f"does not start: {self.last_words()}")

    def _group_exists(self) -> bool:
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _group(self) -> Iterator[list[str]]:
        """Yield, for each process of the group, its fields of /proc/PID/stat after the name."""
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self._process.pid:
                    yield fields


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, core: int | None = None) -> Iterator[Child]:
    """Run ``command`` for as long as the block lasts."""
    child = Child(command, log, core)
    try:
        yield child
    finally:
        child.stop()


def pinned_to(core: int | None) -> list[str]:
    """Return the prefix that makes a command run only on ``core``."""
    return [] if core is None else ["taskset", "-c", str(core)]


def bounded(seconds: float) -> list[str]:
    """Return the prefix that ends a command after at most ``seconds``."""
    return ["timeout", f"{seconds:g}"] if shutil.which("timeout") else []


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
