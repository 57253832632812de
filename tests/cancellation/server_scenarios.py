"""Scenarios of a server's awaitables."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest

import http2
import http2.asgi
from http2.constants import NGHTTP2_CANCEL

from ..support import http1
from ..support.http1 import Http1Peer
from ..support.running import free_port
from ..support.serving import eventually
from .cutting import Scenario, World, identity

TEXT = "[1, 22, 333, 4444]"
PARTS = (b"[1,", b" 22,", b" 333,", b" 4444", b"]")

CORE: dict[str, Any] = {}
COMPAT: dict[str, Any] = {}


def scenario(names: dict[str, Any], *covered: str) -> Any:
    """Register a scenario of the awaitables *covered*."""

    def register(function: Any) -> Any:
        for name in covered:
            assert name not in names
            names[name] = function
        return function

    return register


# --- servers ----------------------------------------------------------------------------------


def another(world: World) -> http2.Http2Server:
    """Create a server like that of *world*."""
    server: http2.Http2Server
    if world.certificate is None:
        server = http2.create_server()
    else:
        server = http2.create_secure_server(**identity(world.certificate)[0])
    server.on("stream", lambda stream: stream.end("hello"))
    return server


def assert_free(port: int) -> None:
    """Check that no server listens on *port*."""
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", port)) != 0


def client_of(world: World, server: http2.Http2Server) -> http2.ClientHttp2Session:
    """Open a session with *server*."""
    scheme = world.origin.partition(":")[0]
    return http2.connect(f"{scheme}://127.0.0.1:{server.address()[1]}", **world.options)


@scenario(CORE, "Http2Server.listen")
async def listen(world: World) -> Scenario:
    server, port = another(world), free_port()
    outcome = yield server.listen(port, "localhost")
    if outcome.cancelled and not server.listening:
        assert_free(port)
        # and it can be tried again
        await server.listen(port, "localhost")
    assert server.listening
    async with client_of(world, server) as session:
        assert await session.request().read() == b"hello"
    await server.close()
    assert_free(port)


@scenario(CORE, "Http2Server.serve_forever")
async def serve_forever(world: World) -> Scenario:
    server, port = another(world), free_port()
    sessions: list[http2.ClientHttp2Session] = []

    async def serve() -> None:
        listening = server.listen(port, "localhost")
        listening.add_done_callback(begun)
        await server.serve_forever()

    def begun(done: Any) -> None:
        if not done.cancelled():
            sessions.append(client_of(world, server))
            asyncio.get_running_loop().call_later(0.005, lambda: server.close(timeout=0.001))

    outcome = yield serve()
    assert not outcome.cancelled or not server.listening
    await server.close()
    assert_free(port)
    assert server.connections == 0
    for session in sessions:
        await eventually(lambda session=session: session.destroyed)


@scenario(CORE, "Http2Server.close", "Completion.__await__")
async def close_server(world: World) -> Scenario:
    server = await another(world).listen(0, "127.0.0.1")
    session = await client_of(world, server)
    stream = session.request()
    asyncio.get_running_loop().call_later(0.002, session.close)
    port = server.address()[1]
    yield server.close()
    assert_free(port)
    assert await stream.read() == b"hello"
    await session.close()
    await server.close()
    assert server.connections == 0


@scenario(CORE, "Http2Server.close(timeout)")
async def close_server_in_time(world: World) -> Scenario:
    server = await another(world).listen(0, "127.0.0.1")
    session = await client_of(world, server)
    yield server.close(timeout=0.002)
    await server.close()
    assert server.connections == 0
    await eventually(lambda: session.destroyed)


@scenario(CORE, "Http2Server.__aenter__", "Http2Server.__aexit__")
async def server_block(world: World) -> Scenario:
    server, port = another(world), free_port()

    async def block() -> None:
        async with server:
            await server.listen(port, "localhost")
            async with client_of(world, server) as session:
                await session.ping()
                await session.request().read()

    yield block()
    assert_free(port)
    await eventually(lambda: server.connections == 0)


@scenario(CORE, "perform_server_handshake", "Http2Session.__aenter__", "Http2Session.__aexit__")
async def handshake_block(world: World) -> Scenario:
    """Create a session without a server, on sockets in the clear."""
    ours, theirs = socket.socketpair()
    client = http2.connect("http://localhost", create_connection=lambda *_: theirs)
    served = http2.perform_server_handshake(ours)
    served.on("stream", lambda stream: stream.end("hello"))

    async def block() -> None:
        async with served:
            await served.ping()
            await served.settings({"max_concurrent_streams": 7})

    reading = asyncio.ensure_future(client.request().read())
    await asyncio.wait([reading])
    yield block()
    await eventually(lambda: served.destroyed)
    await client.close()
    assert reading.result() == b"hello"
    await eventually(lambda: ours.fileno() == theirs.fileno() == -1)


@scenario(CORE, "Http2Session.close")
async def close_served_session(world: World) -> Scenario:
    session = world.connect()
    await session
    stream = session.request({":path": world.path("parts")})
    await stream.response()
    (served,) = world.server._sessions - {world.served()}
    yield served.close()
    assert await stream.read() == TEXT.encode()
    await served.close()
    await eventually(lambda: session.destroyed)
    await eventually(lambda: world.server.connections == 1)


@scenario(CORE, "ServerHttp2Session.shut_down")
async def shut_down_session(world: World) -> Scenario:
    session = world.connect()
    await session
    stream = session.request({":path": world.path("parts")})
    await stream.response()
    (served,) = world.server._sessions - {world.served()}
    yield served.shut_down()  # type: ignore[attr-defined]
    # begun at the call: the request is answered
    assert await stream.read() == TEXT.encode()
    await served.close()
    await eventually(lambda: session.destroyed)
    await eventually(lambda: world.server.connections == 1)


# --- streams of a server ----------------------------------------------------------------------


@scenario(CORE, "Http2Stream.close")
async def close_stream(world: World) -> Scenario:
    stream, served = await world.handed()
    served.respond()
    served.write(b"some")
    yield served.close(NGHTTP2_CANCEL)
    assert served.closed
    await eventually(lambda: stream.rst_code == NGHTTP2_CANCEL)


@scenario(CORE, "Duplex.drain")
async def drain(world: World) -> Scenario:
    stream, served = await world.handed()
    stream.end()
    served.respond()
    reading = asyncio.ensure_future(stream.read())
    sent = 0

    async def write() -> None:
        nonlocal sent
        for _ in range(8):
            more = served.write(bytes(50_000))
            sent += 50_000
            if not more:
                await served.drain()

    yield write()
    served.end(b"and more")
    assert len(await reading) == sent + 8


@scenario(CORE, "ServerHttp2Stream.push_stream")
async def push_stream(world: World) -> Scenario:
    stream, served = await world.handed()
    pushes: list[Any] = []
    world.session.on("stream", pushes.append)
    first, _ = await served.push_stream({":path": "/first"})
    # the client's limit is one: the second push has to wait
    loop = asyncio.get_running_loop()
    outcome = yield _begun_push(served, lambda: loop.call_later(0.003, end_first, first))
    end_first(first)
    if not outcome.cancelled:
        outcome.value[0].end(b"second")
    # there is room again
    third, _ = await served.push_stream({":path": "/third"})
    third.end(b"third")
    served.end()
    stream.end()
    assert await stream.read() == b""
    world.session.off("stream", pushes.append)
    await check_pushes(pushes, outcome.cancelled)


def end_first(pushed: Any) -> None:
    """Make room for another push, unless that was done before."""
    if not pushed.writable_ended:
        pushed.end(b"first")


async def check_pushes(pushes: list[Any], cancelled: bool) -> None:
    """Check that the second of three pushes was received, or was cancelled and reset."""
    assert len(pushes) == 3
    assert [await pushes[0].read(), await pushes[2].read()] == [b"first", b"third"]
    if cancelled:
        await eventually(lambda: pushes[1].rst_code == NGHTTP2_CANCEL)
    else:
        assert await pushes[1].read() == b"second"


async def _begun_push(served: Any, then: Any) -> Any:
    promise = served.push_stream({":path": "/second"})
    then()
    return await promise


# --- ASGI -------------------------------------------------------------------------------------


@scenario(CORE, "Handler.lifespan", "Handler.finish")
async def asgi(world: World) -> Scenario:
    """Check that the application has got its end, or its tasks are cancelled: none is left."""
    told: list[str] = []
    tasks: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        tasks.append(asyncio.current_task())
        if scope["type"] == "lifespan":
            while "shutdown" not in told:
                message = await receive()
                await asyncio.sleep(0)
                told.append(message["type"].split(".")[1])
                await send({"type": f"lifespan.{told[-1]}.complete"})
        else:
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"hello"})
            for _ in range(5):
                await asyncio.sleep(0)
            told.append("finished")

    handler = http2.asgi.Handler(app)

    async def block() -> None:
        async with handler.lifespan():
            server = http2.create_server(handler)
            async with server:
                await server.listen(0, "127.0.0.1")
                async with http2.connect(f"http://127.0.0.1:{server.address()[1]}") as session:
                    assert await session.request().read() == b"hello"
            await handler.finish()

    outcome = yield block()
    if not outcome.cancelled:
        assert told == ["startup", "finished", "shutdown"]
    await eventually(lambda: all(task.done() for task in tasks))


# --- requests and responses, over both protocols ----------------------------------------------


class Client:
    """The client of one request with a body: over HTTP/2, or by hand over HTTP/1."""

    def __init__(self, world: World, path: str) -> None:
        self.path = path
        self.world = world

    async def begin(self, protocol: str) -> Any:
        """Send the request; return the request on the server."""
        world = self.world
        self.stream: Any = None
        if protocol == "h2":
            self.stream = world.session.request({":method": "POST", ":path": self.path})
        else:
            context = None
            if world.certificate is not None:
                context = ssl.create_default_context(cafile=world.certificate.cert)
                context.set_alpn_protocols(["http/1.1"])
            self.peer = await Http1Peer.dial(world.server.address()[1], context)
            fields = {"transfer-encoding": "chunked", "connection": "close"}
            self.peer.send(http1.request("POST", self.path, **fields))
        response = await world.arrived(self.path)
        return response.req, response

    def send(self, data: bytes) -> None:
        """Send a part of the body."""
        if self.stream is not None:
            self.stream.write(data)
        else:
            self.peer.send(http1.chunked(data).removesuffix(b"0\r\n\r\n"))

    def end(self) -> None:
        """End the body, with trailers over HTTP/1."""
        if self.stream is not None:
            self.stream.end()
        else:
            self.peer.send(b"0\r\nx-sum: 5\r\n\r\n")

    async def body(self) -> bytes:
        """Return the response's body; the exchange is then over."""
        if self.stream is not None:
            body: bytes = await self.stream.read()
            return body
        async with self.peer:
            return (await self.peer.response()).body

    async def send_slowly(self) -> None:
        """Send the whole body in parts, one in each turn of the loop."""
        for part in PARTS:
            self.send(part)
            await asyncio.sleep(0)
        self.end()


def keep(world: World, request: Any, response: Any) -> None:
    """The handler: passes the request to the scenario."""
    world.seen[request.url] = response
    if request.url == "/hello":
        response.end("hello")


async def answered(client: Client, response: Any, sending: Any = None) -> None:
    """Check that the exchange still ends."""
    if sending is not None:
        await sending
    response.end("answer")
    assert await client.body() == b"answer"


@scenario(COMPAT, "ServerRequest.read")
async def request_read(world: World, protocol: str) -> Scenario:
    client = Client(world, world.path("mine"))
    request, response = await client.begin(protocol)
    sending = asyncio.ensure_future(client.send_slowly())
    outcome = yield request.read()
    assert (outcome.value or b"") + await request.read() == TEXT.encode()
    await answered(client, response, sending)


@scenario(COMPAT, "ServerRequest.readexactly")
async def request_readexactly(world: World, protocol: str) -> Scenario:
    client = Client(world, world.path("mine"))
    request, response = await client.begin(protocol)
    sending = asyncio.ensure_future(client.send_slowly())
    outcome = yield request.readexactly(17)
    assert (outcome.value or b"") + await request.read() == TEXT.encode()
    await answered(client, response, sending)


@scenario(COMPAT, "ServerRequest.__aiter__")
async def request_iterated(world: World, protocol: str) -> Scenario:
    client = Client(world, world.path("mine"))
    request, response = await client.begin(protocol)
    sending = asyncio.ensure_future(client.send_slowly())
    got = bytearray()

    async def iterate() -> None:
        async for part in request:
            got.extend(part)

    yield iterate()
    assert got + await request.read() == TEXT.encode()
    await answered(client, response, sending)


@scenario(COMPAT, "ServerRequest.text")
async def request_text(world: World, protocol: str) -> Scenario:
    client = Client(world, world.path("mine"))
    request, response = await client.begin(protocol)
    sending = asyncio.ensure_future(client.send_slowly())
    outcome = yield request.text()
    assert outcome.value in (None, TEXT)
    assert await request.text() == TEXT
    await answered(client, response, sending)


@scenario(COMPAT, "ServerRequest.json")
async def request_json(world: World, protocol: str) -> Scenario:
    client = Client(world, world.path("mine"))
    request, response = await client.begin(protocol)
    sending = asyncio.ensure_future(client.send_slowly())
    outcome = yield request.json()
    assert outcome.value in (None, [1, 22, 333, 4444])
    assert await request.json() == [1, 22, 333, 4444]
    await answered(client, response, sending)


@scenario(COMPAT, "Exchange.trailers")
async def request_trailers(world: World, protocol: str) -> Scenario:
    client = Client(world, world.path("mine"))
    request, response = await client.begin(protocol)
    sending = asyncio.ensure_future(client.send_slowly())
    expected = None if protocol == "h2" else {"x-sum": "5"}
    outcome = yield request.stream.trailers()
    assert outcome.value in (None, expected)
    assert await request.read() == TEXT.encode()
    assert await request.stream.trailers() == expected
    await answered(client, response, sending)


@scenario(COMPAT, "ServerResponse.drain")
async def response_drain(world: World, protocol: str) -> Scenario:
    client = Client(world, world.path("mine"))
    _, response = await client.begin(protocol)
    client.end()
    reading = asyncio.ensure_future(client.body())
    sent = 0

    async def write() -> None:
        nonlocal sent
        for _ in range(5):
            more = response.write(bytes(100_000))
            sent += 100_000
            if not more:
                await response.drain()

    yield write()
    response.end(b"and more")
    assert len(await reading) == sent + 8


@scenario(COMPAT, "ServerResponse.__await__")
async def response_end(world: World, protocol: str) -> Scenario:
    client = Client(world, world.path("mine"))
    _, response = await client.begin(protocol)
    client.end()
    reading = asyncio.ensure_future(client.body())
    yield response.end(bytes(300_000))
    # begun at the call
    assert len(await reading) == 300_000
    await response.end()


@scenario(COMPAT, "Http1Stream.close")
async def exchange_close(world: World, protocol: str) -> Scenario:
    client = Client(world, world.path("mine"))
    _, response = await client.begin(protocol)
    response.write(b"some")
    yield response.stream.close(NGHTTP2_CANCEL)
    with pytest.raises((http2.Http2Error, asyncio.IncompleteReadError, OSError)):
        await client.body()
    await response.stream.close()


@scenario(
    COMPAT,
    "Http2ServerResponse.create_push_response",
    "ServerResponse.create_push_response",
)
async def create_push_response(world: World, protocol: str) -> Scenario:
    client = Client(world, world.path("mine"))
    _, response = await client.begin(protocol)
    client.end()
    if protocol == "h2":
        pushes: list[Any] = []
        world.session.on("stream", pushes.append)
        first = await response.create_push_response({":path": "/first"})
        asyncio.get_running_loop().call_later(0.003, end_first, first)
        outcome = yield response.create_push_response({":path": "/second"})
        if not outcome.cancelled:
            outcome.value.end(b"second")
        end_first(first)
        third = await response.create_push_response({":path": "/third"})
        third.end(b"third")
        await world.session.ping()
        world.session.off("stream", pushes.append)
        await check_pushes(pushes, outcome.cancelled)
    else:

        async def refused() -> None:
            with pytest.raises(http2.Http2Error):
                response.create_push_response({":path": "/first"})

        yield refused()
    await answered(client, response)


# --- all of them ------------------------------------------------------------------------------

# A client that accepts one push at a time.
ONE_PUSH = {"settings": {"max_concurrent_streams": 1}}
