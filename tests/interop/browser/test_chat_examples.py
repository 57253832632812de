"""The chat in examples/: two programs, and a browser with the page."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import http2

from ...documentation.programs import Program, run_example
from ...support.running import Run
from .chromium import chromium, key_of, visit


def test_the_chat(run_asyncio: Run, tmp_path: Path) -> None:
    program = Program("websocket_chat.py", "--port", "0", loop=[])
    try:
        url = program.url()
        chat = url.replace("https", "wss") + "chat"

        async def main() -> None:
            trust = await asyncio.to_thread(key_of, url)
            async with chromium(tmp_path, trust) as browser:
                page = await browser.open("Page")
                await visit(page, url)
                async with http2.connect_websocket(chat, reject_unauthorized=False) as ws:
                    assert await ws.recv() == "a visitor joined over HTTP/2.0: 2 here"
                    # a user types, and presses Enter
                    await page.do("Input.insertText", text="hello from the page")
                    await page.do(
                        "Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter",
                        windowsVirtualKeyCode=13, text="\r",
                    )  # fmt: skip
                    assert await ws.recv() == "hello from the page"
                    out = await asyncio.to_thread(
                        run_example, "websocket_client.py", chat, "from", "a terminal"
                    )
                    assert out.splitlines() == [
                        "a visitor joined over HTTP/2.0: 3 here", "from", "a terminal",
                    ]  # fmt: skip
                    while await ws.recv() != "a visitor left: 2 here":
                        pass
                    await ws.send("<b>bye</b>")
                    assert await ws.recv() == "<b>bye</b>"
                shown = await page.evaluate(
                    "new Promise(done => { const look = () => { const lines ="
                    " [...document.querySelectorAll('li')].map(line => line.textContent);"
                    " lines[0] === 'a visitor left: 1 here' ? done(lines) : setTimeout(look, 9) };"
                    " look() })"
                )
                assert shown[:2] == ["a visitor left: 1 here", "<b>bye</b>"]
                assert shown[-1] == "a visitor joined over HTTP/2.0: 1 here"
                assert await page.evaluate("state.textContent") == "connected"

        run_asyncio(main())
    finally:
        out = program.stop()
    assert not re.search("Traceback", out)


def test_a_chat_that_is_not_there() -> None:
    import subprocess

    from ...documentation.programs import command

    done = subprocess.run(
        command("websocket_client.py", "wss://127.0.0.1:1/", "hello"),
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("websocket_client.py: ")
    assert done.stderr.count("\n") == 1
