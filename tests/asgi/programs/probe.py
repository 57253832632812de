"""An application that does one thing on each path that ASGI leaves open, and records what it gets.

`tests/asgi/servers/side_by_side.py` runs it on several servers. The last part of the path is the
case; ``/seen/<case>`` returns what the application has recorded in it, after its end.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}
BODY: dict[str, Any] = {"type": "http.response.body", "body": b"x"}
MORE: dict[str, Any] = {**BODY, "more_body": True}
TRAILERS: dict[str, Any] = {"type": "http.response.trailers", "headers": [(b"x-end", b"1")]}


def with_headers(*headers: Any) -> dict[str, Any]:
    """Return the start of a response with *headers*."""
    return {**START, "headers": list(headers)}


# Responses that consist of messages only.
SCRIPTS: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "start-only": [START],
    "no-end": [START, MORE],
    "start-twice": [START, START, BODY],
    "body-first": [BODY],
    "body-after-end": [START, BODY, BODY],
    "start-after-end": [START, BODY, START],
    "unknown-message": [START, {"type": "http.response.nonsense"}, BODY],
    "unknown-key": [{**START, "nonsense": 1}, {**BODY, "nonsense": 1}],
    "no-status": [{"type": "http.response.start", "headers": []}, BODY],
    "no-headers": [{"type": "http.response.start", "status": 200}, BODY],
    "no-body": [START, {"type": "http.response.body"}],
    "status-text": [{**START, "status": "200"}, BODY],
    "headers-text": [with_headers(("x-a", "b")), BODY],
    "body-text": [START, {**BODY, "body": "x"}],
    "upper-case": [with_headers((b"X-Upper", b"v")), BODY],
    "line-feed": [with_headers((b"x-a", b"b\r\nx-c: d")), BODY],
    "spaces": [with_headers((b"x-a", b" b ")), BODY],
    "pseudo-header": [with_headers((b":path", b"/")), BODY],
    "too-long": [with_headers((b"content-length", b"1")), {**BODY, "body": b"xyz"}],
    "too-short": [with_headers((b"content-length", b"3")), BODY],
    "no-length": [START, MORE, BODY],
    "transfer-encoding": [with_headers((b"transfer-encoding", b"chunked")), BODY],
    "connection-close": [with_headers((b"connection", b"close")), BODY],
    "head": [START, {**BODY, "body": b"hello"}],
    "204": [{**START, "status": 204}, BODY],
    "304": [{**START, "status": 304}, BODY],
    "defaults": [START, BODY],
    "own-defaults": [with_headers((b"date", b"mine"), (b"server", b"mine")), BODY],
    "trailers": [{**START, "trailers": True}, BODY, TRAILERS],
    "early-hint-first": [
        {"type": "http.response.early_hint", "links": [b"</a>; rel=preload"]}, START, BODY,
    ],
    "early-hint": [
        START, {"type": "http.response.early_hint", "links": [b"</a>; rel=preload"]}, BODY,
    ],
}  # fmt: skip

seen: dict[str, Any] = {}
cases: dict[str, Callable[..., Any]] = {}
tasks: set[asyncio.Task[Any]] = set()


def name_of(error: BaseException) -> str:
    """Return the class of *error*; for errors of a server, its public base class."""
    return "OSError" if isinstance(error, OSError) else type(error).__name__


def case(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a case that needs code."""
    cases[function.__name__.replace("_", "-")] = function
    return function


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve *scope*."""
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
        return
    _, kind, name = ["", "", *scope["path"].rsplit("/", 2)][-3:]
    if kind == "seen":
        await answer(send, seen.pop(name, None))
        return
    try:
        if name in SCRIPTS and scope["type"] == "http":
            for message in SCRIPTS[name]:
                await send(message)
            seen[name] = "sent"
        elif name in cases:
            seen[name] = await cases[name](scope, receive, send)
        else:
            # the path has its own case
            await cases["scope"](scope, receive, send)
    except BaseException as error:
        seen[name] = f"raises {name_of(error)}"
        raise


async def answer(send: Any, value: Any) -> None:
    """Respond with *value* as JSON."""
    body = json.dumps(value, default=repr).encode()
    await send(with_headers((b"content-length", b"%d" % len(body))))
    await send({**BODY, "body": body})


# --- requests -----------------------------------------------------------------------------------


@case
async def scope(scope: Any, receive: Any, send: Any) -> str:
    """Return values of the scope."""
    told = {
        key: value if isinstance(value, str | bool) else repr(value)
        for key, value in scope.items()
        if key not in ("headers", "state", "extensions", "asgi")
    }
    told["headers"] = [f"{name.decode()}: {value.decode()}" for name, value in scope["headers"]]
    told["asgi"] = scope["asgi"]
    told["extensions"] = sorted(scope.get("extensions") or ())
    told["state"] = "state" in scope
    told["client type"] = type(scope.get("client")).__name__
    await answer(send, told)
    return "sent"


@case
async def raises_first(scope: Any, receive: Any, send: Any) -> str:
    """Raise before the start."""
    raise KeyError("of mine")


@case
async def raises_after_start(scope: Any, receive: Any, send: Any) -> str:
    """Raise after the start."""
    await send(START)
    raise KeyError("of mine")


@case
async def raises_after_body(scope: Any, receive: Any, send: Any) -> str:
    """Raise in the middle of the body."""
    await send(START)
    await send(MORE)
    raise KeyError("of mine")


@case
async def raises_after_end(scope: Any, receive: Any, send: Any) -> str:
    """Raise after the response."""
    await send(START)
    await send(BODY)
    raise KeyError("of mine")


@case
async def result(scope: Any, receive: Any, send: Any) -> Any:
    """Return a value, which ASGI does not define."""
    await send(START)
    await send(BODY)
    return "sent"


@case
async def no_type(scope: Any, receive: Any, send: Any) -> str:
    """Send a message without a type."""
    await send({"status": 200})
    return "sent"


async def told_within(receive: Any, seconds: float = 0.3) -> str:
    """Return the result of `receive` within *seconds*."""
    try:
        async with asyncio.timeout(seconds):
            return str((await receive())["type"])
    except TimeoutError:
        return "waits"


@case
async def receive_again(scope: Any, receive: Any, send: Any) -> str:
    """Call `receive` after the last part of the body."""
    await receive()
    told = await told_within(receive)
    await send(START)
    await send(BODY)
    return told


@case
async def receive_after_end(scope: Any, receive: Any, send: Any) -> str:
    """Call `receive` after the response."""
    await receive()
    await send(START)
    await send(BODY)
    return await told_within(receive)


@case
async def early_answer(scope: Any, receive: Any, send: Any) -> str:
    """Respond without receiving the body."""
    await send(START)
    await send(BODY)
    return "sent"


@case
async def expect(scope: Any, receive: Any, send: Any) -> str:
    """Receive the body of a client that waits for status 100."""
    while (await receive()).get("more_body"):
        pass
    await send(START)
    await send(BODY)
    return "sent"


@case
async def expect_nothing(scope: Any, receive: Any, send: Any) -> str:
    """Respond without receiving the body of a client that waits for status 100."""
    await send({**START, "status": 413})
    await send(BODY)
    return "sent"


@case
async def gone(scope: Any, receive: Any, send: Any) -> str:
    """Send until the client has disconnected in the middle of the response."""
    told = []
    try:
        await receive()
        await send(START)
        await send(MORE)
        told.append("receive: " + await told_within(receive, 5))
        # later: some servers notice only at a write that a client has disconnected
        for _ in range(3):
            await send(MORE)
            await asyncio.sleep(0.02)
        told.append("send: nothing")
    except asyncio.CancelledError:
        told.append("cancelled")
    except Exception as error:
        told.append(f"send: {name_of(error)}")
    return ", ".join(told)


# --- WebSockets ---------------------------------------------------------------------------------

ACCEPT: dict[str, Any] = {"type": "websocket.accept"}


@case
async def ws_scope(scope: Any, receive: Any, send: Any) -> Any:
    """Return values of the scope."""
    await receive()
    await send(ACCEPT)
    await send({"type": "websocket.close"})
    return {
        "http_version": scope["http_version"],
        "scheme": scope["scheme"],
        "method": scope.get("method"),
        "extensions": sorted(scope.get("extensions") or ()),
    }


@case
async def ws_close_first(scope: Any, receive: Any, send: Any) -> str:
    """Refuse the WebSocket."""
    await receive()
    await send({"type": "websocket.close"})
    return "sent"


@case
async def ws_denial(scope: Any, receive: Any, send: Any) -> str:
    """Refuse the WebSocket with a response."""
    await receive()
    await send({"type": "websocket.http.response.start", "status": 402, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b"pay"})
    return "sent"


@case
async def ws_nothing(scope: Any, receive: Any, send: Any) -> str:
    """Return without an answer."""
    await receive()
    return "sent"


@case
async def ws_raises_first(scope: Any, receive: Any, send: Any) -> str:
    """Raise without an answer."""
    await receive()
    raise KeyError("of mine")


@case
async def ws_send_first(scope: Any, receive: Any, send: Any) -> str:
    """Send a message before accepting."""
    await receive()
    await send({"type": "websocket.send", "text": "x"})
    return "sent"


@case
async def ws_not_offered(scope: Any, receive: Any, send: Any) -> str:
    """Select a subprotocol that the client did not offer."""
    await receive()
    await send({**ACCEPT, "subprotocol": "other"})
    await send({"type": "websocket.close"})
    return "sent"


@case
async def ws_returns(scope: Any, receive: Any, send: Any) -> str:
    """Return while the WebSocket is open."""
    await receive()
    await send(ACCEPT)
    return "sent"


@case
async def ws_raises(scope: Any, receive: Any, send: Any) -> str:
    """Raise while the WebSocket is open."""
    await receive()
    await send(ACCEPT)
    raise KeyError("of mine")


@case
async def ws_both(scope: Any, receive: Any, send: Any) -> str:
    """Send text and bytes in one message."""
    await receive()
    await send(ACCEPT)
    await send({"type": "websocket.send", "text": "text", "bytes": b"bytes"})
    await send({"type": "websocket.close"})
    return "sent"


@case
async def ws_neither(scope: Any, receive: Any, send: Any) -> str:
    """Send a message without text and bytes."""
    await receive()
    await send(ACCEPT)
    await send({"type": "websocket.send"})
    await send({"type": "websocket.close"})
    return "sent"


@case
async def ws_send_after_close(scope: Any, receive: Any, send: Any) -> str:
    """Send a message after the close."""
    await receive()
    await send(ACCEPT)
    await send({"type": "websocket.close"})
    await send({"type": "websocket.send", "text": "x"})
    return "sent"


@case
async def ws_end(scope: Any, receive: Any, send: Any) -> str:
    """Record how the client ends it."""
    await receive()
    await send(ACCEPT)
    told = await receive()
    try:
        await send({"type": "websocket.send", "text": "x"})
        sending = "nothing"
    except Exception as error:
        sending = name_of(error)
    return f"{told.get('code')} {told.get('reason')!r}, send: {sending}"


# --- lifespans ----------------------------------------------------------------------------------


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Behave as the environment variable says."""
    kind = os.environ.get("LIFESPAN", "")
    if kind == "unknown":
        raise KeyError("lifespan")
    if kind == "returns":
        return
    await receive()
    if kind == "raises":
        raise KeyError("lifespan")
    if kind == "fails":
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        return
    await send({"type": "lifespan.startup.complete"})
    if kind == "raises-later":
        raise KeyError("lifespan")
    await receive()
    if kind == "shutdown-fails":
        await send({"type": "lifespan.shutdown.failed", "message": "no disk"})
        return
    await send({"type": "lifespan.shutdown.complete"})
