"""Run examples as a reader does: in separate processes, with warnings as errors."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

from ..support.paths import EXAMPLES

# Runs an example, which calls asyncio.run, on uvloop. Not with uvloop.run, which itself calls
# asyncio.run from Python 3.12 on.
ON_UVLOOP = """
import asyncio, functools, http2, runpy, sys, uvloop


def run(main):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


asyncio.run = run
http2.run = functools.partial(http2.run, loop_factory=uvloop.new_event_loop)
sys.argv.pop(0)
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""

Loop = list[str]
Start = Callable[..., "Program"]


def command(example: str, *args: str, loop: Loop = []) -> list[str]:  # noqa: B006 - never changed
    """Return the command for *example*."""
    return [sys.executable, "-W", "error", *loop, str(EXAMPLES / example), *args]


def run_example(example: str, *args: str, loop: Loop = []) -> str:  # noqa: B006 - never changed
    """Run *example* to its end; return its output. It must not warn about anything."""
    done = subprocess.run(
        command(example, *args, loop=loop), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done
    assert done.stderr == ""
    return done.stdout


class Program:
    """An example that serves until it is stopped."""

    def __init__(self, example: str, *args: str, loop: Loop) -> None:
        self.process = subprocess.Popen(
            command(example, *args, loop=loop),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # a test run in the background ignores Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip

    def line(self) -> str:
        """Return the next line that it prints; a program that prints nothing for long is killed."""
        assert self.process.stdout is not None
        limit = threading.Timer(60, self.process.kill)
        limit.start()
        try:
            return self.process.stdout.readline()
        finally:
            limit.cancel()

    def url(self) -> str:
        """Return the address in the next line that it prints."""
        line = self.line()
        found = re.search(r"https?://\S+/", line)
        assert found, (line, self.process.communicate(timeout=10))
        return found[0]

    def stop(self, number: int = signal.SIGINT) -> str:
        """End it with a signal; return the rest of its output. It must end normally."""
        self.process.send_signal(number)
        try:
            out, err = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            # A signal that arrives just before the loop begins to wait does not wake `asyncio.run`.
            self.process.send_signal(number)
            out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, (self.process.returncode, out, err)
        assert not err, err
        return out


@contextlib.contextmanager
def starting(loop: Loop) -> Iterator[Start]:
    """Start examples on *loop*; those that still run at the end of the block are killed."""
    started: list[Program] = []

    def start(example: str, *args: str) -> Program:
        started.append(Program(example, *args, loop=loop))
        return started[-1]

    yield start
    for program in started:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate()
