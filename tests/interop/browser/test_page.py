"""Chromium, and the page of examples/page_server.py: all of its requests."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from ...support.paths import EXAMPLES
from ...support.peers import Start, first_line
from ...support.running import Run
from .chromium import Page, chromium, key_of, visit

COLOURS = ["ff0000", "ff8000", "ffff00", "00ff00", "00ffff", "0000ff", "8000ff", "ff00ff"]

# Chromium does not act on all Early Hints that it gets: in our tests, one visit in six shows no
# effect. If a server sends none, no visit does.
VISITS = 20


def start_page_server(background: Start) -> str:
    """Start the example; return its address."""
    process = background(
        sys.executable, "-W", "error", str(EXAMPLES / "page_server.py"), "--port", "0"
    )
    line = first_line(process)
    found = re.search(r"https://\S+/", line)
    assert found, line
    return found[0]


@pytest.mark.row("response.write_early_hints", "secure_server.alpn")
def test_page(background: Start, run_asyncio: Run, tmp_path: Path) -> None:
    url = start_page_server(background)

    async def main() -> None:
        async with chromium(tmp_path, key_of(url)) as browser:
            page = await browser.open("Page", "Network")
            await check_early_hints(page, url)
            await check_protocols(page, url, "h2")
            await check_pixels(page)
            await check_upload(page, tmp_path, "h2")

    run_asyncio(main())


def test_page_over_http1(background: Start, run_asyncio: Run, tmp_path: Path) -> None:
    """A browser without HTTP/2 shows the same page."""
    url = start_page_server(background)

    async def main() -> None:
        async with chromium(tmp_path, key_of(url), "--disable-http2") as browser:
            page = await browser.open("Page", "Network")
            await visit(page, url)
            await check_protocols(page, url, "http/1.1")
            await check_pixels(page)
            await check_upload(page, tmp_path, "http/1.1")

    run_asyncio(main())


async def check_protocols(page: Page, url: str, protocol: str) -> None:
    """Everything was loaded over *protocol*; over HTTP/2, on one connection."""
    wanted = {url, f"{url}style.css", f"{url}script.js"}
    wanted |= {f"{url}{colour}.png" for colour in COLOURS}
    entries = await page.evaluate(
        "performance.getEntries().filter(entry => 'nextHopProtocol' in entry)"
        ".map(entry => [entry.name, entry.nextHopProtocol, entry.responseStatus])"
    )
    assert {tuple(entry) for entry in entries} == {(name, protocol, 200) for name in wanted}
    responses = [
        params["response"] for name, params in page.events if name == "Network.responseReceived"
    ]
    assert {response["url"] for response in responses} >= wanted
    assert {response["protocol"] for response in responses} == {protocol}
    # resources that Early Hints have fetched are not on the page's own connections: 0
    connections = {response["connectionId"] for response in responses} - {0}
    assert (len(connections) == 1) == (protocol == "h2")


async def check_early_hints(page: Page, url: str) -> None:
    """Status 103 precedes the page; its stylesheet is fetched at once, and used."""
    for _ in range(VISITS):
        await visit(page, url)
        head, style = await page.evaluate(
            f"['{url}', '{url}style.css'].map(name => performance.getEntriesByName(name)[0])"
            ".map(entry => entry.toJSON())"
        )
        assert 0 < head["firstInterimResponseStart"] <= head["finalResponseHeadersStart"]
        colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert colour == "rgb(32, 48, 64)"
        if style["initiatorType"] == "early-hints":
            return
        await page.do("Network.clearBrowserCache")
        await visit(page, f"{url}nowhere")
    raise AssertionError("Early Hints were never acted on")


async def check_pixels(page: Page) -> None:
    """A screenshot shows the effect of the stylesheet, the images and the script."""
    places: list[dict[str, Any]] = await page.evaluate(
        "[...document.images, document.getElementById('script')]"
        ".map(element => element.getBoundingClientRect().toJSON())"
    )
    picture = await page.screenshot()
    assert picture.colour(2, 2) == "203040"
    assert picture.colour(picture.width - 3, picture.height - 3) == "203040"
    assert len(places) == len(COLOURS) + 1
    for place, colour in zip(places, [*COLOURS, "ffffff"], strict=True):
        assert (place["width"] >= 40, place["height"]) == (True, 40), place
        # the edges may be between two pixels
        inside = picture.area(int(place["x"]) + 2, int(place["y"]) + 2, 36, 36)
        assert inside == {colour}, place


async def check_upload(page: Page, folder: Path, protocol: str) -> None:
    """8 MiB that the page's form sends arrive unchanged."""
    body = hashlib.shake_128(b"form").digest(8 << 20)
    file = folder / "file"
    file.write_bytes(body)
    document = await page.do("DOM.getDocument")
    field = await page.do(
        "DOM.querySelector", nodeId=document["root"]["nodeId"], selector="input[type=file]"
    )
    await page.do("DOM.setFileInputFiles", nodeId=field["nodeId"], files=[str(file)])
    page.events.clear()
    await page.evaluate("document.querySelector('form button').click()")
    sent = await page.expect(
        "Network.responseReceived", lambda event: event["response"]["url"].endswith("/upload")
    )
    assert sent["type"] == "Document"
    assert sent["response"]["status"] == 200
    assert sent["response"]["protocol"] == protocol
    await page.expect("Page.loadEventFired")
    answer = json.loads(await page.evaluate("document.body.innerText"))
    assert answer == {"size": 8 << 20, "sha256": hashlib.sha256(body).hexdigest()}
