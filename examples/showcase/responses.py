"""Send responses with the fields that all answers of the page share, in plain ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Field = tuple[bytes, bytes]

PLAIN = "text/plain; charset=utf-8"


def connection(scope: Scope) -> str:
    """Return the client's port, which identifies its connection."""
    return str(scope["client"][1]) if scope.get("client") else "unknown"


def common(scope: Scope, *, waited: float = 0, kept: bool = False) -> list[Field]:
    """Return the fields of every response.

    A page may read `server-timing` of everything that it loads, also images: it counts the
    connections with it, and adds up the seconds that we have *waited* on purpose. Caches store a
    *kept* response for a short time, because a file that Early Hints have fetched is read from a
    cache; they store no other response, so that the measurements are real.
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
    """Send status 103 with *links*; return whether this server and connection support it."""
    able = "http.response.early_hint" in scope.get("extensions", {})
    if able:
        hint = {"type": "http.response.early_hint", "links": [link.encode() for link in links]}
        await send(hint)
    return able
