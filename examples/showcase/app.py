"""A page that shows what HTTP/2 does, as an ASGI application; ``make serve`` runs it.

By hand, in a checkout with ``pip install '.[serve]'``:

    http2 serve examples.showcase.app:app --dev-tls --port 8443

and open https://localhost:8443/ in a browser. A terminal gets text of the same address:

    curl -k --http2 https://localhost:8443/

It needs only an ASGI server. The page names the features that a server or a protocol does
not support.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from . import panels
from .responses import Receive, Scope, Send, answer, early_hints

PAGE = Path(__file__).parent / "page"

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FILES = {f"/{path.name}": path for path in PAGE.iterdir() if path.suffix in KINDS}

# Seconds to generate the page, which simulate a database query: the reason to send status 103.
THINKING = 0.15
HINTS = ["</style.css>; rel=preload; as=style", "</connection.js>; rel=modulepreload"]

# Nothing from other sites, no scripts or styles within the page.
POLICY = b"default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"

HELLO = """\
Hello over HTTP/{version}! This was {method} {path}.
Try /headers, /ticks, and a POST to /echo.
"""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, or serve one WebSocket."""
    if scope["type"] == "http":
        await respond(scope, receive, send)
    elif scope["type"] == "websocket":
        await panels.chat(scope, receive, send)
    else:
        # the lifespan: there is nothing to start, and nothing to shut down
        raise NotImplementedError(scope["type"])


async def respond(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    method, path = scope["method"], scope["path"]
    if path == "/" and wants_page(scope):
        await front_page(scope, send)
    elif path in FILES:
        kind = KINDS[FILES[path].suffix]
        await answer(scope, send, FILES[path].read_bytes(), kind, kept=True)
    elif path in WORK and method in WORK[path][0]:
        await WORK[path][1](scope, receive, send)
    elif path.startswith("/tile/"):
        await panels.tile(scope, send)
    else:
        text = f"Nothing here answers {method} {path}.\n"
        await answer(scope, send, text.encode(), status=404)


def wants_page(scope: Scope) -> bool:
    """Return whether a browser sent the request: curl accepts anything, and gets the text."""
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


async def front_page(scope: Scope, send: Send) -> None:
    """Send the page; while it is generated, Early Hints name the files that it will need."""
    await early_hints(scope, send, HINTS)
    await asyncio.sleep(THINKING)
    body = (PAGE / "index.html").read_bytes()
    more = [(b"content-security-policy", POLICY), (b"vary", b"accept")]
    await answer(scope, send, body, KINDS[".html"], headers=more)


# --- for terminals ---------------------------------------------------------------------------


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Return the version of HTTP in use."""
    query = scope["query_string"].decode("latin-1")
    path = scope["path"] + (f"?{query}" if query else "")
    text = HELLO.format(version=scope["http_version"], method=scope["method"], path=path)
    await answer(scope, send, text.encode(), headers=[(b"vary", b"accept")])


async def headers(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the request's fields, as an application gets them."""
    lines = [name + b": " + value + b"\n" for name, value in scope["headers"]]
    await answer(scope, send, b"".join(lines))


async def ticks(scope: Scope, receive: Receive, send: Send) -> None:
    """Send five lines in a second."""
    start = {"type": "http.response.start", "status": 200}
    await send({**start, "headers": [(b"content-type", b"text/plain; charset=utf-8")]})
    for tick in range(1, 6):
        body = f"tick {tick}\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await asyncio.sleep(0.2)
    await send({"type": "http.response.body"})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the request's body back while it arrives; read only as fast as the client reads."""
    kind = dict(scope["headers"]).get(b"content-type", b"application/octet-stream")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
        body = message.get("body", b"")
        await send({"type": "http.response.body", "body": body, "more_body": more})


READ, WRITE = ("GET", "HEAD"), ("POST", "PUT")

# By path: its methods, and the function that answers.
WORK: dict[str, tuple[tuple[str, ...], Any]] = {
    "/": (READ, hello),
    "/headers": (READ, headers),
    "/ticks": (READ, ticks),
    "/echo": (WRITE, echo),
    "/events": (READ, panels.events),
    "/hints": (READ, panels.hints),
    "/push": (READ, panels.push),
    "/pushed.txt": (READ, panels.pushed),
    "/upload": (WRITE, panels.upload),
}
