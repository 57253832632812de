"""``make serve``: the page of examples/showcase in Chromium, and its addresses with curl."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    until,
    visit,
)
from ..support.paths import EXAMPLES, ROOT
from ..support.running import Run, execute
from .serving import get, serving


def recipe() -> list[str]:
    """Return the arguments of ``http2 serve`` in the Makefile."""
    text = (ROOT / "Makefile").read_text().replace("\\\n", "")
    found = re.search(r"^\t\$\(bin\)/http2 serve (.*) \$\(ARGS\)$", text, re.MULTILINE)
    assert found
    return shlex.split(found[1])


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    """Run the command of ``make serve`` on other ports."""
    target, *options = recipe()
    with serving(target, *options, "--port", "0", "--clear-port", "0") as process:
        yield process


def addresses(process: Process) -> tuple[str, str]:
    """Return the addresses of the page: over TLS, in the clear."""
    line = next(line for line in process.seen if "addresses" in line)
    found = re.fullmatch(r"  addresses  (https://localhost:\d+/) (http://localhost:\d+/)\n", line)
    assert found, line
    return found[1], found[2]


def test_make_serve_keeps_its_ports() -> None:
    options = recipe()
    assert options[options.index("--port") + 1] == "8443"
    assert options[options.index("--clear-port") + 1] == "8080"
    assert "--dev-tls" in options


@pytest.mark.interop
@pytest.mark.parametrize("page", ["README.md", "docs/examples.md"])
def test_answers_as_the_pages_say(server: Process, run_asyncio: Run, page: str) -> None:
    """Each suggested command gets what the page shows."""
    text = (ROOT / page).read_text()
    text = text[text.index("make serve") :].partition("\n## ")[0]
    shown = re.findall(r"^\$ (curl .*)\n((?:(?![$`]).*\n)+)", text, re.MULTILINE)
    assert len(shown) >= 2
    secure, plain = addresses(server)

    async def main() -> None:
        for line, answer in shown:
            line = line.replace("https://localhost:8443/", secure)
            line = line.replace("http://localhost:8080/", plain)
            assert (await execute(*line.split())).decode() == answer

    run_asyncio(main())


@pytest.mark.interop
def test_in_a_terminal(server: Process, run_asyncio: Run) -> None:
    secure, plain = addresses(server)

    async def main() -> None:
        quiet = ["curl", "-skS", "--max-time", "20"]
        for url in (secure, plain):
            for option, version in (
                ("--http2" if url == secure else "--http2-prior-knowledge", "2"),
                ("--http1.1", "1.1"),
                ("--http1.0", "1.0"),
            ):
                hello = await execute(*quiet, option, url)
                assert hello.startswith(f"Hello over HTTP/{version}! This was GET /.\n".encode())
            headers = await execute(*quiet, "-H", "X-Mine: yes", url + "headers")
            assert b"\nx-mine: yes\n" in headers
        assert await execute(*quiet, plain + "ticks") == b"".join(
            b"tick %d\n" % number for number in range(1, 6)
        )
        body = hashlib.shake_128(b"echo").digest(1_000_000)
        for option in ("--http2", "--http1.1"):
            sent = ["--data-binary", "@-", secure + "echo"]
            assert await execute(*quiet, option, *sent, stdin=body) == body
        code = ["-o", "/dev/null", "-w", "%{http_code}"]
        for path in ("nowhere", "tile/100.svg", "tile/x.svg", "app.py", "..%2fapp.py", "tile/"):
            assert await execute(*quiet, *code, secure + path) == b"404", path
        # push, to a client that accepts it
        frames = (await execute("nghttp", "-v", secure + "push")).decode()
        assert "recv PUSH_PROMISE frame" in frames
        assert "This came without having been asked for." in frames
        assert '{"pushed": ["/pushed.txt"], "http_version": "2"}' in frames

    run_asyncio(main())
    page = get(server, "/", "-H", "accept: text/html", "--http2")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert [status for status, _ in page.informational] == [103]
    assert ("link", "</style.css>; rel=preload; as=style") in page.informational[0][1]


def test_the_page_takes_nothing_from_elsewhere() -> None:
    for path in (EXAMPLES / "showcase" / "page").iterdir():
        # `https://${…}` is this server
        addresses = set(re.findall(r"\bhttps?://[^\s\"'`{}<>$]+", path.read_text()))
        # a namespace is not an address
        assert addresses <= {"http://www.w3.org/2000/svg"}, path


TILES = """
performance.getEntriesByType("resource").filter(entry => /[/]tile[/]/.test(entry.name))
  .map(entry => [entry.nextHopProtocol, entry.responseStatus])
"""


@pytest.mark.interop
@pytest.mark.row("beyond.serve")
def test_the_page(server: Process, run_asyncio: Run, tmp_path: Path) -> None:
    """Over HTTP/2: every panel works, on one connection."""
    url, _ = addresses(server)

    async def main() -> None:
        async with chromium(tmp_path, await asyncio.to_thread(key_of, url)) as browser:
            page = await browser.open(*DOMAINS)
            await show(page, 1280)
            await visit(page, url)
            assert await text(page, "protocol") == "HTTP/2"
            await check_waterfall(page)
            await check_events(page)
            await check_socket(page)
            await check_upload(page, tmp_path)
            await check_hints(page)
            await check_push(page)
            assert await text(page, "connections") == "1"
            requests = int(await text(page, "requests"))
            await press_button(page, "again")
            await until(page, f"+{BY}('requests').textContent >= {requests + 100}")
            assert await text(page, "connections") == "1"
            check_quiet(page, url)
            await check_that_the_server_is_missed(page)

    run_asyncio(main())


BY = "document.getElementById"


async def text(page: Page, name: str) -> Any:
    """Return the text of the element *name*."""
    return (await page.evaluate(f"{BY}({name!r}).textContent")).replace("\xa0", " ")


async def press_button(page: Page, name: str) -> None:
    """Press a button by keyboard."""
    await page.evaluate(f"{BY}({name!r}).focus()")
    await press(page, "Space")


async def says(page: Page, name: str, pattern: str) -> str:
    """Return the text of the element *name* as soon as it matches *pattern*."""
    found = await until(
        page,
        f"{BY}({name!r}).textContent.replaceAll('\\u00a0', ' ').match(/{pattern}/)?.[0]",
    )
    assert isinstance(found, str)
    return found


async def check_waterfall(page: Page, protocol: str = "h2") -> None:
    """A hundred images are shown, and a line for each of them."""
    name, connections = {
        "h2": ("HTTP/2", "1 connection"),
        # the events soon have one of the six connections for themselves
        "http/1.1": ("HTTP/1.1", "[56] connections"),
    }[protocol]
    took = await says(
        page, "waterfall-result", rf"100 images over {name.replace('/', '.')}, .*all\.$"
    )
    assert re.search(rf", {connections}: \d+ ms\.", took)
    assert "has waited 21.7 s" in took
    assert await page.evaluate(TILES) == [[protocol, 200]] * 100
    widths = await page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert widths == [40] * 100
    assert await page.evaluate("document.querySelectorAll('#chart rect').length") == 300
    assert await text(page, "waterfall-protocol") == name
    if protocol == "h2":
        # all were requested before the first response
        begun, there = await page.evaluate(
            "(entries => [Math.max(...entries.map(entry => entry.startTime)),"
            " Math.min(...entries.map(entry => entry.responseEnd))])("
            "performance.getEntriesByType('resource').filter(entry => /tile/.test(entry.name)))"
        )
        assert begun < there


async def check_events(page: Page) -> None:
    """Events arrive until they are stopped, and can be started again."""
    await until(page, f"+{BY}('events-number').textContent >= 3")
    assert await text(page, "events-result") == "A stream on the connection of this page."
    await press_button(page, "events-toggle")
    assert await text(page, "events-state") == "stopped"
    await page.evaluate(
        "window.numbers = []; (number => new MutationObserver(() => numbers.push(number.innerText))"
        f".observe(number, {{childList: true}}))({BY}('events-number'))"
    )
    await press_button(page, "events-toggle")
    await until(page, "numbers.length >= 2")
    assert (await page.evaluate("numbers"))[:2] == ["1", "2"]
    await says(page, "events-state", r"^after \d+ ms$")


async def check_socket(page: Page) -> None:
    """It uses HTTP/2, and echoes the typed text."""
    assert await text(page, "socket-state") == (
        "Over HTTP/2 (RFC 8441): a stream on the connection of this page."
    )
    await says(page, "socket-log", r"^hello\s*back after \d")
    await page.evaluate(f"{BY}('socket-text').select()")
    await page.do("Input.insertText", text="<b>größe</b>")
    await press(page, "Enter")
    last = "document.querySelector('#socket-log li:last-child')"
    await until(page, f"{last}.textContent.startsWith('<b>größe</b>back after')")
    assert await page.evaluate(f"{last}.querySelector('b')") is None


async def check_upload(page: Page, folder: Path) -> None:
    """A file of some MiB arrives unchanged, and its progress is shown."""
    file = folder / "file"
    file.write_bytes(hashlib.shake_128(b"upload").digest(6 << 20))
    document = await page.do("DOM.getDocument")
    field = await page.do(
        "DOM.querySelector", nodeId=document["root"]["nodeId"], selector="input[type=file]"
    )
    await page.do("DOM.setFileInputFiles", nodeId=field["nodeId"], files=[str(file)])
    await page.evaluate(
        f"window.values = []; (bar => new MutationObserver(() => values.push(bar.value))"
        f".observe(bar, {{attributes: true}}))({BY}('upload-progress'))"
    )
    await press_button(page, "upload-start")
    took = await says(page, "upload-result", r"^6\.0 MiB arrived in .*")
    assert took.endswith("The checksums agree.")
    values = await page.evaluate("values")
    assert values == sorted(values)
    assert len({value for value in values if 0 < value < 1}) >= 3, values
    # it was read at 8 MiB a second
    seconds = re.search(r"([\d.]+) s", took)
    assert seconds
    assert float(seconds[1]) >= 0.74


async def check_hints(page: Page) -> None:
    """The page shows when its 103 arrived and what the browser did with it; so does a fetch."""
    hints, answer = await page.evaluate(
        "(entry => [entry.firstInterimResponseStart, entry.finalResponseHeadersStart])"
        "(performance.getEntriesByType('navigation')[0])"
    )
    assert 0 < hints < answer - 100
    # Chromium does not act on all of them
    said = await text(page, "hints-page")
    assert re.match(
        "In between, your browser has fetched style.css|The 103 came, and this time", said
    )
    assert "Status 103 after" in await page.evaluate(f"{BY}('hints-chart').ariaLabel")
    await press_button(page, "hints-ask")
    await says(page, "hints-result", r"^The 103 came after \d+ ms, the answer after \d+ ms\.")


async def check_that_the_server_is_missed(page: Page) -> None:
    """Without a network each panel says so, and works again when the network is back."""
    speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    await page.do("Network.emulateNetworkConditions", offline=True, **speed)
    for panel, button in (
        ("waterfall", "again"),
        ("upload", "upload-start"),
        ("hints", "hints-ask"),
    ):
        await press_button(page, button)
        await says(page, f"{panel}-result", "The server does not answer|The upload was interrupted")
    await page.do("Network.emulateNetworkConditions", offline=False, **speed)
    await press_button(page, "again")
    await says(page, "waterfall-result", "100 images over HTTP.2")


async def check_push(page: Page) -> None:
    """Chromium accepts none, and the page says so."""
    await says(page, "push-result", "^Your browser has said SETTINGS_ENABLE_PUSH = 0")


@pytest.mark.interop
def test_the_page_over_http1(server: Process, run_asyncio: Run, tmp_path: Path) -> None:
    """In the clear a browser shows the same page, without the features of HTTP/2."""
    _, url = addresses(server)

    async def main() -> None:
        async with chromium(tmp_path) as browser:
            page = await browser.open(*DOMAINS)
            await visit(page, url)
            await check_waterfall(page, "http/1.1")
            await says(page, "events-number", "3")
            assert await text(page, "events-result") == "A connection is its own now."
            assert await text(page, "socket-state") == (
                "Over HTTP/1.1 (RFC 6455): on a connection of its own."
            )
            await press_button(page, "upload-start")
            await says(page, "upload-result", r"^8.0 MiB arrived in .*The checksums agree")
            await press_button(page, "hints-ask")
            await says(page, "hints-result", "could not send one here")
            await says(page, "push-result", "HTTP.1.1 has no push")
            assert "over TLS only" in await page.evaluate("document.body.innerText")
            # six for the page, one for the WebSocket; idle ones may have been replaced
            assert int(await text(page, "connections")) >= 7
            check_quiet(page, url)

    run_asyncio(main())


@pytest.mark.interop
def test_how_the_page_looks(server: Process, run_asyncio: Run, tmp_path: Path) -> None:
    """Wide, narrow, light, dark; without a mouse; without animation."""
    url, _ = addresses(server)

    async def main() -> None:
        async with chromium(tmp_path, await asyncio.to_thread(key_of, url)) as browser:
            page = await browser.open(*DOMAINS)
            await visit(page, url)
            await says(page, "waterfall-result", "100 images")
            await press_button(page, "upload-start")
            await says(page, "upload-result", "agree")
            await press_button(page, "hints-ask")
            await says(page, "hints-result", "The 103")
            await check_looks(page)
            await check_names(page)
            assert await tab_through(page) == [
                "again", "events-toggle", "socket-text", "Send", "upload-file", "upload-start",
                "hints-ask", *["Copy"] * 5,
            ]  # fmt: skip
            moving = "getComputedStyle(document.images[0]).transitionDuration"
            assert await page.evaluate(moving) == "0.25s"
            await show(page, 390, "dark", ("prefers-reduced-motion", "reduce"))
            assert await page.evaluate(moving) == "0s"

    run_asyncio(main())


@pytest.mark.interop
def test_it_ends_while_somebody_looks_at_it(tmp_path: Path) -> None:
    """An endless response delays the shutdown for its grace period, and no longer."""
    target, *options = recipe()
    options += ["--port", "0", "--clear-port", "0", "--timeout-graceful-shutdown", "1"]
    with serving(target, *options) as process, contextlib.ExitStack() as stack:
        followers = []
        for version in ("--http2", "--http1.1"):
            for url in addresses(process):
                events = stack.enter_context(subprocess.Popen(
                    ["curl", "-skN", version, "--max-time", "20", url + "events"],
                    stdout=subprocess.PIPE,
                ))  # fmt: skip
                assert events.stdout is not None
                assert events.stdout.readline() == b"id: 1\n"
                followers.append(events)
        process.line("curl -k --http1.1")
        process.seen.clear()
        said = process.stop(limit=10)
        # their responses ended normally
        assert [events.wait(10) for events in followers] == [0] * 4
    assert process.process.returncode == 0
    assert [line for line in said.splitlines() if "Unsupported upgrade" not in line] == [
        "ERROR:    Cancel 4 running task(s), timeout graceful shutdown exceeded"
    ]
