"""The process under attack: servers with default options and typical handlers.

``python -m tests.security.victim OPTIONS`` takes one argument, JSON: ``api`` (``core`` or
``compat``), ``options`` for the server or `connect`, ``certificate`` (two paths) for a second
server over TLS. It prints its ports as a line of JSON. A line ``{"connect": origin, …}`` on its
standard input makes it a client of the hostile server there. It logs to standard error, with the
defaults of `logging`.

The paths: ``/`` answers at once; ``/large`` with 1 MiB in one piece, ``/drain`` with as much from a
coroutine that awaits `drain()`; ``/upload`` neither reads nor answers; ``/read`` reads everything
and answers; ``/stall`` reads until the client's window has grown, and then stops; ``/push`` pushes
ten responses of 64 KiB; ``/busy`` blocks the loop for 0.4 seconds of CPU.

A request for a WebSocket, over either protocol, is accepted; its path says what the program does
with it: ``echo``, ``read`` (and discard), ``hold`` (never receive), ``close`` (and wait for the
end). An attacked client with ``websocket``, one of these words, requests WebSockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from typing import Any

import http2

MIB = 1024 * 1024
PIECE = 64 * 1024
# bytes that "/stall" reads before it stops
APPETITE = 24 * MIB


async def drained(stream: http2.ServerHttp2Stream) -> None:
    """Send 1 MiB in the way of a careful program."""
    stream.respond()
    for _ in range(MIB // PIECE):
        stream.write(b"x" * PIECE)
        await stream.drain()
    stream.end()


async def reading(stream: http2.ServerHttp2Stream) -> None:
    """Read everything, then answer."""
    size = 0
    async for chunk in stream:
        size += len(chunk)
    stream.end(str(size))


async def stalling(stream: http2.ServerHttp2Stream) -> None:
    """Read much, and then nothing more."""
    size = 0
    while size < APPETITE:
        size += len(await stream.read(MIB))
    await asyncio.Event().wait()


async def pushing(stream: http2.ServerHttp2Stream) -> None:
    """Push ten responses, then answer."""
    for n in range(10):
        if stream.push_allowed:
            pushed, _ = await stream.push_stream({":path": f"/pushed/{n}"})
            pushed.end(b"x" * PIECE)
    stream.end("pushed")


async def converse(ws: http2.WebSocket, how: str) -> None:
    """The program of a WebSocket."""
    with contextlib.suppress(http2.WebSocketClosed):
        if how == "echo":
            async for message in ws:
                await ws.send(message)
        elif how == "read":
            async for _ in ws:
                pass
        elif how == "hold":
            await ws.wait_closed()
        elif how == "close":
            await ws.close(1000, "enough")


async def on_websocket(opening: Any) -> None:
    """Accept a WebSocket, over either protocol."""
    with contextlib.suppress(http2.Http2Error):
        async with http2.accept_websocket(opening) as ws:
            await converse(ws, ws.path[1:])


COROUTINES = {"/drain": drained, "/read": reading, "/stall": stalling, "/push": pushing}


def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> Any:
    """The handler of the Core API."""
    path = headers[":path"]
    if ":protocol" in headers:
        return on_websocket(stream)
    if path == "/":
        stream.respond({"content-type": "text/plain"})
        stream.end("hello")
    elif path == "/large":
        stream.end(b"x" * MIB)
    elif path == "/busy":
        end = time.process_time() + 0.4
        while time.process_time() < end:
            pass
        stream.end("done")
    elif path in COROUTINES:
        return COROUTINES[path](stream)
    return None


async def on_drain(response: http2.Http2ServerResponse) -> None:
    """`drained` for the Compatibility API."""
    for _ in range(MIB // PIECE):
        response.write(b"x" * PIECE)
        await response.drain()
    response.end()


async def on_read(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) -> None:
    """`reading` for the Compatibility API."""
    size = 0
    async for chunk in request:
        size += len(chunk)
    response.end(str(size))


def on_request(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) -> Any:
    """The handler of the Compatibility API."""
    if request.url == "/":
        response.set_header("content-type", "text/plain")
        response.end("hello")
    elif request.url == "/large":
        response.end(b"x" * MIB)
    elif request.url == "/drain":
        return on_drain(response)
    elif request.url == "/read":
        return on_read(request, response)
    return None


async def ask(session: http2.ClientHttp2Session, read: bool) -> None:
    """Make one request of the attacked client, and ignore its result."""
    try:
        stream = session.request()
        await stream.response()
        if read:
            await stream.read()
        else:
            await asyncio.Event().wait()
    except (http2.Http2Error, OSError):
        pass


async def ask_websocket(session: http2.ClientHttp2Session, origin: str, how: str) -> None:
    """One WebSocket of the attacked client."""
    url = origin.replace("http", "ws", 1)
    with contextlib.suppress(http2.Http2Error, OSError):
        async with http2.connect_websocket(url, session=session) as ws:
            await converse(ws, how)


async def attacked_client(
    connect: str, requests: int = 1, read: bool = True, websocket: str = "", **options: Any
) -> None:
    """Make requests to the hostile server, and stay connected until it ends the connection."""
    secure = {"reject_unauthorized": False} if connect.startswith("https") else {}
    try:
        session = await http2.connect(connect, **secure, **options)
    except (http2.Http2Error, OSError):
        return
    session.on("error", lambda error: None)
    if websocket:
        asked = (ask_websocket(session, connect, websocket) for _ in range(requests))
        await asyncio.gather(*asked)
        return
    await asyncio.gather(*(ask(session, read) for _ in range(requests)))


async def main(given: dict[str, Any]) -> None:
    """Serve until the standard input ends."""
    options = given.get("options", {})
    core = given.get("api", "core") == "core"
    # imported by programs with WebSockets
    assert http2.WebSocket

    def prepared(server: Any) -> Any:
        server.on("stream" if core else "request", on_stream if core else on_request)
        if options.get("allow_http1"):
            server.on("upgrade", on_websocket)
        return server

    client = given.get("role") == "client"
    servers = {"port": prepared(http2.create_server(**({} if client else options)))}
    if "certificate" in given:
        cert, key = given["certificate"]
        servers["secure_port"] = prepared(
            http2.create_secure_server(cert=cert, key=key, **({} if client else options))
        )
    ports = {}
    for name, server in servers.items():
        await server.listen(0, "127.0.0.1")
        ports[name] = server.address()[1]
    print(json.dumps(ports), flush=True)
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    clients = []
    while line := await lines.readline():
        clients.append(loop.create_task(attacked_client(**json.loads(line), **options)))


def begin(given: dict[str, Any]) -> None:
    """Serve on the loop that *given* names: asyncio's or uvloop's."""
    factory = None
    if given.get("loop") == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main(given))


if __name__ == "__main__":
    begin(json.loads(sys.argv[1]))
