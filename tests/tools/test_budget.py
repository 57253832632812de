"""`benchmarks.budget`: its parser and its sums, with profiles that no valgrind has written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks import budget
from benchmarks.programs.load.rounds import REQUESTS

NGHTTP2 = "/usr/lib/x86_64-linux-gnu/libnghttp2.so.14.24.1"
ENGINE = "/checkout/.venv/lib/http2/build/cp311/connection.so"
PYTHON = "/usr/bin/python3.11"
# The divisor of all sums: a profile has so many requests.
ALL = budget.ROUNDS * REQUESTS


def profile(**instructions: int) -> str:
    """Return a profile in which the interpreter also calls nghttp2, at a cost that is nghttp2's."""
    return f"""\
# callgrind format
version: 1
creator: callgrind-3.19.0
events: Ir

ob={PYTHON}
fl=ceval.c
fn=eval
16 {instructions["python"] - 30 * ALL}
+4 {10 * ALL}
* {10 * ALL}
cob={NGHTTP2}
cfn=nghttp2_session_mem_send
calls=20 100
-2 {instructions["nghttp2"]}
+1 {10 * ALL}

ob={NGHTTP2}
fn=nghttp2_session_mem_send
100 {instructions["nghttp2"]}

ob={ENGINE}
fn=send
7 {instructions["engine"]}

summary: 123456789
totals: 123456789
"""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of `budget.count`, which get profiles without running anything."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        (out,) = (word.partition("=")[2] for word in command if "callgrind-out-file" in word)
        with_collector = {"nghttp2": 7 * ALL, "engine": 5 * ALL, "python": 1100 * ALL}
        Path(f"{out}.2").write_text(profile(**with_collector))
        Path(f"{out}.3").write_text(profile(**{**with_collector, "python": 1080 * ALL}))
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_a_profile(tmp_path: Path) -> None:
    """Each object has its own instructions: those of called functions are not added to it."""
    (path := tmp_path / "out").write_text(profile(nghttp2=70 * ALL, engine=5, python=40 * ALL))
    assert budget.costs(path) == {NGHTTP2: 70 * ALL, ENGINE: 5, PYTHON: 40 * ALL}


def test_the_parts_of_a_request(counted: list[list[str]]) -> None:
    """The collector's part is the difference between the rounds with it and those without it."""
    assert budget.count(budget.SCENARIOS["http1-post"]) == {
        budget.NGHTTP2: 7,
        budget.ENGINE: 5,
        budget.INTERPRETER: 1100,
        budget.COLLECTOR: 20,
        budget.TOTAL: 1112,
    }
    (command,) = counted
    assert command[0] == "valgrind"
    assert command[-4:-1] == ["1.1", "json_post", str(budget.ROUNDS)]


def test_the_table(
    counted: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["budget", "core", "http1-loop"])
    budget.main()
    assert capsys.readouterr().out.splitlines() == [
        "| instructions per request | HTTP/2, Core API, function | HTTP/1.1, no HTTP |",
        "|---|---:|---:|",
        "| nghttp2 | 7 | 7 |",
        "| this library's compiled code | 5 | 5 |",
        "| the interpreter: this library, the loop, the handler | 1,100 | 1,100 |",
        "| of these, the collector | 20 | 20 |",
        "| all | 1,112 | 1,112 |",
    ]
    assert [command[-4:-2] for command in counted] == [["2", "hello/stream"], ["1.1", "loop"]]


def failing(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
    """Fail like valgrind for a program that raises."""
    return subprocess.CompletedProcess(command, 1, b"", b"ModuleNotFoundError: no such program")


@pytest.mark.parametrize(
    ("run", "names", "message"),
    [
        (failing, ["core"], "no such program"),
        (None, ["core", "http3"], "unknown: http3"),
    ],
)
def test_failures(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    run: Callable[..., Any] | None,
    names: list[str],
    message: str,
) -> None:
    """Nothing is counted, and the error says why."""
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["budget", *names])
    with pytest.raises(SystemExit) as caught:
        budget.main()
    assert message in f"{caught.value.code}{capsys.readouterr().err}"


def test_scenarios() -> None:
    """Each has its own heading, and one of the two protocols."""
    titles = [(scenario.protocol, scenario.title) for scenario in budget.SCENARIOS.values()]
    assert len(set(titles)) == len(titles)
    assert {protocol for protocol, _ in titles} == {"1.1", "2"}
