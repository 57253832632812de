"""The tables of docs/asgi_servers.md, generated again on the installed servers and compared."""

from __future__ import annotations

import asyncio

import pytest

from .side_by_side import BEGIN, PAGE, cell, columns, find_out

pytestmark = pytest.mark.interop


def written() -> dict[str, dict[tuple[str, str], str]]:
    """Return the tables of the page: by column, the cell of each row."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    section, titles = "", list[str]()
    for line in PAGE.read_text().partition(BEGIN)[2].splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("| |"):
            titles = [title.strip() for title in line.strip("|").split("|")]
        elif line.startswith("| "):
            name, *cells = line[2:-2].split(" | ")
            for title, text in zip(titles[1:], cells, strict=True):
                found.setdefault(title, {})[section, name] = text
    return found


@pytest.mark.parametrize("column", range(4), ids=["ours", "uvicorn", "hypercorn", "granian"])
def test_the_page(column: int) -> None:
    """Each server behaves as its column says, and no row is missing.

    For other servers, the page names the versions; a later one may differ.
    """
    title, servers = list(columns().items())[column]
    page = written()
    if title not in page:
        assert column > 0
        return
    made = {
        (section, name): cell(servers, row)
        for section, table in asyncio.run(find_out(servers)).items()
        for name, row in table.items()
    }
    assert made == page[title]
