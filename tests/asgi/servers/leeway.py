"""The cases that ASGI leaves open: the request of each, and the part of the answer that counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import websockets

import http2

from .side_by_side import Client, Outcome

Case = Callable[[Client], Awaitable[str]]


def sent(case: str, *options: str, told: Callable[[Outcome], str] = str) -> Case:
    """Return the response of *case*, and the exception that the application's `send` has raised."""

    async def find(client: Client) -> str:
        answer = told(await client.ask(case, *options))
        noted = await client.seen(case)
        raised = noted.removeprefix("raises ")
        return answer if raised == noted else f"{answer}; `{raised}`"

    return find


def noted(case: str, *options: str, stdin: bytes | None = None) -> Case:
    """Return what the application has recorded in *case*."""

    async def find(client: Client) -> str:
        await client.ask(case, *options, stdin=stdin)
        return str(await client.seen(case))

    return find


def scope_of(*keys: str, options: tuple[str, ...] = (), target: str = "", only: str = "") -> Case:
    """Return some *keys* of the scope for a request of *target*."""

    async def find(client: Client) -> str:
        if only and client.version != only:
            return "–"
        told = await client.scope(*options, target=target)
        if "refused" in told:
            return str(told["refused"] or "no response")
        return ", ".join(f"`{told[key]}`" for key in keys)

    return find


def fields(*names: str) -> Callable[[Outcome], str]:
    """Return the fields with these names."""

    def told(answer: Outcome) -> str:
        found = [f"`{value}`" for name in names for value in answer.has(name)]
        return (", ".join(found) or "none") if answer.status == 200 else str(answer)

    return told


def counts(*names: str) -> Callable[[Outcome], str]:
    """Return the number of fields with these names."""
    return lambda answer: ", ".join(f"{len(answer.has(name))} {name}" for name in names)


def framing(answer: Outcome) -> str:
    """Return how the end of a body is marked, and whether the connection stays open."""
    names = ("transfer-encoding", "content-length", "connection")
    found = [f"{name}: {value}" for name in names for value in answer.has(name)]
    return f"{answer}" + (f", `{', '.join(found)}`" if found else "")


def raw_names(answer: Outcome) -> str:
    """Return the name of a field, as sent."""
    found = [line for line in answer.raw.split(b"\r\n") if line.lower().startswith(b"x-upper")]
    return f"`{found[0].decode()}`" if found else str(answer)


def hints(answer: Outcome) -> str:
    """Return the informational responses."""
    return f"{', '.join(map(str, answer.informational)) or 'none'}, then {answer}"


def trailers(answer: Outcome) -> str:
    """Return whether trailers were received after the body."""
    if answer.status != 200:
        return str(answer)
    # curl prints those of HTTP/1.1 and of HTTP/2 after the body
    return "sent" if b"x-end: 1" in answer.raw else "not sent"


async def upper(client: Client) -> str:
    """Send a method in lower case."""
    told = await client.scope("-X", "get")
    return str(told.get("refused") or f"`{told['method']}`")


async def header_list(client: Client) -> str:
    """Send repeated and mixed fields."""
    told = await client.scope(
        "-H", "X-Two: a", "-H", "x-two: b", "-H", "User-Agent:", "-H", "Accept:"
    )
    return "`" + "`, `".join(pair for pair in told["headers"] if "host" not in pair) + "`"


async def host(client: Client) -> str:
    """Return the position of `host`."""
    told = await client.scope("-H", "x-a: b")
    names = [pair.partition(":")[0] for pair in told["headers"]]
    return f"{names.count('host')}, " + ("first" if names[0] == "host" else "not first")


async def cookies(client: Client) -> str:
    """Send cookie crumbs, which only HTTP/2 has."""
    if client.version != "2":
        return "–"
    async with http2.connect(client.url) as session:
        stream = session.request({":path": "/case/scope", "cookie": ["a=1", "b=2"]})
        told = json.loads(await stream.text())
    return "`" + "`, `".join(pair for pair in told["headers"] if pair.startswith("cookie")) + "`"


async def forwarded(client: Client) -> str:
    """Send a proxy's fields from loopback."""
    options = ("-H", "x-forwarded-proto: https", "-H", "x-forwarded-for: 192.0.2.1")
    told = await client.scope(*options)
    return f"`{told['scheme']}`, `{'192.0.2.1' if '192.0.2.1' in told['client'] else '127.0.0.1'}`"


async def ends(client: Client) -> str:
    """Return the types of both addresses."""
    told = await client.scope()
    return told["client"].replace(told["client"].split(", ")[-1].strip("])"), "port")


async def early_answer(client: Client) -> str:
    """Upload 3 MB that the application does not receive; over HTTP/1.1 the result is a race."""
    if client.version != "2":
        return "–"
    answer = await upload(client, "early-answer", bytes(3_000_000))
    await client.seen("early-answer")
    return answer


async def upload(client: Client, case: str, body: bytes, **more: str) -> str:
    """Return the answer to an upload, whether or not the upload succeeds.

    Over HTTP/2 with this library's client: for Debian 12's curl, a reset with NO_ERROR after the
    complete response is a failure.
    """
    if client.version == "1.1":
        options = [f"-H{name}: {value}" for name, value in more.items()] or ["-Hexpect:"]
        out = await client.ask(case, *options, "--data-binary", "@-", stdin=body)
        return hints(out) if more else str(out)
    async with http2.connect(client.url) as session:
        told = []
        stream = session.request(
            {":path": f"/case/{case}", ":method": "POST", "content-length": len(body), **more}
        )
        stream.on("headers", lambda fields: told.append(str(fields[":status"])))
        stream.on("error", lambda error: None)
        if more:
            status = (await stream.response())[":status"]
        else:
            stream.end(body)
            status = (await stream.response())[":status"]
        try:
            text = (await stream.read()).decode()
        except http2.Http2Error:
            return "cut off"
        answer = f"{status}" + (f" `{text}`" if status < 400 else "")
        return f"{', '.join(told) or 'none'}, then {answer}" if more else answer


async def continued(client: Client) -> str:
    """Return whether the client gets status 100."""
    return hints(await client.ask("expect", "-H", "expect: 100-continue", "-d", "hello"))


async def expect_nothing(client: Client) -> str:
    """Return whether the client gets status 100 although the application ignores the body."""
    return await upload(client, "expect-nothing", b"hello", expect="100-continue")


async def gone(client: Client) -> str:
    """Disconnect in the middle of the response."""
    if client.version == "2":
        async with http2.connect(client.url) as session:
            stream = session.request({":path": "/case/gone"})
            await stream.read(1)
            stream.close(8)
            return str(await client.seen("gone"))
    reader, writer = await asyncio.open_connection(*urlsplit(client.url).netloc.split(":"))
    writer.write(b"GET /case/gone HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"x\r\n")
    writer.close()
    await writer.wait_closed()
    return str(await client.seen("gone"))


# --- WebSockets ---------------------------------------------------------------------------------


def websocket(case: str, *, messages: bool = False, app: bool = True) -> Case:
    """Return how the server answers and ends a WebSocket."""

    async def find(client: Client) -> str:
        got = []
        options = {"subprotocols": ["offered"]} if case == "ws-not-offered" else {}
        try:
            async with client.websocket(case, **options) as ws:
                try:
                    while True:
                        got.append(await ws.recv())
                except (http2.WebSocketClosed, websockets.ConnectionClosed):
                    pass
            end = f"open, then {ws.close_code}"
            if messages and got:
                end = f"`{got[0]!r}`, then {ws.close_code}"
        except http2.WebSocketHandshakeError as error:
            if not error.status:
                return "no WebSockets" if "offer" in str(error) else "handshake fails"
            end = str(error.status)
            if error.body and error.status < 500:
                end += f" `{error.body.decode()}`" if error.status == 402 else ""
        except websockets.InvalidStatus as error:
            end = str(error.response.status_code)
            if error.response.status_code == 402:
                end += f" `{(error.response.body or b'').decode()}`"
        except (websockets.InvalidHandshake, EOFError, http2.Http2Error, OSError):
            end = "handshake fails"
        if not app:
            return end
        told = await client.seen(case)
        raised = str(told).removeprefix("raises ")
        return end if raised == told else f"{end}; `{raised}`"

    return find


async def ws_scope(client: Client) -> str:
    """Return the extensions."""
    answer = await websocket("ws-scope", app=False)(client)
    if not answer.startswith("open"):
        return answer
    told = await client.seen("ws-scope")
    return ", ".join(f"`{name}`" for name in told["extensions"]) or "none"


@asynccontextmanager
async def raw_websocket(client: Client, case: str) -> AsyncIterator[tuple[Any, Any] | None]:
    """Return functions that write bytes to an open WebSocket and break it; None if refused."""
    if client.version == "2":
        async with http2.connect(client.url) as session:
            if not session.remote_settings.enable_connect_protocol:
                await session.request().text()  # the server's settings have arrived
            if not session.remote_settings.enable_connect_protocol:
                yield None
                return
            stream = session.request({
                ":method": "CONNECT", ":protocol": "websocket", ":path": f"/case/{case}",
                ":scheme": "http", "sec-websocket-version": "13",
            })  # fmt: skip
            await stream.response()
            yield stream.write, lambda: stream.close(8)
    else:
        reader, writer = await asyncio.open_connection(*urlsplit(client.url).netloc.split(":"))
        writer.write(
            f"GET /case/{case} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n"
            "connection: upgrade\r\nsec-websocket-version: 13\r\n"
            "sec-websocket-key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        try:
            yield writer.write, writer.transport.abort
        finally:
            writer.close()


def ws_end(frame: bytes | None) -> Case:
    """Return what the application gets when the client sends *frame*, or disconnects."""

    async def find(client: Client) -> str:
        async with raw_websocket(client, "ws-end") as found:
            if found is None:
                return "no WebSockets"
            write, lose = found
            if frame is None:
                lose()
            else:
                write(frame)
            return str(await client.seen("ws-end"))

    return find


SECTIONS: dict[str, dict[str, Case]] = {
    "What an application sends": {
        "nothing: it returns": sent("nothing"),
        "start, and returns": sent("start-only"),
        "start and a body with `more_body`, and returns": sent("no-end"),
        "raises before start": sent("raises-first"),
        "raises after start": sent("raises-after-start"),
        "raises after a body with `more_body`": sent("raises-after-body"),
        "raises after the end": sent("raises-after-end"),
        "returns something": sent("result"),
        "start twice": sent("start-twice"),
        "body before start": sent("body-first"),
        "body after the end": sent("body-after-end"),
        "start after the end": sent("start-after-end"),
        "an unknown type": sent("unknown-message"),
        "no type": sent("no-type"),
        "unknown keys": sent("unknown-key"),
        "start without `status`": sent("no-status"),
        "start without `headers`": sent("no-headers"),
        "body without `body`": sent("no-body"),
        "status as `str`": sent("status-text"),
        "headers as `str`": sent("headers-text"),
        "body as `str`": sent("body-text"),
        "a name in upper case: `X-Upper`": sent("upper-case", told=raw_names),
        "a value with CR LF": sent("line-feed"),
        "a value with spaces around it": sent("spaces", told=fields("x-a")),
        "a pseudo-header": sent("pseudo-header"),
        "more than `content-length`": sent("too-long"),
        "less than `content-length`": sent("too-short"),
        "no `content-length`": sent("no-length", told=framing),
        "`transfer-encoding: chunked`": sent("transfer-encoding", told=framing),
        "`connection: close`": sent("connection-close", told=framing),
        "a body for HEAD": sent("head", "--head"),
        "a body with status 204": sent("204"),
        "a body with status 304": sent("304"),
        "neither `date` nor `server`": sent("defaults", told=counts("date", "server")),
        "`date` and `server` of its own": sent("own-defaults", told=counts("date", "server")),
        "trailers, to a client that sends `te: trailers`": sent(
            "trailers", "-H", "te: trailers", told=trailers
        ),
        "trailers, to a client that does not": sent("trailers", told=trailers),
        "early hints": sent("early-hint", told=hints),
        "early hints before start": sent("early-hint-first", told=hints),
    },
    "What an application receives": {
        "`receive` after the body": noted("receive-again"),
        "`receive` after the response": noted("receive-after-end"),
        "the client disconnects in the middle of the response: `receive`, then `send`": gone,
        "`expect: 100-continue`, and the body is received": continued,
        "`expect: 100-continue`, and it is not": expect_nothing,
        "a response before an upload of 3 MB was received, over HTTP/2": early_answer,
    },
    "The scope": {
        "`http_version`": scope_of("http_version"),
        "`asgi`": scope_of("asgi"),
        "`extensions`": scope_of("extensions"),
        "`state`": scope_of("state"),
        "`client`": ends,
        "`path`, `raw_path` of `/a%2Fb%20c`": scope_of("path", "raw_path", target="/a%2Fb%20c"),
        "`path`, `raw_path` of `/%C3%A9`": scope_of("path", "raw_path", target="/%C3%A9"),
        "`path`, `raw_path` of `/%FF`": scope_of("path", "raw_path", target="/%FF"),
        "`path`, `query_string` of `/?a=%20b?c`": scope_of(
            "path", "query_string", target="/?a=%20b?c"
        ),
        "`path` of `OPTIONS *`": scope_of(
            "path", "raw_path", options=("-X", "OPTIONS", "--request-target", "*")
        ),
        "`path` of `GET http://elsewhere/a`": scope_of(
            "path", "raw_path", options=("--request-target", "http://elsewhere/a"), only="1.1"
        ),
        "the method `get`": upper,
        "`X-Two: a`, `x-two: b`": header_list,
        "`host`: number, position": host,
        "cookies `a=1` and `b=2` in two fields": cookies,
        "`x-forwarded-proto`, `x-forwarded-for` from loopback": forwarded,
    },
    "WebSockets": {
        "`extensions`": ws_scope,
        "close before accept": websocket("ws-close-first"),
        "`websocket.http.response`": websocket("ws-denial"),
        "returns before accept": websocket("ws-nothing"),
        "raises before accept": websocket("ws-raises-first"),
        "send before accept": websocket("ws-send-first"),
        "a subprotocol that was not offered": websocket("ws-not-offered"),
        "returns after accept": websocket("ws-returns"),
        "raises after accept": websocket("ws-raises"),
        "a message with text and bytes": websocket("ws-both", messages=True),
        "a message with neither": websocket("ws-neither", messages=True),
        "send after close": websocket("ws-send-after-close"),
        "the client closes with 4000 and `bye`": ws_end(b"\x88\x85\0\0\0\0\x0f\xa0bye"),
        "the client closes without a code": ws_end(b"\x88\x80\0\0\0\0"),
        "the client is lost": ws_end(None),
    },
}
