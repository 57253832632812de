"""Chromium as a client over ``wss:``: on the HTTP/2 connection of the page."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import http2
from http2.websocket import WebSocket

from ...support.running import Run
from ...support.self_signed import Certificate
from ...support.serving import listening
from ...websocket.ways import CONNECT_PROTOCOL
from .chromium import chromium, key_of, visit

# Opens a WebSocket, sends each of `messages`, waits for as many echoes, and closes it.
SCRIPT = """
new Promise(done => {
  const ws = new WebSocket(`wss://${location.host}%s`, ["two", "one"]);
  ws.binaryType = "arraybuffer";
  const seen = {opened: null, echoes: []}, messages = [
    "hello", "", "κόσμε 🙂", "x".repeat(200000),
    new Uint8Array([0, 255, 7]), new Uint8Array(100000).fill(9)];
  ws.onopen = () => {
    seen.opened = [ws.protocol, ws.extensions];
    for (const message of messages) ws.send(message);
  };
  ws.onmessage = event => {
    const data = event.data;
    seen.echoes.push(typeof data === "string" ? [data.slice(0, 20), data.length]
                     : [Array.from(new Uint8Array(data).slice(0, 3)), data.byteLength]);
    if (seen.echoes.length === messages.length) %s;
  };
  ws.onclose = event => done({...seen, closed: [event.code, event.reason, event.wasClean]});
})
"""

ECHOES = [
    ["hello", 5], ["", 0], ["κόσμε 🙂", 8], ["x" * 20, 200000], [[0, 255, 7], 3], [[9] * 3, 100000],
]  # fmt: skip


def test_chromium(run_asyncio: Run, certificate: Certificate, tmp_path: Path) -> None:
    ends: list[tuple[Any, ...]] = []
    connections = set()

    async def echo(request: Any) -> None:
        connections.add(request.socket.remote_port)
        try:
            async with http2.accept_websocket(request, subprotocols=["one", "two"]) as ws:
                await serve(ws)
        finally:
            ends.append((ws.http_version, ws.path, ws.close_code, ws.close_reason))

    async def serve(ws: WebSocket) -> None:
        if ws.path == "/too-large":
            await ws.send("x" * 10)
            await ws.recv()
        async for message in ws:
            await ws.send(message)
            if ws.path == "/server" and len(message) == 100000:
                await ws.close(4001, "enough for today")

    def page(request: Any, response: Any) -> None:
        connections.add(request.socket.remote_port)
        response.set_header("content-type", "text/html")
        response.end("<!doctype html><link rel=icon href='data:,'><title>page</title>")

    async def main() -> None:
        server = http2.create_secure_server(
            page,
            cert=certificate.cert,
            key=certificate.key,
            allow_http1=True,
            settings=CONNECT_PROTOCOL,
        )
        server.on("connect", echo)
        server.on("upgrade", echo)
        async with listening(server) as port:
            url = f"https://localhost:{port}/"
            trust = await asyncio.to_thread(key_of, url)
            # it would keep a page that was left, and its WebSocket
            flags = (trust, "--disable-features=BackForwardCache")
            async with chromium(tmp_path, *flags) as browser:
                tab = await browser.open("Page", "Network")
                await visit(tab, url)
                seen = await tab.evaluate(SCRIPT % ("/client?x=1", 'ws.close(4000, "so long")'))
                assert seen["opened"][0] == "one"
                assert seen["opened"][1].startswith("permessage-deflate")
                assert seen["echoes"] == ECHOES
                assert seen["closed"] == [4000, "so long", True]

                seen = await tab.evaluate(SCRIPT % ("/server", "0"))
                assert seen["echoes"] == ECHOES
                assert seen["closed"] == [4001, "enough for today", True]

                # several at once, and requests beside them
                many = ", ".join(SCRIPT % (f"/many{n}", "ws.close(1000)") for n in range(5))
                seen = await tab.evaluate(f"Promise.all([{many}, fetch('/').then(r => r.status)])")
                assert [entry["echoes"] for entry in seen[:5]] == [ECHOES] * 5
                assert [entry["closed"] for entry in seen[:5]] == [[1000, "", True]] * 5
                assert seen[5] == 200

                # a message that is too large closes it with 1009
                large = "ws.send(new Uint8Array(4 << 20))"
                wait = SCRIPT.replace("seen.echoes.length === messages.length", "true")
                wait = wait.replace("for (const message of messages) ws.send(message);", "")
                seen = await tab.evaluate(wait % ("/too-large", large))
                assert seen["closed"][0] == 1009

                # a page that is left may send a Close frame or not: the handler
                # gets the end either way
                await tab.evaluate(
                    "new Promise(done => { window.ws = new WebSocket("
                    "`wss://${location.host}/left`); window.ws.onopen = () => done(1) })"
                )
                count = len(ends)
                await visit(tab, "about:blank")
                async with asyncio.timeout(20):
                    while len(ends) == count:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                assert ends[-1][:2] == ("2.0", "/left")
                assert ends[-1][2] in (1001, 1005, 1006)
            assert len(connections) == 1

    run_asyncio(main())
    found = {path: (version, code, reason) for version, path, code, reason in ends}
    assert found["/client?x=1"] == ("2.0", 4000, "so long")
    assert found["/server"] == ("2.0", 4001, "enough for today")
    assert found["/too-large"][:2] == ("2.0", 1009)
    assert all(found[f"/many{n}"] == ("2.0", 1000, "") for n in range(5))


def test_chromium_over_http1(run_asyncio: Run, certificate: Certificate, tmp_path: Path) -> None:
    """A browser without HTTP/2 opens the same WebSocket with an upgrade."""
    versions = []

    async def echo(request: Any) -> None:
        async with http2.accept_websocket(request, subprotocols=["one", "two"]) as ws:
            versions.append(ws.http_version)
            async for message in ws:
                await ws.send(message)

    def page(request: Any, response: Any) -> None:
        response.set_header("content-type", "text/html")
        response.end("<!doctype html><link rel=icon href='data:,'><title>page</title>")

    async def main() -> None:
        server = http2.create_secure_server(
            page, cert=certificate.cert, key=certificate.key, allow_http1=True
        )
        server.on("upgrade", echo)
        async with listening(server) as port:
            url = f"https://localhost:{port}/"
            trust = await asyncio.to_thread(key_of, url)
            async with chromium(tmp_path, trust, "--disable-http2") as browser:
                tab = await browser.open("Page")
                await visit(tab, url)
                seen = await tab.evaluate(SCRIPT % ("/", 'ws.close(4000, "so long")'))
                assert seen["opened"][1].startswith("permessage-deflate")
                assert seen["echoes"] == ECHOES
                assert seen["closed"] == [4000, "so long", True]

    run_asyncio(main())
    assert versions == ["1.1"]
