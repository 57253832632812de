"""Every block of Python in docs/ runs, and prints the output that the page shows.

A block runs by itself, with ``await`` allowed at the top level, on each kind of event loop. A
comment directly before it, ``<!-- snippet: WORD -->``, changes that:

- ``continue``: it continues where the previous block has ended;
- ``session``: `session` is a client's session with `server`, which echoes bodies and
  greets clients that send none;
- ``program``: a complete program, run in a separate process;
- ``server``, ``client``: the same; the client runs while the server does.

``<!-- snippet: output -->`` before a block of text means that the text is the output of the
previous Python block. Port 8000 is replaced by a free port.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

import http2

from ..support.paths import DOCS
from ..support.peers import Start, wait_for_port
from ..support.running import Run, free_port
from ..support.self_signed import Certificate
from .sequences import run_sequence
from .snippets import Snippet, snippets

PAGES = sorted(path for path in DOCS.glob("*.md") if path.name != "benchmarks.md")
PROGRAM_MARKERS = {"program", "server", "client"}
MARKERS = {"", "continue", "session"} | PROGRAM_MARKERS


def sequences(path: Path) -> list[list[Snippet]]:
    """The blocks of a page, with those that continue each other in one sequence."""
    found: list[list[Snippet]] = []
    for snippet in snippets(path):
        assert snippet.marker in MARKERS, snippet
        if snippet.marker == "continue":
            found[-1].append(snippet)
        else:
            found.append([snippet])
    return found


def expected(snippet: Snippet) -> str | None:
    """Return the expected output of *snippet*; None if the page has none."""
    python = snippets(snippet.path)
    later = [other.line for other in python if other.line > snippet.line]
    for text in snippets(snippet.path, "text"):
        if text.marker == "output" and snippet.line < text.line < min(later, default=10**9):
            return text.text
    return None


IN_PROCESS = [
    sequence
    for path in PAGES
    for sequence in sequences(path)
    if sequence[0].marker not in PROGRAM_MARKERS
]
PROGRAMS = [
    sequence[0] for path in PAGES for sequence in sequences(path) if sequence[0].marker == "program"
]
PAIRS = [
    (one[0], two[0])
    for path in PAGES
    for one, two in zip(sequences(path), sequences(path)[1:], strict=False)
    if (one[0].marker, two[0].marker) == ("server", "client")
]


PYTHON = [sys.executable, "-W", "error", "-c"]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine as a reader's program does: without the loop's debug mode.

    In debug mode asyncio reports every client that does not trust the test's certificate.
    """
    problems: list[dict[str, Any]] = []

    def run_on_loop(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.get_loop().set_exception_handler(lambda _, context: problems.append(context))
            result = runner.run(main)
        assert not problems
        return result

    return run_on_loop


def marked(sequence: list[Snippet]) -> Any:
    """Return the parameter of `test_block`: some blocks start curl."""
    starts = any("subprocess" in snippet.text for snippet in sequence)
    return pytest.param(
        sequence, id=str(sequence[0]), marks=[pytest.mark.interop] if starts else []
    )


@pytest.mark.parametrize("sequence", [marked(sequence) for sequence in IN_PROCESS])
def test_block(
    sequence: list[Snippet],
    run: Run,
    certificate: Certificate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copy(certificate.cert, tmp_path / "cert.pem")
    shutil.copy(certificate.key, tmp_path / "key.pem")
    monkeypatch.chdir(tmp_path)
    printed: list[str] = []
    run(run_sequence(sequence, printed))
    for snippet, out in zip(sequence, printed, strict=True):
        text = expected(snippet)
        if text is not None:
            assert out == text, str(snippet)


def run_program(program: Snippet, port: str) -> None:
    """Run *program* to its end, and compare its output."""
    done = subprocess.run(
        [*PYTHON, program.text.replace("8000", port)], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == expected(program)


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_program(program: Snippet) -> None:
    run_program(program, str(free_port()))


@pytest.mark.parametrize(("server", "client"), PAIRS, ids=str)
def test_server_and_client(server: Snippet, client: Snippet, background: Start) -> None:
    port = str(free_port())
    process = background(*PYTHON, server.text.replace("8000", port))
    wait_for_port(process, int(port))
    run_program(client, port)


def test_every_block_is_run() -> None:
    """Every block is run, and every output is compared."""
    run = [snippet for sequence in IN_PROCESS for snippet in sequence]
    run += PROGRAMS + [snippet for pair in PAIRS for snippet in pair]
    assert sorted(map(str, run)) == sorted(str(s) for path in PAGES for s in snippets(path))
    outputs = sum(s.marker == "output" for path in PAGES for s in snippets(path, "text"))
    assert outputs == sum(expected(snippet) is not None for snippet in run)


def test_reference_has_every_public_name() -> None:
    text = (DOCS / "api.md").read_text()
    documented = set(re.findall(r"^\.\. auto\w+:: http2\.(\w+)$", text, re.MULTILINE))
    documented |= set(re.findall(r"`http2\.(\w+)`", text))
    assert set(http2.__all__) <= documented


def test_errors_page_has_every_code() -> None:
    text = (DOCS / "errors.md").read_text()
    assert set(re.findall(r"\bERR_\w+", text)) >= http2.errors.CODES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.name))
def test_links_lead_somewhere(path: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:\s]+)(#[^)]*)?\)", path.read_text()):
        page = path.parent / target
        assert page.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}
            assert anchor[1:] in slugs, (target, anchor)
