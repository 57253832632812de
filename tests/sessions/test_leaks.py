"""Streams, sessions and strings are freed."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import weakref
from collections import Counter
from typing import Any

import pytest

import http2
from http2.engine.connection import Connection

from ..support.memory import Pair
from ..support.running import Run
from ..support.serving import listening
from .counting import KINDS, counts, fetch, handler

KIB = 1024

# The number of bytes of the process's own memory.
RESIDENT = """
import gc, os
def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        fields = file.read().split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
"""


def measure(program: str, timeout: float = 60) -> Any:
    """Return the output of *program*, as JSON; it runs in a process, for its own memory."""
    result = subprocess.run(
        [sys.executable, "-c", RESIDENT + program],
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout)


STREAMS = """
from tests.support.memory import Pair
from http2.engine import events

pair = Pair()
client, server = pair.client, pair.server

def carry(source, sink):
    told = []
    while chunks := source.data_to_send():
        told += sink.receive(b"".join(chunks))
    return told

def exchange(number):
    # names and values that change, so that tables and caches turn over
    headers = {":method": "POST", "x-number": str(number), f"x-name-{number % 1000}": "value"}
    stream_id, _, _ = client.submit_request(headers, "test", "http")
    client.write(stream_id, b"x" * 3000, True)
    for kind, *rest in carry(client, server):
        if kind == events.REQUEST:
            server.submit_response(rest[0], {"x-number": str(number)})
            server.write(rest[0], b"y" * 3000, True)
        elif kind == events.DATA:
            server.consume(rest[0], len(rest[1]))
    for kind, *rest in carry(server, client):
        if kind == events.DATA:
            client.consume(rest[0], len(rest[1]))
    client.take_events()
    server.take_events()

for number in range(20000):
    exchange(number)
first = resident()
for number in range(20000, 100000):
    exchange(number)
state = client.state()
import json
print(json.dumps([first, resident(), state["next_stream_id"], state["outbound_queue_size"]]))
"""


def test_a_hundred_thousand_streams_through_one_connection() -> None:
    first, last, next_id, queued = measure(STREAMS)
    assert next_id == 200_001
    assert queued == 0
    assert last - first < 1024 * KIB


STRINGS = """
import json
from tests.support.memory import Pair
pair = Pair(server={"stream_reset_burst": 10**6})
def ask(numbers):
    for number in numbers:
        pair.forget()
        pair.request({f"x-name-{number}": f"value-{number}" + "v" * 200}, True)
        pair.server.submit_response(pair.server_events[0][1], {f"y-{number}": "z"}, True)
        pair.pump()
ask(range(5000))
first = resident()
ask(range(5000, 15000))
print(json.dumps([first, resident()]))
"""


def test_ten_thousand_distinct_headers() -> None:
    """Neither the cache of received strings nor the table of outgoing names grows forever."""
    first, last = measure(STRINGS)
    assert last - first < 1024 * KIB


RESETS = """
import json
from tests.support.memory import Pair
pair = Pair(server={"stream_reset_burst": 10**9}, server_settings=[(3, 50)])
def round():
    ids = [pair.client.submit_request({":method": "POST"}, "test", "http")[0] for _ in range(80)]
    for i in ids:
        # more than the window, so that most of it stays in the queue; 30 of them wait
        pair.client.write(i, b"x" * 5000)
    pair.pump()
    for i in ids:
        pair.client.reset(i, 8)
    pair.pump()
    for kind, i, data, _ in pair.server_events:
        if kind == 4:
            pair.server.consume(i, len(data))
    pair.pump()
    pair.forget()
for _ in range(50):
    round()
first = resident()
for _ in range(300):
    round()
print(json.dumps([first, resident(), pair.client.state()["outbound_queue_size"]]))
"""


def test_streams_that_are_reset() -> None:
    first, last, queued = measure(RESETS)
    assert queued == 0
    assert last - first < 1024 * KIB


CONNECTIONS = """
import json
from tests.support.memory import Pair
def use():
    pair = Pair({"padding_strategy": 2}, {"max_header_list_pairs": 6})
    pair.request({":method": "POST", "x-a": "b"}, wait_for_trailers=True)
    pair.client.write(1, bytes(100000))
    pair.server.submit_response(1, {})
    pair.server.write(1, memoryview(bytes(100000)), True)
    pair.client.data_to_send(10)
    pair.request({f"x-{i}": "1" for i in range(20)})
    # neither closed nor read to the end
for _ in range(300):
    use()
first = resident()
for _ in range(1500):
    use()
print(json.dumps([first, resident()]))
"""


def test_connections_that_are_dropped_half_way() -> None:
    first, last = measure(CONNECTIONS)
    assert last - first < 1024 * KIB


SESSIONS = """
import asyncio, json
import http2
from tests.sessions.counting import counts, fetch, handler
from tests.support.serving import listening

async def main():
    server = http2.create_server()
    server.on("stream", handler)
    async with listening(server) as port:
        async def cycles(count):
            for number in range(count):
                if number % 2:
                    async with http2.connect(f"http://127.0.0.1:{port}") as session:
                        await fetch(session)
                else:
                    # without a word at the end
                    session = http2.connect(f"http://127.0.0.1:{port}")
                    await fetch(session)
                    session.destroy()
            while server._sessions:
                await asyncio.sleep(0.001)
        await cycles(300)
        first, before = resident(), counts()
        await cycles(1000)
        last, after = resident(), counts()
    print(json.dumps([first, last, before, after]))

asyncio.run(main())
"""


def test_sessions() -> None:
    first, last, before, after = measure(SESSIONS)
    assert after == before
    # one of the server's protocols may be about to end
    assert sum(after.values()) <= 4
    assert last - first < 1024 * KIB


def test_a_stream_is_freed_without_the_collector(run: Run) -> None:
    """Reference counting alone frees the objects of a plain request, on both sides."""

    async def main() -> None:
        gone: list[weakref.ref[Any]] = []
        server = http2.create_server()

        @server.on("stream")
        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            gone.append(weakref.ref(stream))
            handler(stream, headers)

        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            gc.collect()
            gc.disable()
            try:
                for _ in range(5):
                    stream = session.request()
                    gone.append(weakref.ref(stream))
                    await stream.response()
                    assert await stream.read() == b"hello"
                    del stream
                # the loop itself keeps the last call for a turn
                await session.ping()
                assert [ref() for ref in gone] == [None] * 10
            finally:
                gc.enable()

    run(main())


async def plain(session: http2.ClientHttp2Session) -> None:
    await fetch(session)


async def with_body(session: http2.ClientHttp2Session) -> None:
    stream = session.request({":method": "POST", ":path": "/echo"})

    async def send() -> None:
        for _ in range(20):
            stream.write(b"x" * 20_000)
            await stream.drain()
        stream.end()

    sending = asyncio.create_task(send())
    assert len(await stream.read()) == 400_000
    await sending


async def with_listeners(session: http2.ClientHttp2Session) -> None:
    stream = session.request({":path": "/"})
    received: list[bytes] = []
    closed = asyncio.Event()
    stream.on("data", received.append)
    stream.on("response", lambda headers, flags: None)
    stream.once("close", closed.set)
    stream.set_timeout(10)
    await closed.wait()
    assert b"".join(received) == b"hello"


def trailers_of(stream: Any, headers: dict[str, str]) -> Any:
    """Return a listener that sends *headers*, without a reference to its stream."""
    reference = weakref.ref(stream)

    def send() -> None:
        found = reference()
        assert found is not None
        found.send_trailers(headers)

    return send


async def with_trailers(session: http2.ClientHttp2Session) -> None:
    stream = session.request({":method": "POST", ":path": "/trailers"}, wait_for_trailers=True)
    stream.on("want_trailers", trailers_of(stream, {"x-sum": "1"}))
    got: list[Any] = []
    stream.on("trailers", lambda headers, flags: got.append(headers))
    stream.end("x")
    await stream.read()
    assert got


async def cancelled(session: http2.ClientHttp2Session) -> None:
    stream = session.request({":method": "POST", ":path": "/never"})
    await stream.close(8)


async def failed(session: http2.ClientHttp2Session) -> None:
    stream = session.request({":path": "/reset"})
    try:
        await stream.response()
    except http2.StreamError as error:
        # the traceback holds this frame: no cycle of the library
        error.__traceback__ = None


SCENES = [plain, with_body, with_listeners, with_trailers, cancelled, failed]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_no_cycles(run: Run, scene: Any) -> None:
    """Check that the collector finds no object of the library after *scene*."""

    async def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
        path = headers[":path"]
        if path == "/never":
            await asyncio.get_running_loop().create_future()
        elif path == "/reset":
            stream.close(2)
        elif path == "/trailers":
            await stream.read()
            stream.respond(wait_for_trailers=True)
            stream.on("want_trailers", trailers_of(stream, {"x-sum": "2"}))
            stream.end("y")
        else:
            stream.respond()
            if path == "/echo":
                async for chunk in stream:
                    stream.write(chunk)
                    await stream.drain()
            else:
                stream.write("hello")
            stream.end()

    async def main() -> None:
        server = http2.create_server()
        server.on("stream", respond)
        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            # created once
            await scene(session)
            await session.ping()
            gc.collect()
            gc.disable()
            gc.set_debug(gc.DEBUG_SAVEALL)
            try:
                for _ in range(3):
                    await scene(session)
                await session.ping()
                gc.collect()
                found = Counter(type(o).__name__ for o in gc.garbage if type(o).__name__ in KINDS)
            finally:
                gc.set_debug(0)
                gc.garbage.clear()
                gc.enable()
            assert not found

    run(main())


def test_a_pair_leaves_no_connection_behind() -> None:
    before = counts()["Connection"]
    for _ in range(20):
        pair = Pair()
        pair.request({"x-a": "b"})
    del pair
    assert counts()["Connection"] == before
    connection: Connection | None = Connection(True)
    assert counts()["Connection"] <= before + 1
    connection = None
    assert connection is None
    assert counts()["Connection"] == before
