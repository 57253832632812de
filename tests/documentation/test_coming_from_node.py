"""The list of rows is complete, and its examples run: see docs/rows.py."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import shutil
from pathlib import Path

import pytest
from docs import rows

from ..support.paths import TESTS
from ..support.running import Run
from ..support.self_signed import Certificate
from .sequences import run_sequence
from .snippets import Snippet

EXAMPLES = [group for group in rows.groups() if group.example]


def test_every_row_is_proven_and_every_name_has_a_row() -> None:
    assert rows.problems() == []


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> dict[str, rows.Row]:
    """A copy of the list, which a test may change."""
    changed = dict(rows.rows())
    monkeypatch.setattr(rows, "rows", lambda: changed)
    return changed


def test_a_row_without_a_test(listed: dict[str, rows.Row], monkeypatch: pytest.MonkeyPatch) -> None:
    found = dict(rows.marks())
    del found["session.ping"]
    found["session.pong"] = ["test_rows.py::nothing"]
    monkeypatch.setattr(rows, "marks", lambda: found)
    assert rows.problems() == [
        "test_rows.py::nothing: there is no row 'session.pong'",
        "session.ping has no test",
    ]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("module.connect", "http2.connect"),
        ("session.event.goaway", "Http2Session: event goaway"),
        ("stream.rst_code", "Http2Stream.rst_code"),
        ("client_session.request.option.signal", "ClientHttp2Session.request: option signal"),
        ("server.option.stream_reset_rate", "server: option stream_reset_rate"),
    ],
)
def test_a_name_without_a_row(listed: dict[str, rows.Row], row: str, name: str) -> None:
    del listed[row]
    assert f"{name} has no row in docs/rows.toml" in rows.problems()


@pytest.mark.parametrize(
    "name",
    [
        "module.nothing", "session.nothing", "stream.event.nothing", "server.option.nothing",
        "server_stream.respond.option.nothing", "server_stream.nothing.option.end_stream",
    ],
)  # fmt: skip
def test_a_row_that_names_nothing(listed: dict[str, rows.Row], name: str) -> None:
    listed[name] = rows.Row(name, "nothing", "Nothing.", None, False)
    assert f"{name} names nothing that exists" in rows.problems()


def test_every_event_that_is_emitted_is_documented() -> None:
    documented = {name for cls in rows.CLASSES.values() for name in rows.events_of(cls)}
    # the call of an observer's callback: there can be no other listener
    documented.add("entries")
    for path in (rows.ROOT / "src" / "http2").rglob("*.py"):
        for event in re.findall(r'\.emit\(\s*"(\w+)"', path.read_text()):
            assert event in documented, (path.name, event)


def test_docstrings_have_no_examples_that_nobody_runs() -> None:
    """Examples are in docs/ and in rows.toml, where they run; docstrings refer to those."""
    finder = doctest.DocTestFinder()
    for path in sorted((rows.ROOT / "src" / "http2").rglob("*.py")):
        module = ".".join(path.relative_to(rows.ROOT / "src").with_suffix("").parts)
        found = importlib.import_module(module.removesuffix(".__init__"))
        assert not [test.name for test in finder.find(found) if test.examples]
        assert "code-block" not in (inspect.getsource(found))


def test_marks_are_those_of_the_tests_that_run(request: pytest.FixtureRequest) -> None:
    """The marks that are read from the sources are those of the tests that pytest collects."""
    collected: dict[str, set[str]] = {}
    for item in request.session.items:
        for mark in item.iter_markers("row"):
            test = f"{item.path.relative_to(TESTS).as_posix()}::{item.name.split('[')[0]}"
            for row in mark.args:
                collected.setdefault(row, set()).add(test)
    for row, tests in collected.items():
        assert tests <= set(rows.marks()[row])


@pytest.mark.parametrize("group", EXAMPLES, ids=lambda group: group.title)
def test_example(
    run_asyncio: Run,
    group: rows.Group,
    certificate: Certificate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copy(certificate.cert, tmp_path / "cert.pem")
    shutil.copy(certificate.key, tmp_path / "key.pem")
    monkeypatch.chdir(tmp_path)
    assert group.example is not None
    text = group.example if group.session else f"import asyncio\nimport http2\n{group.example}"
    marker = "session" if group.session else ""
    run_asyncio(run_sequence([Snippet(rows.LIST, 0, "python", marker, text)], []))


def test_the_page_has_every_row() -> None:
    page = rows.page()
    for row in rows.rows().values():
        assert f"| {row.text} |" in page.replace("\\|", "|"), row.id
