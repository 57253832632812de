"""What all answers of the page have in common, in plain ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Field = tuple[bytes, bytes]

PLAIN = "text/plain; charset=utf-8"


def connection(scope: Scope) -> str:
    """What tells the connections of one client apart: its port."""
    return str(scope["client"][1]) if scope.get("client") else "unknown"


def common(scope: Scope, *, waited: float = 0, kept: bool = False) -> list[Field]:
    """Fields of every answer.

    A page may read `server-timing` of everything that it loads, images too: it counts the
    connections with it, and sums up the seconds that we have *waited* on purpose. Caches keep what
    is to be *kept* for a short time, for what Early Hints have fetched comes out of a cache; the
    rest they don't, so that what is measured has happened.
    """
    timing = f'connection;desc="{connection(scope)}", wait;dur={waited * 1000:.0f}'
    return [
        (b"server-timing", timing.encode()),
        (b"cache-control", b"max-age=10" if kept else b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]


async def answer(
    scope: Scope,
    send: Send,
    body: bytes,
    kind: str = PLAIN,
    *,
    status: int = 200,
    headers: Iterable[Field] = (),
    waited: float = 0,
    kept: bool = False,
) -> None:
    """Send a whole response."""
    fields = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        *common(scope, waited=waited, kept=kept),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def early_hints(scope: Scope, send: Send, links: Iterable[str]) -> bool:
    """Send status 103 with *links*; whether this server and this connection can."""
    able = "http.response.early_hint" in scope.get("extensions", {})
    if able:
        hint = {"type": "http.response.early_hint", "links": [link.encode() for link in links]}
        await send(hint)
    return able
