"""Other programs: only a test with the mark `interop` may start one.

`make check` leaves these tests out, and so works on systems without the programs. An audit hook
(`watch`) detects the programs that a test starts; uvloop starts programs without audit events, so
`running.execute` calls `check` itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from .paths import ROOT

# Modules that count as other programs when Python runs them with -m.
MODULES = {"granian", "gunicorn", "hypercorn", "pyright", "uvicorn"}
# Programs that every system with `make` has, and this library's command.
OURS = {"sh", "http2"}

# Whether the running test has no mark.
_forbidden = False


@contextmanager
def only_ours(forbidden: bool) -> Iterator[None]:
    """Within the block, fail a test that starts another program."""
    global _forbidden
    _forbidden = forbidden
    try:
        yield
    finally:
        _forbidden = False


def is_ours(command: Sequence[str]) -> bool:
    """Return whether *command* is Python, a program of this repository, or on every system."""
    program = Path(command[0])
    if program.name in OURS:
        return True
    if program.name.startswith("python"):
        return not (command[1:2] and MODULES.intersection(after_m(command)))
    return program.is_relative_to(ROOT) and not program.is_relative_to(sys.prefix)


def after_m(command: Sequence[str]) -> Iterator[str]:
    """Return the module behind each ``-m``."""
    for option, value in pairwise(command):
        if option == "-m":
            yield value


def check(command: Sequence[Any]) -> None:
    """Fail the test if it must not start *command*."""
    if _forbidden and not is_ours([str(part) for part in command]):
        pytest.fail(f"{command[0]} is not ours: mark the test with pytest.mark.interop")


def watch(event: str, args: tuple[Any, ...]) -> None:
    """The audit hook for `sys.addaudithook`."""
    if event == "subprocess.Popen" or event == "os.posix_spawn":
        check(args[1])
