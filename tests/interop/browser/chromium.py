"""Run Chromium without a window, controlled through the pipe of its DevTools protocol.

Messages are JSON with a zero byte after each: commands on descriptor 3 of the browser, answers and
events on 4 (https://chromedevtools.github.io/devtools-protocol/).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

# Time limit in seconds for everything: on a busy machine a browser starts slowly.
PATIENCE = 25

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage",
    "--hide-scrollbars", "--force-color-profile=srgb", "--no-proxy-server",
)  # fmt: skip

LOG = "chromium.log"

# Starts the browser, with the pipes on the descriptors that it expects.
LAUNCHER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for number, end in enumerate(ends, 3):
    os.dup2(end, number)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Page:
    """A tab: its commands, and its events in order."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser = browser
        self.session = session
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._changed = asyncio.Event()

    async def do(self, method: str, **params: Any) -> dict[str, Any]:
        """Run a command; return its result."""
        return await self.browser.do(method, self.session, **params)

    def add(self, method: str, params: dict[str, Any]) -> None:
        """Store an event."""
        self.events.append((method, params))
        self._changed.set()

    async def expect(
        self, method: str, fits: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        """Return the first event *method* that *fits*; wait for it if necessary."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for name, params in self.events:
                    if name == method and fits(params):
                        return params
                self._changed.clear()
                await self._changed.wait()

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript *expression*, awaited if it is a promise."""
        done = await self.do(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    async def screenshot(self) -> Picture:
        """Return a screenshot of the page."""
        done = await self.do("Page.captureScreenshot", format="png")
        return Picture.decode(base64.b64decode(done["data"]))


class Browser:
    """A running Chromium; see `chromium`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.WriteTransport) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}

    async def do(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Run a command for the browser or a page; return its result."""
        number = next(self._ids)
        command = {"id": number, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps(command).encode() + b"\0")
        async with asyncio.timeout(PATIENCE):
            return await answer

    async def open(self, *domains: str) -> Page:
        """Open a new, empty page that reports events of *domains*, such as ``Network``."""
        target = await self.do("Target.createTarget", url="about:blank")
        attached = await self.do("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        session = attached["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in domains:
            await page.do(f"{domain}.enable")
        return page

    async def listen(self) -> None:
        """Dispatch the browser's messages until it ends."""
        while True:
            try:
                text = await self._reader.readuntil(b"\0")
            except asyncio.IncompleteReadError:
                break
            message = json.loads(text[:-1])
            if "id" in message:
                answer = self._waiting.pop(message["id"])
                if answer.done():
                    continue
                if "error" in message:
                    answer.set_exception(AssertionError(message["error"]))
                else:
                    answer.set_result(message["result"])
            elif (page := self._pages.get(message.get("sessionId"))) is not None:
                page.add(message["method"], message["params"])
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(AssertionError("the browser has ended"))


def launch(
    folder: Path, flags: tuple[str, ...]
) -> tuple[subprocess.Popen[bytes], BinaryIO, BinaryIO]:
    """Start the browser; return this side's ends of its pipes: for reading, for writing."""
    # Fedora uses the second name; if both are missing, the error names the first
    program = next(filter(shutil.which, ("chromium", "chromium-browser")), "chromium")
    their_input, our_output = os.pipe()
    our_input, their_output = os.pipe()
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(their_input), str(their_output), program,
             *FLAGS, f"--user-data-dir={folder / 'profile'}", "--remote-debugging-pipe", *flags],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            pass_fds=(their_input, their_output), start_new_session=True,
            env=os.environ | {"HOME": str(folder)},
        )  # fmt: skip
    os.close(their_input)
    os.close(their_output)
    return process, os.fdopen(our_input, "rb", 0), os.fdopen(our_output, "wb", 0)


@contextlib.asynccontextmanager
async def chromium(folder: Path, *flags: str) -> AsyncIterator[Browser]:
    """A browser with a new profile in *folder*; nothing of it is left when the block ends."""
    loop = asyncio.get_running_loop()
    process, source, sink = launch(folder, flags)
    reader = asyncio.StreamReader(limit=64 << 20)
    incoming, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
    writer, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, sink)
    browser = Browser(reader, writer)
    listening = loop.create_task(browser.listen())
    try:
        try:
            yield browser
        except AssertionError as error:
            error.add_note((folder / LOG).read_text(errors="replace")[-3000:])
            raise
        await browser.do("Browser.close")
        await asyncio.wait_for(listening, PATIENCE)
    finally:
        listening.cancel()
        incoming.close()
        writer.close()
        # its child processes are in its group, and end with it
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.to_thread(process.wait)


@dataclass(frozen=True)
class Picture:
    """The pixels of a PNG with 8 bits a sample, as in screenshots (RFC 2083)."""

    width: int
    height: int
    samples: int
    """Bytes of a pixel: 3, or 4 with opacity."""
    rows: list[bytes]

    def colour(self, x: int, y: int) -> str:
        """Return the colour of a pixel, such as ``'ff8000'``."""
        return self.rows[y][x * self.samples : x * self.samples + 3].hex()

    def area(self, x: int, y: int, width: int, height: int) -> set[str]:
        """Return the colours in a rectangle."""
        return {self.colour(i, j) for j in range(y, y + height) for i in range(x, x + width)}

    @classmethod
    def decode(cls, png: bytes) -> Picture:
        """Parse a PNG that is not interlaced."""
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        at, data, head = 8, b"", b""
        while at < len(png):
            size, kind = struct.unpack_from(">I4s", png, at)
            body = png[at + 8 : at + 8 + size]
            assert struct.unpack_from(">I", png, at + 8 + size) == (zlib.crc32(kind + body),)
            if kind == b"IHDR":
                head = body
            elif kind == b"IDAT":
                data += body
            at += size + 12
        width, height, depth, colours, *rest = struct.unpack(">IIBBBBB", head)
        assert (depth, rest) == (8, [0, 0, 0])
        samples = {2: 3, 6: 4}[colours]
        raw = zlib.decompress(data)
        rows, before = [], bytes(width * samples)
        for start in range(0, len(raw), width * samples + 1):
            line = raw[start + 1 : start + 1 + width * samples]
            before = unfilter(raw[start], line, before, samples)
            rows.append(before)
        assert len(rows) == height
        return cls(width, height, samples, rows)


def unfilter(kind: int, line: bytes, above: bytes, samples: int) -> bytes:
    """Return a row of pixels without a PNG's filter (RFC 2083 section 6)."""
    row = bytearray(line)
    for i, value in enumerate(line):
        left = row[i - samples] if i >= samples else 0
        corner = above[i - samples] if i >= samples else 0
        if kind == 1:
            row[i] = (value + left) & 255
        elif kind == 2:
            row[i] = (value + above[i]) & 255
        elif kind == 3:
            row[i] = (value + (left + above[i]) // 2) & 255
        elif kind == 4:
            row[i] = (value + paeth(left, above[i], corner)) & 255
    return bytes(row)


def paeth(left: int, up: int, corner: int) -> int:
    """Return the neighbour that is closest to left + up - corner (RFC 2083 section 6.6)."""
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def key_of(url: str) -> str:
    """Return the option that makes Chromium trust the key of the server at *url*, and no other.

    A browser that ignores the errors of every certificate stores nothing in its cache: it would
    fetch the files that Early Hints name twice.
    """
    shown = ["openssl", "s_client", "-connect", url.removeprefix("https://").strip("/")]
    certificate = subprocess.run(shown, input=b"", capture_output=True, timeout=30).stdout
    key = subprocess.run(
        ["openssl", "x509", "-noout", "-pubkey"], input=certificate, capture_output=True,
        timeout=30, check=True,
    ).stdout  # fmt: skip
    der = base64.b64decode(b"".join(key.split(b"\n")[1:-2]))
    digest = base64.b64encode(hashlib.sha256(der).digest()).decode()
    return f"--ignore-certificate-errors-spki-list={digest}"


async def visit(page: Page, url: str) -> None:
    """Load *url*, and wait until it is complete."""
    page.events.clear()
    went = await page.do("Page.navigate", url=url)
    assert "errorText" not in went, went
    await page.expect("Page.loadEventFired")
