"""The page that lists a directory, in Chromium: its links, its layout, and hidden files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from ..asgi.servers.uvicorns import Process
from ..interop.browser.chromium import Page, chromium, key_of
from ..interop.browser.pages import (
    DOMAINS,
    check_looks,
    check_names,
    check_quiet,
    press,
    show,
    tab_through,
    visit,
)
from ..support.running import Run
from .serving import serving

pytestmark = pytest.mark.interop

# Names with special characters for HTML, URLs, the browser or the file system.
NAMES = [
    b"plain.txt", b"two words.txt", b" first a space.txt", b"<b>bold & brave.txt",
    b"\"quoted\" and 'quoted'.txt", "größe ümläut.txt".encode(), "日本 🙂.txt".encode(),
    b"100%.txt", b"100%25.txt", b"%2e%2e.txt", b"what?#where.txt", b"a;b,c=d+e&amp;f.txt",
    b"javascript:alert(1).txt", b"https:.txt", b"back\\slash.txt", b"line\nfeed.txt",
    b"latin-1 \xe9.txt", b"long " + b"x" * 200 + b".txt",
]  # fmt: skip

FOLDERS = [b"a & <b>", "übrige %2f".encode(), b"latin-1 \xe9"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with these files, each of which contains its own name, and with hidden ones."""
    root = tmp_path_factory.mktemp("site")
    for name in NAMES:
        Path(os.fsdecode(os.path.join(os.fsencode(root), name))).write_bytes(name)
    for name in FOLDERS:
        folder = Path(os.fsdecode(os.path.join(os.fsencode(root), name)))
        folder.mkdir()
        (folder / "inside.txt").write_bytes(name)
    (root / ".env").write_text("hidden")
    (root / ".git").mkdir()
    return root


@pytest.fixture(scope="module")
def server(site: Path) -> Iterator[Process]:
    """Serve it over TLS."""
    with serving(site, "--dev-tls", "--host", "localhost") as process:
        yield process


LINES = """
[...document.querySelectorAll("li a")].map(link => [link.querySelector("b").textContent, link.href])
"""


def shown(name: bytes) -> str:
    """Return *name* as the page shows it."""
    return name.decode("utf-8", "replace")


@pytest.mark.row("beyond.serve_directory")
def test_its_links(server: Process, run_asyncio: Run, tmp_path: Path) -> None:
    """Each file is listed and a click opens it; hidden files are not listed."""

    async def main() -> None:
        url = f"{server.url}/"
        async with chromium(tmp_path, await asyncio.to_thread(key_of, url)) as browser:
            page = await browser.open(*DOMAINS)
            await visit(page, url)
            lines = await page.evaluate(LINES)
            names = [shown(name) for name in NAMES]
            assert sorted(name for name, _ in lines) == sorted(
                [*names, *(f"{shown(name)}/" for name in FOLDERS)]
            )
            assert await page.evaluate("document.querySelectorAll('li b b').length") == 0
            total = sum(map(len, NAMES))
            assert await page.evaluate("document.querySelector('p').textContent") == (
                f"{len(FOLDERS)} folders, {len(NAMES)} files, {total} B"
            )
            for name, link in lines:
                assert link.startswith(url), link
                body = await page.evaluate(f"fetch({link!r}).then(answer => answer.arrayBuffer())"
                    ".then(data => Array.from(new Uint8Array(data)))")  # fmt: skip
                wanted = unquote_to_bytes(link.removeprefix(url))
                if not name.endswith("/"):
                    assert bytes(body) == wanted, name
            check_quiet(page, url)
            for name in FOLDERS:
                await check_folder(page, url, name)
            # and in the way of a user: a click
            await visit(page, url)
            await page.evaluate("document.querySelector('li:last-child a').click()")
            await page.expect(
                "Network.responseReceived", lambda event: event["response"]["url"] != url
            )
            check_quiet(page, url)

    run_asyncio(main())


async def check_folder(page: Page, url: str, name: bytes) -> None:
    """Go into a folder by keyboard, open a file, and go back with the path at the top."""
    await visit(page, url)
    number = sorted(FOLDERS, key=lambda each: shown(each).casefold()).index(name)
    await page.evaluate(f"document.querySelectorAll('.folder a')[{number}].focus()")
    page.events.clear()
    await press(page, "Enter")
    await page.expect("Page.loadEventFired")
    assert await page.evaluate("document.title") == f"/{shown(name)}/"
    assert await page.evaluate("document.querySelector('h1').innerText") == f"/ {shown(name)}/"
    ((line, link),) = await page.evaluate(LINES)
    assert line == "inside.txt"
    assert unquote_to_bytes(link) == url.encode() + name + b"/inside.txt"
    assert await page.evaluate(f"fetch({link!r}).then(answer => answer.status)") == 200
    # without the slash at its end it is the same folder
    bare = link.removesuffix("/inside.txt")
    assert await page.evaluate(f"fetch({bare!r}).then(answer => answer.url)") == f"{bare}/"
    ways = await page.evaluate("[...document.querySelectorAll('h1 a')].map(way => way.href)")
    assert ways == [url, f"{bare}/"]


def test_its_looks(server: Process, run_asyncio: Run, tmp_path: Path) -> None:
    """Wide, narrow, light, dark; without a mouse; with links that are large enough for touch."""

    async def main() -> None:
        url = f"{server.url}/"
        async with chromium(tmp_path, await asyncio.to_thread(key_of, url)) as browser:
            page = await browser.open(*DOMAINS)
            await visit(page, url)
            await check_looks(page)
            await check_names(page)
            reached = await tab_through(page)
            assert len(reached) == 1 + len(FOLDERS) + len(NAMES)
            await show(page, 390)
            heights = await page.evaluate(
                "[...document.querySelectorAll('li a')].map(link => link.offsetHeight)"
            )
            # WCAG 2.2, success criterion 2.5.5: 44 pixels
            assert min(heights) >= 44

    run_asyncio(main())
