"""Scenarios of a WebSocket's awaitables."""

from __future__ import annotations

import asyncio
from typing import Any

import http2

from ..support.serving import eventually
from .cutting import Scenario, World

WEBSOCKETS: dict[str, Any] = {}


def scenario(*covered: str) -> Any:
    """Register a scenario of the awaitables *covered*."""

    def register(function: Any) -> Any:
        for name in covered:
            assert name not in WEBSOCKETS
            WEBSOCKETS[name] = function
        return function

    return register


def dial(world: World, kind: str = "chat", *, alone: bool = False) -> Any:
    """Open a WebSocket, on the session of *world*, or *alone* on a connection."""
    url = world.origin.replace("http", "ws", 1) + world.path(kind)
    return http2.connect_websocket(url, **world.options if alone else {"session": world.session})


async def whole(ws: Any, *left: str) -> None:
    """Check that sent messages come back as *left*, that more can be sent, and that it ends."""
    await ws.send("more")
    assert [await ws.recv() for _ in range(len(left) + 1)] == [*left, "more"]
    await ws.close()
    assert ws.close_code == 1000


@scenario("connect_websocket")
async def connect(world: World) -> Scenario:
    outcome = yield dial(world)
    if not outcome.cancelled:
        await whole(outcome.value)


@scenario("connect_websocket, alone")
async def connect_alone(world: World) -> Scenario:
    outcome = yield dial(world, alone=True)
    if not outcome.cancelled:
        await whole(outcome.value)
    await eventually(lambda: world.server.connections == 1)


@scenario("WebSocket.__aenter__", "WebSocket.__aexit__")
async def block(world: World) -> Scenario:
    async def talk() -> None:
        async with dial(world, alone=True) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"

    yield talk()
    await eventually(lambda: world.server.connections == 1)


@scenario("WebSocket.recv")
async def recv(world: World) -> Scenario:
    ws = await dial(world)
    await ws.send("hello")
    outcome = yield ws.recv()
    await whole(ws, *["hello"] * outcome.cancelled)


@scenario("WebSocket.__anext__", "WebSocket.__aiter__")
async def iterate(world: World) -> Scenario:
    ws = await dial(world)
    sent = [f"message {number}" for number in range(3)]
    for message in sent:
        await ws.send(message)
    got: list[Any] = []

    async def listen() -> None:
        async for message in ws:
            got.append(message)
            if len(got) == len(sent):
                break

    yield listen()
    await whole(ws, *sent[len(got) :])


@scenario("WebSocket.send")
async def send(world: World) -> Scenario:
    """Check that a message is sent completely, or not at all."""
    ws = await dial(world)
    got: list[Any] = []

    async def listen() -> None:
        async for message in ws:
            got.append(message)
            if message == "the end":
                break

    async def speak() -> None:
        for number in range(3):
            await ws.send(bytes([number]) * 100_000)

    listening = asyncio.ensure_future(listen())
    outcome = yield speak()
    await ws.send("the end")
    await listening
    expected = [bytes([number]) * 100_000 for number in range(3)]
    assert got[:-1] == expected[: len(got) - 1]
    assert outcome.cancelled or len(got) == 4
    await ws.close()


@scenario("WebSocket.ping")
async def ping(world: World) -> Scenario:
    ws = await dial(world)
    outcome = yield ws.ping(b"the ping")
    assert outcome.cancelled or outcome.value >= 0
    assert await ws.ping() >= 0
    await whole(ws)


@scenario("WebSocket.close", "WebSocket.wait_closed")
async def close(world: World) -> Scenario:
    ws = await dial(world)

    async def end() -> None:
        await ws.close(1001)
        await ws.wait_closed()

    yield end()
    # begun with the first step
    await ws.wait_closed()
    assert ws.closed


@scenario("accept_websocket")
async def accept(world: World) -> Scenario:
    """On the server's side: the client gets the end."""
    connecting = asyncio.ensure_future(_await(dial(world, "mine")))
    await eventually(lambda: any(path.startswith("/mine/") for path in world.seen))
    (served,) = (stream for path, stream in world.seen.items() if path.startswith("/mine/"))

    async def handler() -> None:
        async with http2.accept_websocket(served) as ws:
            await ws.send("hello")
            async for message in ws:
                await ws.send(message)

    async def talk() -> None:
        ws = await connecting
        await ws.recv()
        await ws.close()

    talking = asyncio.ensure_future(talk())
    yield handler()
    (error,) = await asyncio.gather(talking, return_exceptions=True)
    assert error is None or isinstance(error, http2.WebSocketClosed), error


async def _await(awaitable: Any) -> Any:
    return await awaitable
