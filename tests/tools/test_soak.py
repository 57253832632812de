"""The soak of `make soak`, for seconds instead of minutes; and with injected faults."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from ..support.paths import ROOT

pytestmark = pytest.mark.slow


def soak(*arguments: str) -> tuple[int, str]:
    """Run it; return its exit status and its output."""
    done = subprocess.run(
        [sys.executable, "-m", "soak", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert not done.stderr, done.stderr[-3000:]
    return done.returncode, done.stdout


@pytest.mark.parametrize(("server", "client"), [("uvloop", "asyncio"), ("asyncio", "uvloop")])
def test_a_few_seconds_of_everything(server: str, client: str) -> None:
    # The first tenth of so short a run is no measure: memory still grows there as it should.
    status, said = soak(
        "--seconds", "4", "--server-loop", server, "--client-loop", client, "--growth", "30"
    )  # fmt: skip
    assert status == 0, said[-5000:]
    counts = re.search(r"expected: (\d+) transfer, (\d+) abort, (\d+) conn.*, (\d+) foreign", said)
    assert counts is not None, said
    assert all(int(count) > 0 for count in counts.groups()), said


# The injected fault, and a line that must report it.
ON_THE_SERVER = {
    "corrupt": r"WRONG .* checksum differs, first at byte",
    "hang": r"WRONG .* client: hung: \w+ with [\w-]+: not done after",
    "raise": r"WRONG .* server: logged: (.*\n)+RuntimeError: planted",
    "leak-memory": r"WRONG server: memory has grown by more than 2 %",
    "leak-task": r"WRONG .* server: \d+ tasks at the end, 1 at the beginning",
    "leak-descriptor": r"WRONG .* server: \d+ descriptors at the end, \d+ at the beginning",
}


def test_faults_of_a_server_are_noticed() -> None:
    planted = [f"--fault={fault}" for fault in ON_THE_SERVER]
    few = ("--alone", "--only", "download", "--only", "form")
    status, said = soak("--seconds", "4", "--limit", "2", "--patience", "0.5", *few, *planted)
    assert status == 1
    for fault, line in ON_THE_SERVER.items():
        assert re.search(line, said), (fault, said[-5000:])
    assert re.search(r"^4 s: WRONG: .*\b\d+ hung\b.*\b1 memory\b", said, re.MULTILINE), said


def test_a_window_that_is_used_up_is_noticed() -> None:
    # nothing enlarges the window
    arguments = ("--alone", "--only", "ping", "--fault", "leak-window")
    status, said = soak("--seconds", "3", "--limit", "2", "--patience", "0.5", *arguments)
    assert status == 1
    assert re.search(r"client: window: core: [\d,]+ of [\d,]+ bytes are left", said), said


def test_nothing_done_is_no_success() -> None:
    status, said = soak("--seconds", "1", "--alone", "--only", "nothing")
    assert status == 1
    assert "1 nothing was transferred" in said
