"""A chat over WebSocket, for browsers and programs, over HTTP/2 and HTTP/1.1.

Run it, and open the address that it prints in a browser, in two windows.
The page is sent over HTTP/2, and its WebSocket is a stream of the same connection (RFC 8441).
`websocket_client.py` joins from a terminal. Each start creates a new certificate: a
browser asks whether to trust it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import suppress
from typing import Any

from certificate import make_certificate

import http2

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Chat</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: auto; padding: 1rem }
  form { display: flex; gap: .5rem } input { flex: 1; font: inherit; padding: .5rem }
  button { font: inherit; padding: .5rem 1rem } li { overflow-wrap: anywhere }
</style>
<h1>Chat</h1>
<form>
  <input name="text" autofocus autocomplete="off" aria-label="Message">
  <button>Send</button>
</form>
<p id="state">connecting</p>
<ul id="log"></ul>
<script>
  const ws = new WebSocket(`wss://${location.host}/chat`, "chat");
  const state = document.getElementById("state"), log = document.getElementById("log");
  ws.onopen = () => state.textContent = "connected";
  ws.onclose = event => state.textContent = `closed with ${event.code}`;
  ws.onmessage = event => {
    const line = document.createElement("li");
    line.textContent = event.data;
    log.prepend(line);
  };
  document.forms[0].onsubmit = event => {
    event.preventDefault();
    const text = event.target.text;
    if (text.value) ws.send(text.value);
    text.value = "";
  };
</script>
</html>
"""

people: set[http2.WebSocket] = set()


async def say(text: str) -> None:
    """Send to all people; one that does not receive for two seconds is removed."""

    async def tell(person: http2.WebSocket) -> None:
        try:
            async with asyncio.timeout(2):
                await person.send(text)
        except (http2.WebSocketClosed, TimeoutError):
            people.discard(person)

    await asyncio.gather(*(tell(person) for person in people))


async def chat(request: Any) -> None:
    """Serve one visitor, until the WebSocket is closed."""
    async with http2.accept_websocket(request, subprotocols=["chat"], max_size=4096) as ws:
        people.add(ws)
        try:
            await say(f"a visitor joined over HTTP/{ws.http_version}: {len(people)} here")
            async for message in ws:
                if isinstance(message, str):
                    await say(message)
        finally:
            people.discard(ws)
            await say(f"a visitor left: {len(people)} here")


def page(request: http2.ServerRequest, response: http2.ServerResponse) -> None:
    """Send the page."""
    response.set_header("content-type", "text/html; charset=utf-8")
    response.end(PAGE)


async def main(port: int) -> None:
    """Serve until Ctrl-C."""
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(folder)
        server = http2.create_secure_server(
            page, cert=cert, key=key, allow_http1=True, settings={"enable_connect_protocol": True}
        )
    server.on("connect", chat)  # over HTTP/2
    server.on("upgrade", chat)  # over HTTP/1.1
    await server.listen(port, "127.0.0.1")
    print(f"Chat on https://localhost:{server.address()[1]}/", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8443, help="0 for any free one")
    args = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(main(args.port))
