"""The list of rows is in order, and its examples run: see tests/rows.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from . import rows
from .conftest import Certificate, Run
from .snippets import Snippet
from .test_docs import run_sequence

EXAMPLES = [group for group in rows.groups() if group.example]


def test_every_row_is_proven_and_every_name_has_a_row() -> None:
    assert rows.problems() == []


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
