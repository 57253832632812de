"""Cancel awaitables at every point at which they wait: the tool for `tests/cancellation`.

A scenario is an async generator. It prepares something, yields an awaitable, gets the way in which
awaiting it ended, and checks that the operation is either done or undone. `cut_everywhere` runs it
repeatedly, and cancels the awaiting task one point later each time, until the task is done before
that. Each time, the connection must still serve requests, and nothing may be left: no task, no
stream, no descriptor, no waiter.
"""

from __future__ import annotations

import asyncio
import gc
import os
import types
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import http2

from ..support.self_signed import Certificate
from ..support.serving import eventually

# The moments of a cancellation: while the task waits; in the turn of the loop in which the result
# arrives; some turns of the loop after it began, in any state of it and the connection.
HOWS = ("waiting", "coming", "turns")


@dataclass(frozen=True)
class Outcome:
    """The way in which awaiting ended."""

    cancelled: bool
    value: Any = None


Scenario = AsyncGenerator[Awaitable[Any], Outcome]


# --- cancelling -------------------------------------------------------------------------------


@types.coroutine
def stepped(
    coroutine: Coroutine[Any, Any, Any], point: int, coming: bool, cancel: Callable[[], Any]
) -> Generator[Any, Any, Any]:
    """Run *coroutine*; at its suspension number *point*, *cancel* is called."""
    error: BaseException | None = None
    while True:
        try:
            awaited = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            return stop.value
        if point == 0:
            if coming and awaited is not None:
                # before the task's own callback: the task is cancelled when its result is available
                awaited.add_done_callback(lambda _: cancel())
            else:
                cancel()
        point -= 1
        error = None
        try:
            yield awaited
        except BaseException as raised:
            error = raised


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def _run(coroutine: Coroutine[Any, Any, Any], point: int, coming: bool) -> Any:
    task = asyncio.current_task()
    assert task is not None
    return await stepped(coroutine, point, coming, task.cancel)


async def cut(awaitable: Awaitable[Any], how: str, point: int) -> Outcome:
    """Await *awaitable* in a task that is cancelled at *point*, unless it is done before."""
    coroutine = awaitable if isinstance(awaitable, Coroutine) else _await(awaitable)
    if how == "turns":
        task = asyncio.ensure_future(coroutine)
        for _ in range(point):
            if task.done():
                break
            await asyncio.sleep(0)
        requested = task.cancel()
    else:
        task = asyncio.ensure_future(_run(coroutine, point, how == "coming"))
        requested = True
    await asyncio.wait([task])
    if not task.cancelled():
        if how == "turns":
            assert not requested, "the cancellation was swallowed"
        return Outcome(False, task.result())
    return Outcome(True)


def points(how: str) -> Iterator[int]:
    """Where to cut: everywhere; turns of the loop, of which there are many, less densely.

    In turn 0 a task has not begun, and nothing is awaited.
    """
    point = 1 if how == "turns" else 0
    while True:
        yield point
        point += 1 if how != "turns" or point < 8 else 1 + point // 4


# --- what nothing may be left of --------------------------------------------------------------


def open_files() -> int:
    """Return the open descriptors of the process."""
    return len(os.listdir("/proc/self/fd"))


def stale_waiters(thing: Any) -> list[str]:
    """Return the attributes of *thing* that keep futures of callers that no longer wait.

    Pings and settings wait for the peer's answer, awaited or not: `Pings` and `SettingsExchange`
    keep them.
    """
    found = []
    for name, value in vars(thing).items():
        entries = value if isinstance(value, (list, tuple)) else (value,)
        for entry in entries:
            inner = entry if isinstance(entry, tuple) else (entry,)
            if any(
                isinstance(each, asyncio.Future)
                and not isinstance(each, asyncio.Task)
                and each.done()
                for each in inner
            ):
                found.append(name)
    return found


class World:
    """A server, a client's session with it, and a record of the server's requests."""

    def __init__(
        self, server: http2.Http2Server, certificate: Certificate | None, options: dict[str, Any]
    ) -> None:
        self.server = server
        self.certificate = certificate
        scheme = "http" if certificate is None else "https"
        self.origin = f"{scheme}://127.0.0.1:{server.address()[1]}"
        self.options = options
        # the received requests by path
        self.seen: dict[str, Any] = {}
        self._count = 0
        self._requested: list[http2.ClientHttp2Stream] = []
        self.session: http2.ClientHttp2Session
        self._served: http2.ServerHttp2Session

    def path(self, kind: str) -> str:
        """Return a new path for a request that is handled as *kind*."""
        self._count += 1
        return f"/{kind}/{self._count}"

    def connect(self, **options: Any) -> http2.ClientHttp2Session:
        """Create another session."""
        return http2.connect(self.origin, **self.options, **options)

    def served(self) -> http2.ServerHttp2Session:
        """Return the server's session of `session`."""
        return self._served

    def request(self, kind: str, *, body: bool = False) -> http2.ClientHttp2Stream:
        """Make a request that is handled as *kind*: GET or, with a *body*, POST."""
        method = "POST" if body else "GET"
        stream = self.session.request({":method": method, ":path": self.path(kind)})
        self._requested.append(stream)
        return stream

    async def arrived(self, path: str) -> Any:
        """Return the server's record for *path*."""
        await eventually(lambda: path in self.seen)
        return self.seen[path]

    async def handed(
        self, kind: str = "mine"
    ) -> tuple[http2.ClientHttp2Stream, http2.ServerHttp2Stream]:
        """Return both ends of a request with a body, which no handler answers."""
        stream = self.request(kind, body=True)
        return stream, await self.arrived(path_of(stream))

    def check_waiters(self) -> None:
        """Check that callers that no longer wait are forgotten."""
        things = [self.session, self.server, *self.server._sessions, *self._requested]
        for thing in (*things, *self.seen.values()):
            each = getattr(thing, "stream", thing)
            assert not stale_waiters(each), (each, stale_waiters(each))

    async def check(self) -> None:
        """Check that the connection serves requests, and that nothing is left."""
        session, server = self.session, self.server
        assert not session.destroyed
        assert await session.request({":path": "/hello"}).read() == b"hello"
        await session.ping()
        await eventually(lambda: not session.streams and not session.waiting_requests)
        served = self.served()
        await eventually(lambda: not served.streams and server.connections == 1)
        assert not stale_waiters(session), stale_waiters(session)
        self.check_waiters()
        assert session.pings is not None
        assert not session.pings.waiting
        assert not session.settings_exchange.waiters
        self.seen.clear()
        self._requested.clear()


def path_of(stream: http2.ClientHttp2Stream) -> str:
    """Return the request of *stream*."""
    headers = stream.sent_headers
    assert headers is not None
    return str(headers[":path"])


def _handle(world: World, stream: Any, headers: http2.Headers) -> Any:
    path = headers[":path"]
    world.seen[path] = stream
    match path.split("/")[1]:
        case "hello":
            stream.end("hello")
        case "slow":
            stream._session.loop.call_later(0.001, lambda: stream.closed or stream.end("slow"))
        case "parts":
            return _send_parts(stream)
        case "echo":
            return _echo(stream)
        case "sink":
            return _drink(stream)
        case "chat":
            return _chat(stream)
    return None


async def _send_parts(stream: Any) -> None:
    stream.respond({"content-type": "application/json"}, wait_for_trailers=True)
    stream.on("want_trailers", lambda: stream.send_trailers({"x-sum": "5"}))
    for part in (b"[1,", b" 22,", b" 333,", b" 4444", b"]"):
        stream.write(part)
        await asyncio.sleep(0)
    stream.end()


async def _echo(stream: Any) -> None:
    stream.respond()
    await http2.pipe(stream, stream)


async def _drink(stream: Any) -> None:
    body = await stream.read()
    stream.respond()
    stream.end(str(len(body)))


async def _chat(stream: Any) -> None:
    async with http2.accept_websocket(stream) as ws:
        async for message in ws:
            await ws.send(message)


def identity(certificate: Certificate | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of a server and of its clients, over TLS or in the clear."""
    if certificate is None:
        return {}, {}
    return {"cert": certificate.cert, "key": certificate.key}, {"ca": certificate.cert}


@asynccontextmanager
async def world_of(
    certificate: Certificate | None,
    handler: Callable[..., Any] | None = None,
    *,
    client: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[World]:
    """Create a `World`, over TLS if there is a *certificate*.

    *options* are the server's, *client* those of the session.
    """
    own, clients = identity(certificate)
    create = http2.create_server if certificate is None else http2.create_secure_server
    server: http2.Http2Server = create(**own, **options)
    await server.listen(0, "127.0.0.1")
    world = World(server, certificate, clients)
    if handler is None:
        server.on("stream", lambda stream, headers: _handle(world, stream, headers))
    else:
        server.on("request", lambda request, response: handler(world, request, response))
    async with server, world.connect(**(client or {})) as world.session:
        await world.session.ping()
        (world._served,) = server._sessions  # type: ignore[assignment]
        yield world
    assert server.connections == 0


async def _cut_once(
    scenario: Callable[[World], Scenario], world: World, how: str, point: int
) -> bool:
    """Run *scenario* once; return whether it was cancelled."""
    generator = scenario(world)
    try:
        async with asyncio.timeout(20):
            awaitable = await anext(generator)
            outcome = await cut(awaitable, how, point)
            world.check_waiters()
            try:
                await generator.asend(outcome)
            except StopAsyncIteration:
                pass
            else:
                raise AssertionError("a scenario yields once")
            await world.check()
    except BaseException as error:
        error.add_note(f"cancelled {how} at {point}")
        raise
    return outcome.cancelled


async def cut_everywhere(scenario: Callable[[World], Scenario], world: World) -> None:
    """Run *scenario* with every cut, of each kind, until it completes before the cut."""
    await world.check()
    tasks = asyncio.all_tasks()
    files = open_files()
    for how in HOWS:
        for point in points(how):
            if not await _cut_once(scenario, world, how, point):
                break
    await eventually(lambda: asyncio.all_tasks() <= tasks)
    gc.collect()
    await eventually(lambda: open_files() <= files)
