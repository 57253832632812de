"""The memory that a peer can make a session hold: it is counted as it is, and requests wait."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from typing import Any

import pytest

import http2
from http2.engine.connection import Connection
from http2.engine.events import HEADERS
from http2.sessions.parts.origin_set import joined

from ..support import memory, raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import check_serves, eventually, hello, listening, serving
from ..support.sessions import Sessions, raw_server

WINDOW = 4
MEGABYTE = 1024 * 1024


@pytest.mark.slow
@pytest.mark.parametrize("drained", [False, True])
@pytest.mark.parametrize("compat", [False, True])
def test_requests_wait_for_room(run: Run, drained: bool, compat: bool) -> None:
    """Without a window for responses, few handlers begin; with one, all of them do, in order."""
    begun: list[str] = []

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            begun.append(request.url)
            response.end(bytes(MEGABYTE))

        async def on_request_drained(request: Any, response: Any) -> None:
            begun.append(request.url)
            for _ in range(16):
                response.write(bytes(MEGABYTE // 16))
                await response.stream.drain()
            response.end()

        def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            begun.append(headers[":path"])
            stream.end(bytes(MEGABYTE))

        async def on_stream_drained(
            stream: http2.ServerHttp2Stream, headers: http2.Headers
        ) -> None:
            begun.append(headers[":path"])
            stream.write(bytes(MEGABYTE))
            await stream.drain()
            stream.end()

        server = http2.create_server()
        if compat:
            server.on("request", on_request_drained if drained else on_request)
        else:
            server.on("stream", on_stream_drained if drained else on_stream)
        async with listening(server) as port:
            sessions = Sessions(server)
            async with await RawPeer.connect(port, values={WINDOW: 0}) as peer:
                session = await sessions.next()
                peer.send(*(raw.get(2 * n + 1, f"/{n}") for n in range(60)))
                await peer.answered()
                await peer.answered()
                assert session.engine is not None
                assert session.engine.memory() < 10_000_000
                if not (compat and drained):  # these hold 64 KiB each
                    assert 3 < len(begun) < 10
                peer.send(raw.settings({WINDOW: 2**31 - 1}), raw.window_update(0, 2**31 - 65536))
                for n in range(60):
                    if 2 * n + 1 not in {got.stream_id for got in peer.seen if got.ends_stream}:
                        await peer.until(
                            raw.DATA, 2 * n + 1, test=lambda got: bool(got.flags & raw.END_STREAM)
                        )
                assert begun == [f"/{n}" for n in range(60)]
                received = sum(len(got.payload) for got in peer.seen if got.type == raw.DATA)
                assert received == 60 * MEGABYTE

    run(main())


def test_a_request_that_waits_may_be_taken_back(run: Run) -> None:
    """Requests that are reset while they wait never reach a handler, and leave nothing."""
    begun: list[str] = []

    async def main() -> None:
        def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            begun.append(headers[":path"])
            stream.end(bytes(MEGABYTE))

        async with serving(on_stream) as (server, port):
            sessions = Sessions(server)
            async with await RawPeer.connect(port, values={WINDOW: 0}) as peer:
                session = await sessions.next()
                peer.send(*(raw.post(2 * n + 1, f"/{n}") for n in range(20)))
                await peer.answered()
                before = len(begun)
                assert before < 10
                peer.send(raw.data(21, b"x" * 100), raw.rst_stream(21), raw.rst_stream(1))
                peer.send(*(raw.rst_stream(2 * n + 1) for n in range(1, before)))
                await eventually(lambda: len(begun) > before)
                assert "/10" not in begun
                peer.send(*(raw.rst_stream(2 * n + 1) for n in range(before, 20) if n != 10))
                await eventually(lambda: not session.streams)
                await check_idle(session)

    run(main())


async def check_idle(session: Any) -> None:
    """Only the tables of header compression are left."""
    state = session.state
    tables = state.deflate_dynamic_table_size + state.inflate_dynamic_table_size
    assert session.engine.memory() <= tables + 512


def test_what_one_read_begins_and_resets_is_not_handed_out(run: Run) -> None:
    """Neither its head, nor its body, nor its trailers: and its body is returned to the window."""
    seen: list[str] = []

    async def main() -> None:
        def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            seen.append(headers[":path"])
            if headers[":path"] != "/hello":
                stream.end(bytes(MEGABYTE))
            else:
                hello(stream)

        async with serving(on_stream) as (server, port):
            sessions = Sessions(server)
            async with await RawPeer.connect(port) as peer:
                session = await sessions.next()
                for first in range(1, 401, 40):
                    together = b""
                    for stream_id in range(first, first + 40, 2):
                        together += raw.post(stream_id, "/reset") + raw.data(stream_id, b"x" * 300)
                        together += raw.rst_stream(stream_id)
                    peer.send(together)
                    await peer.answered()
                peer.send(raw.get(401, "/hello"))
                assert await peer.body(401) == b"hello"
                assert set(seen[:-1]) <= {"/reset"}  # one may be split by a read
                assert len(seen) < 20
                assert not session.streams
                await check_idle(session)

    run(main())


def test_a_turn_hands_out_a_bounded_number(run: Run) -> None:
    """Other tasks of the loop run between the handlers of a connection with many requests."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        turns: list[int] = [0]
        counting = True

        def turn() -> None:
            turns.append(0)
            if counting:
                loop.call_soon(turn)

        def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            turns[-1] += 1
            hello(stream)

        settings = {"max_concurrent_streams": 5000}
        async with serving(on_stream, settings=settings) as (_, port):
            async with await RawPeer.connect(port) as peer:
                loop.call_soon(turn)
                peer.send(*(raw.get(2 * n + 1) for n in range(1000)))
                for _ in range(1000):
                    await peer.until(raw.DATA, test=lambda got: got.ends_stream)
                counting = False
                assert sum(turns) == 1000
                # two reads may be in one turn
                assert max(turns) <= 2 * 128
            await check_serves(port)

    run(main())


def test_trailers_are_counted() -> None:
    """Fifteen references to one long entry of the table take sixteen times as much."""
    pair = memory.Pair()
    long = "y" * 3500
    stream_id = pair.request({":method": "POST"}, False, wait_for_trailers=True)
    pair.client.write(stream_id, b"", True)
    pair.pump()
    before = pair.server.memory()
    pair.client.submit_trailers(stream_id, [("x-long", long)] * 15)
    pair.pump()
    assert pair.server.memory() > before + 2 * 15 * 3500
    pair.client.reset(stream_id, 8)
    pair.pump()
    pair.server.receive(b"")  # the batch with its end is complete
    tables = pair.server.state()
    assert pair.server.memory() == (
        tables["deflate_dynamic_table_size"] + tables["inflate_dynamic_table_size"]
    )


def test_unread_bytes_are_counted() -> None:
    pair = memory.Pair()
    stream_id = pair.request({":method": "POST"}, False)
    before = pair.server.memory()
    pair.client.write(stream_id, bytes(30_000))
    pair.pump()
    assert pair.server.memory() == before + 30_000
    pair.server.consume(stream_id, 30_000)
    assert pair.server.memory() == before


def test_a_client_refuses_responses_past_its_memory() -> None:
    """Its own queued data does not matter: only what the server has caused."""
    pair = memory.Pair(
        client={"max_session_memory": 200_000}, server_settings=[(WINDOW, 0)],
        client_settings=[(6, 1_000_000)],
    )  # fmt: skip
    streams = [pair.request({":method": "POST"}) for _ in range(20)]
    pair.client.write(streams[0], bytes(500_000))
    for stream_id in streams:
        pair.server.submit_response(stream_id, [("x-long", "y" * 3500)] * 15)
    pair.pump()
    answered = {event[1] for event in pair.client_events if event[0] == 1}
    assert 0 < len(answered) < 5
    assert pair.client.memory() - 500_000 < 400_000


def test_the_blocks_of_one_read_are_counted_together() -> None:
    """A hundred responses with long trailers, whose streams end with them, in one read."""
    pair = memory.Pair(client={"max_session_memory": 1_000_000})
    streams = [pair.request({}) for _ in range(100)]
    for stream_id in streams:
        pair.server.submit_response(stream_id, {}, False, True)
        pair.server.write(stream_id, None, True)
    pair.pump()
    pair.forget()
    for stream_id in streams:
        pair.server.submit_trailers(stream_id, [("x-long", "y" * 2000)] * 25)
    pair.pump()
    received = [event[1] for event in pair.client_events if event[0] == HEADERS]
    assert 5 < len(received) < 15
    assert pair.client.receive(b"") == []
    tables = pair.client.state()
    assert pair.client.memory() <= 512 * 100 + (
        tables["deflate_dynamic_table_size"] + tables["inflate_dynamic_table_size"]
    )


@pytest.mark.parametrize("way", ["read", "dropped", "cancelled"])
def test_trailers_of_unread_responses_are_counted(run: Run, way: str) -> None:
    """A read for each response: they count until the reader has got the body."""
    large = [("x-long", "y" * 2900)] * 5
    requests = 60

    async def script(peer: RawPeer) -> None:
        for n in range(1, 2 * requests, 2):
            await peer.until(raw.HEADERS, n)
        for n in range(1, 2 * requests, 2):
            peer.send(raw.headers(n, [(":status", "200")]), raw.data(n, b"body"))
            peer.send(raw.headers(n, large, end_stream=True))
            await peer.answered()
        # the refused ones, and one more
        await peer.until(raw.HEADERS, 2 * requests + 1)
        peer.send(raw.headers(2 * requests + 1, [(":status", "200"), *large], end_stream=True))

    async def main() -> None:
        async with (
            raw_server(script) as url,
            http2.connect(url, max_session_memory=1) as session,
        ):
            streams = [session.request() for _ in range(requests)]
            engine = session.engine
            assert engine is not None
            await eventually(lambda: all(stream.closed for stream in streams))
            engine.receive(b"")
            whole = [stream for stream in streams if not stream.rst_code]
            assert 20 < len(whole) < 40
            assert engine.memory() > 900_000
            if way == "read":
                for stream in whole:
                    assert await stream.read() == b"body"
            elif way == "cancelled":
                for stream in whole:
                    stream.destroy()
            else:
                whole.clear()
                streams.clear()
                gc.collect()
            assert engine.memory() < 20_000
            assert (await session.request().response())[":status"] == 200

    run(main())


async def cost_of_a_stream(kind: str) -> float:
    """Return the bytes that a stream takes while its handler waits, by `tracemalloc`."""
    held = asyncio.Event()
    count = 200

    async def wait(request: Any, response: Any) -> None:
        await held.wait()

    async def read(request: Any, response: Any) -> None:
        await request.read()

    async def wait_for_stream(stream: Any, headers: Any) -> None:
        await held.wait()

    def keep(stream: Any, headers: Any) -> None:
        """Answer later."""

    server = http2.create_server()
    if kind == "compat":
        server.on("request", wait)
    elif kind == "reader":
        server.on("request", read)
    else:
        server.on("stream", wait_for_stream if kind == "coroutine" else keep)
    async with listening(server) as port, await RawPeer.connect(port) as peer:
        fields = raw.request_fields("POST", "/some/path?with=query")
        fields += [(f"x-field-{n}", f"value {n}") for n in range(10)]
        peer.send(*(raw.headers(2 * n + 1, fields) for n in range(20)))
        await peer.answered()
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            peer.send(
                *(
                    raw.headers(2 * n + 1, [*fields, ("x-own", str(n))])
                    for n in range(20, 20 + count)
                )
            )
            await peer.answered()
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        held.set()
    return (after - before) / count


@pytest.mark.parametrize("kind", ["plain", "coroutine", "compat", "reader"])
def test_a_stream_counts_for_what_it_costs(run_asyncio: Run, kind: str) -> None:
    """The engine's constant is at least the memory of a stream, and not much more."""

    async def main() -> None:
        # a debug loop stores the traceback of every task and handle
        asyncio.get_running_loop().set_debug(False)
        cost = await cost_of_a_stream(kind)
        pair = memory.Pair()
        pair.request({}, False)
        before = pair.server.memory()
        pair.request({}, False)
        counted = pair.server.memory() - before
        assert counted / 8 < cost <= counted

    run_asyncio(main())


def test_a_server_announces_a_limit_of_streams(run: Run) -> None:
    """250, unless its settings say otherwise."""

    async def main() -> None:
        for settings, announced in (
            (None, 250),
            ({"initial_window_size": 70_000}, 250),
            ({"max_concurrent_streams": 1000}, 1000),
            (http2.get_default_settings(), 2**32 - 1),
        ):
            options = {} if settings is None else {"settings": settings}
            async with (
                serving(hello, **options) as (_, port),
                http2.connect(f"http://127.0.0.1:{port}") as session,
            ):
                await session.request().response()
                assert session.remote_settings.max_concurrent_streams == announced

    run(main())


def test_origins_of_a_server_without_end() -> None:
    """A client stores a limited number of them."""

    async def main() -> None:
        session = http2.connect("https://localhost:1", create_connection=lambda *_: never())
        session.encrypted = True
        for n in range(300):
            added = [f"https://host-{n}-{i}.example" for i in range(20)]
            session.origins = joined(session.origins, added)
        assert session.origin_set is not None
        assert len(session.origin_set) == 1024
        assert joined(session.origins, ["https://host-0-0.example"]) == session.origins
        session.destroy()
        with pytest.raises(http2.Http2Error):
            await session

    async def never() -> Any:
        await asyncio.Event().wait()

    asyncio.run(main())


def test_an_engine_without_streams_counts_nothing() -> None:
    assert Connection(False).memory() == 0
