"""Mark the tests in this directory: each starts another program."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, before tests are selected by their marks."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.interop)
