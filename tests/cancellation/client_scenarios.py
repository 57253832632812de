"""Scenarios of a client's awaitables."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_CANCEL

from ..support.serving import eventually
from .cutting import Outcome, Scenario, World, path_of

JSON = [1, 22, 333, 4444]
TEXT = "[1, 22, 333, 4444]"

SCENARIOS: dict[str, Any] = {}


def scenario(*names: str) -> Any:
    """Register a scenario of the awaitables *names*."""

    def register(function: Any) -> Any:
        for name in names:
            assert name not in SCENARIOS
            SCENARIOS[name] = function
        return function

    return register


# --- connecting -------------------------------------------------------------------------------


async def gone_or_whole(world: World, session: Any, outcome: Outcome) -> None:
    """Check that *session* is established, or has left nothing on the server."""
    if outcome.cancelled:
        assert session.destroyed
    else:
        assert await session.request({":path": "/hello"}).read() == b"hello"
        await session.close()
    await eventually(lambda: world.server.connections == 1)


@scenario("connect", "ClientHttp2Session.__await__")
async def connect(world: World) -> Scenario:
    session = world.connect()
    outcome = yield session
    await gone_or_whole(world, session, outcome)


@scenario("ClientHttp2Session.__aenter__")
async def connect_block(world: World) -> Scenario:
    session = world.connect()
    outcome = yield session.__aenter__()
    await gone_or_whole(world, session, outcome)


@scenario("ClientHttp2Session.__aexit__")
async def whole_block(world: World) -> Scenario:
    session = world.connect()

    async def block() -> None:
        async with session:
            async with session.request({":path": "/parts"}) as stream:
                await stream.response()
                async for _ in stream:
                    pass
            await session.ping()
            session.request({":path": "/slow"})

    outcome = yield block()
    # however the block was left
    assert session.destroyed
    assert outcome.cancelled or world.seen["/slow"]
    await eventually(lambda: world.server.connections == 1)


async def plain_bytes(world: World, session: Any, outcome: Outcome) -> None:
    await gone_or_whole(world, session, outcome)


@scenario("connect: create_connection")
async def connect_over_a_pair(world: World) -> Scenario:
    host, port = world.origin.rpartition(":")[0].rpartition("/")[2], world.origin.rpartition(":")[2]
    made: list[asyncio.StreamWriter] = []

    async def create_connection(*_: Any) -> Any:
        tls: Any = None
        if world.options:
            import ssl

            tls = ssl.create_default_context(cafile=world.options["ca"])
            tls.set_alpn_protocols(["h2"])
        pair = await asyncio.open_connection(host, port, ssl=tls)
        made.append(pair[1])
        await asyncio.sleep(0)
        return pair

    session = http2.connect(world.origin, create_connection=create_connection)
    outcome = yield session
    if outcome.cancelled:
        # a carrier that the program has created and the session has not received is the program's
        for writer in made:
            writer.close()
    await gone_or_whole(world, session, outcome)


# --- requests ---------------------------------------------------------------------------------


async def cancelled_there(world: World, path: str) -> None:
    """Check that the server has never got the request, or has got its end, before or after it."""
    await world.session.ping()
    stream = world.seen.get(path)
    if stream is not None:
        await eventually(lambda: stream.closed)
        assert stream.rst_code in (0, NGHTTP2_CANCEL)
        if not stream.writable_finished:
            assert stream.rst_code == NGHTTP2_CANCEL


@scenario("ClientHttp2Stream.response")
async def response(world: World) -> Scenario:
    stream = world.request("slow")
    path = path_of(stream)
    outcome = yield stream.response()
    if not outcome.cancelled:
        assert outcome.value[":status"] == 200
        assert await stream.read() == b"slow"
    else:
        assert stream.closed
    await cancelled_there(world, path)


@scenario("ClientHttp2Stream.__aenter__", "ClientHttp2Stream.__aexit__")
async def request_block(world: World) -> Scenario:
    path = world.path("parts")

    async def block() -> bytes:
        async with world.session.request({":path": path}) as stream:
            await stream.response()
            body = await stream.read()
            assert (await stream.trailers()) == {"x-sum": "5"}
            return body

    outcome = yield block()
    assert outcome.cancelled or outcome.value == TEXT.encode()
    await cancelled_there(world, path)


async def whole_body_later(world: World, stream: Any, got: bytes = b"") -> None:
    """Check that bytes that were not returned can still be read."""
    assert got + await stream.read() == TEXT.encode()
    assert (await stream.trailers()) == {"x-sum": "5"}


@scenario("Duplex.read")
async def read_all(world: World) -> Scenario:
    stream = world.request("parts")
    outcome = yield stream.read()
    await whole_body_later(world, stream, outcome.value or b"")


@scenario("Duplex.read(n)")
async def read_some(world: World) -> Scenario:
    stream = world.request("parts")
    got = bytearray()

    async def read() -> None:
        while data := await stream.read(2):
            got.extend(data)

    yield read()
    await whole_body_later(world, stream, bytes(got))


@scenario("Duplex.readexactly")
async def readexactly(world: World) -> Scenario:
    stream = world.request("parts")
    outcome = yield stream.readexactly(17)
    await whole_body_later(world, stream, outcome.value or b"")


@scenario("Duplex.__anext__", "Duplex.__aiter__")
async def iterate(world: World) -> Scenario:
    stream = world.request("parts")
    got = bytearray()

    async def read() -> None:
        async for data in stream:
            got.extend(data)

    yield read()
    await whole_body_later(world, stream, bytes(got))


@scenario("ClientHttp2Stream.text")
async def text(world: World) -> Scenario:
    stream = world.request("parts")
    outcome = yield stream.text()
    assert outcome.value in (None, TEXT)
    assert await stream.text() == TEXT


@scenario("ClientHttp2Stream.json")
async def body_as_json(world: World) -> Scenario:
    stream = world.request("parts")
    outcome = yield stream.json()
    assert outcome.value in (None, JSON)
    assert await stream.json() == JSON


@scenario("Exchange.trailers")
async def trailers(world: World) -> Scenario:
    stream = world.request("parts")
    outcome = yield stream.trailers()
    assert outcome.value in (None, {"x-sum": "5"})
    await whole_body_later(world, stream)


@scenario("Duplex.drain")
async def drain(world: World) -> Scenario:
    stream = world.request("echo", body=True)
    sent = 0

    async def write() -> None:
        nonlocal sent
        while sent < 400_000:
            more = stream.write(bytes(50_000))
            sent += 50_000
            if not more:
                await stream.drain()
        stream.end()

    reading = asyncio.ensure_future(stream.read())
    await stream.response()
    outcome = yield write()
    if outcome.cancelled:
        # written data is sent, and more can be written
        stream.end(b"and more")
        sent += 8
    assert len(await reading) == sent


@scenario("Http2Stream.close")
async def close_stream(world: World) -> Scenario:
    stream = world.request("parts")
    path = path_of(stream)
    await stream.response()
    yield stream.close(NGHTTP2_CANCEL)
    # begun at the call
    assert stream.closed
    await cancelled_there(world, path)
    await stream.close()


@scenario("Http2Stream.close, after the end")
async def close_ended_stream(world: World) -> Scenario:
    stream = world.request("slow", body=True)
    stream.end(b"body")
    yield stream.close()
    await stream.close()


@scenario("pipe")
async def pipe(world: World) -> Scenario:
    stream = world.request("sink", body=True)
    path = path_of(stream)

    async def source() -> Any:
        for _ in range(10):
            yield bytes(20_000)
            await asyncio.sleep(0)

    outcome = yield http2.pipe(source(), stream)
    if outcome.cancelled:
        # a part is never mistaken for the whole
        await eventually(lambda: stream.closed)
        assert stream.rst_code == NGHTTP2_CANCEL or await stream.read() == b"200000"
        await cancelled_there(world, path)
    else:
        assert outcome.value == 200_000
        assert await stream.read() == b"200000"


@scenario("pipe: to a writer")
async def pipe_to_a_writer(world: World) -> Scenario:
    got = bytearray()
    over = asyncio.Event()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                got.extend(data)
        except ConnectionError:
            got.clear()
        writer.close()
        over.set()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    stream = world.request("parts")
    outcome = yield http2.pipe(stream, writer)
    writer.close()
    await over.wait()
    if outcome.cancelled:
        assert bytes(got) in (b"", TEXT.encode())
        await eventually(lambda: stream.destroyed)
    else:
        assert bytes(got) == TEXT.encode()
    server.close()
    await server.wait_closed()


# --- the session ------------------------------------------------------------------------------


@scenario("Http2Session.ping")
async def ping(world: World) -> Scenario:
    # its own payload: the answer to a cancelled ping is not that of another
    outcome = yield world.session.ping(b"the ping")
    assert outcome.cancelled or outcome.value[1] == b"the ping"
    assert (await world.session.ping(b"the next"))[1] == b"the next"


@scenario("Http2Session.settings")
async def settings(world: World) -> Scenario:
    outcome = yield world.session.settings({"initial_window_size": 70_000})
    if not outcome.cancelled:
        assert outcome.value[0].initial_window_size == 70_000
    await world.session.settings({"initial_window_size": 65_535})
    assert world.session.local_settings.initial_window_size == 65_535
    assert not world.session.pending_settings_ack


@scenario("ClientHttp2Session.close")
async def close_session(world: World) -> Scenario:
    session = await world.connect()
    stream = session.request({":path": world.path("parts")})
    yield session.close()
    # begun at the call: work in progress is finished, and nothing is added
    with pytest.raises(http2.Http2Error):
        session.request()
    assert await stream.read() == TEXT.encode()
    await session.close()
    assert session.destroyed
    await eventually(lambda: world.server.connections == 1)


@scenario("ClientHttp2Session.close(timeout)")
async def close_session_in_time(world: World) -> Scenario:
    session = await world.connect()
    path = world.path("mine")
    stream = session.request({":path": path})
    await world.arrived(path)
    yield session.close(timeout=0.002)
    await session.close()
    assert stream.rst_code == NGHTTP2_CANCEL
    await cancelled_there(world, path)
    await eventually(lambda: world.server.connections == 1)


# --- tunnels ----------------------------------------------------------------------------------


@scenario("connect: through a tunnel")
async def connect_through_a_tunnel(world: World) -> Scenario:
    """HTTP/2, with TLS if the server uses it, over a stream of HTTP/2."""
    inner = world.server
    writers: list[asyncio.StreamWriter] = []

    async def proxy(stream: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", inner.address()[1])
        writers.append(writer)
        stream.respond()
        try:
            await asyncio.gather(http2.pipe(stream, writer), http2.pipe(reader, stream))
        finally:
            writer.close()

    outer = http2.create_server()
    outer.on("stream", proxy)
    await outer.listen(0, "127.0.0.1")
    async with outer, http2.connect(f"http://127.0.0.1:{outer.address()[1]}") as carrier:
        tunnels: list[Any] = []

        async def create_connection(*_: Any) -> Any:
            tunnel = carrier.request({":method": "CONNECT", ":authority": "inner:1"})
            tunnels.append(tunnel)
            await tunnel.response()
            return tunnel

        session = http2.connect(world.origin, create_connection=create_connection, **world.options)
        outcome = yield session
        if outcome.cancelled:
            assert session.destroyed
        else:
            assert await session.request({":path": "/hello"}).read() == b"hello"
            await session.close()
        await eventually(lambda: world.server.connections == 1)
        await eventually(lambda: not carrier.streams)
        for tunnel in tunnels:
            assert tunnel.closed
        await carrier.ping()
        assert all(writer.is_closing() for writer in writers)
