"""Shared fixtures: event loops that detect what a test leaves behind, certificates, programs.

Tests are plain functions that pass a coroutine to `run`. It runs the coroutine on asyncio and on
uvloop, in debug mode, and fails the test for a task that still exists, for an exception that was
never retrieved, and (through warnings as errors) for a socket that was not closed.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import uvloop

from http2.common.log_limit import limit

from .support import foreign
from .support.debugging import short_stacks
from .support.filing import pattern
from .support.running import Run
from .support.self_signed import Certificate

# A slow or busy machine is no failure, so no example of a property has a deadline. Every run tries
# the same examples, so that a failure after a change is caused by it; "search" tries others.
hypothesis.settings.register_profile("repeat", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("repeat")


sys.addaudithook(foreign.watch)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Fail a test without the mark `interop` if it starts another program."""
    keep_what_is_there(item.path)
    with foreign.only_ours(item.get_closest_marker("interop") is None):
        return (yield)


# The file of the test that ran last.
_file: Path | None = None


def keep_what_is_there(path: Path) -> None:
    """Before a file's first test, freeze living objects, which `run_on` then need not search.

    These are the objects that collecting the tests has created, and pytest's reports on other
    files.
    """
    global _file
    if path != _file:
        _file = path
        gc.collect()
        gc.freeze()


def run_on(loop_factory: Callable[[], asyncio.AbstractEventLoop], main: Any, limit: float) -> Any:
    """Run *main* on a separate loop, and raise for everything that it leaves behind."""
    problems: list[str] = []

    def complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        problems.append(f"{context.get('message')}: {context.get('exception')!r}")

    async def guarded() -> Any:
        asyncio.get_running_loop().set_exception_handler(complain)
        async with asyncio.timeout(limit):
            result = await main
        # closing objects get a few turns to finish
        for _ in range(100):
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if not left:
                break
            await asyncio.sleep(0.005)
        assert not left, f"tasks left behind: {left}"
        return result

    with short_stacks(), asyncio.Runner(loop_factory=loop_factory, debug=True) as runner:
        try:
            result = runner.run(guarded())
        except BaseException:
            # What a failed test has left open must not hide its failure: uvloop hangs for a socket
            # that warns while its loop is closed.
            warnings.simplefilter("ignore", ResourceWarning)
            raise
        gc.collect()
    gc.collect()
    assert not problems, problems
    return result


@pytest.fixture(autouse=True)
def fresh_log() -> None:
    """Clear the limits: log records of earlier tests must not suppress those of this one."""
    limit.forget()


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine on each event loop; see `run_on`. Limit: 60 s."""
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop
    # messages of debug mode about slow callbacks
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    return lambda main: run_on(factory, main, 60)


@pytest.fixture
def run_asyncio() -> Run:
    """Like `run`, on asyncio only, for tests that do not depend on the loop. Limit: 120 s."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    return lambda main: run_on(asyncio.new_event_loop, main, 120)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for this run of the tests."""
    return Certificate.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def background() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start programs that are killed at the end of the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def python() -> str:
    """The tests' interpreter, for programs in a separate process."""
    return sys.executable


@pytest.fixture
def file(tmp_path: Path) -> Callable[[int], Path]:
    """Create a file with that number of bytes."""

    def make(size: int) -> Path:
        path = tmp_path / f"{size}.bin"
        path.write_bytes(pattern(size))
        return path

    return make
