"""Settings in use: custom ones, missing acknowledgements, changes during requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

import http2
from http2 import Settings

from ..support import raw
from ..support.peers import start_node
from ..support.raw import RawPeer
from ..support.running import Run, node
from ..support.serving import Events, eventually, hello, serving
from ..support.sessions import Sessions, refused

HEADER_TABLE_SIZE, MAX_STREAMS, WINDOW, FRAME_SIZE, LIST_SIZE = 1, 3, 4, 5, 6


def connect(port: int, **options: Any) -> http2.ClientHttp2Session:
    return http2.connect(f"http://127.0.0.1:{port}", **options)


async def code_of(awaitable: Any) -> str:
    with pytest.raises(http2.Http2Error) as failure:
        await awaitable
    return failure.value.code


# --- custom settings ----------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("connect.option.remote_custom_settings", "connect.option.settings")
def test_custom_settings_of_a_node_server(run: Run, background: Callable[..., Any]) -> None:
    peer = start_node(background, "server/settings.js")

    async def main() -> None:
        events = Events()
        session = http2.connect(
            peer.origin,
            settings={"custom_settings": {1300: 5, 1302: 6}},
            remote_custom_settings=[1244],
        )
        events.listen(session, "remote_settings")
        async with session:
            seen = json.loads(await session.request({":path": "/seen"}).read())
            # Node reports those that it was configured to report, as here
            assert seen["remote"]["customSettings"] == {"1300": 5}
            assert session.remote_settings.custom_settings == {1244: 456}
            assert session.local_settings.custom_settings == {1300: 5, 1302: 6}

            settings, _ = await session.settings({"custom_settings": {1301: 9}})
            assert settings.custom_settings == {1300: 5, 1302: 6, 1301: 9}
            seen = json.loads(await session.request({":path": "/seen"}).read())
            assert seen["remote"]["customSettings"] == {"1300": 5, "1301": 9}

            await session.request({":path": "/set?window=4321&custom=8"}).read()
            assert session.remote_settings.custom_settings == {1244: 8}
            assert session.remote_settings.initial_window_size == 4321
            assert (await events.expect("remote_settings", 2))[1] == session.remote_settings

    run(main())


@pytest.mark.interop
@pytest.mark.row("server.option.remote_custom_settings")
def test_custom_settings_of_a_node_client(run: Run) -> None:
    async def main() -> None:
        async with serving(
            lambda stream: stream.end(bytes(50_000)),
            settings={"custom_settings": {1244: 1, 1245: 2}},
            remote_custom_settings=(1300,),
        ) as (server, port):
            sessions: list[http2.ServerHttp2Session] = []
            events = Events()

            def begin(session: http2.ServerHttp2Session) -> None:
                sessions.append(session)
                events.listen(session, "remote_settings")

            server.on("session", begin)
            seen = await node("client/settings.js", str(port))
            assert seen["size"] == 50_000
            assert seen["remote"][0]["customSettings"] == {"1244": 1}
            assert [one["initialWindowSize"] for one in seen["local"]] == [1000, 100_000]
            first, second = (entry[1] for entry in events.seen)
            assert first.custom_settings == {1300: 1}
            assert second.custom_settings == {1300: 2}
            assert (first.initial_window_size, second.initial_window_size) == (1000, 100_000)

    run(main())


def test_without_the_option_no_custom_settings_are_told(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(hello, settings={"custom_settings": {1244: 1}}) as (_, port),
            connect(port) as session,
        ):
            await session.ping()
            assert session.remote_settings.custom_settings == {}

    run(main())


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1244, "ERR_INVALID_ARG_TYPE"),
        ("1244", "ERR_INVALID_ARG_TYPE"),
        (["1"], "ERR_INVALID_ARG_TYPE"),
        ([True], "ERR_INVALID_ARG_TYPE"),
        ([65536], "ERR_OUT_OF_RANGE"),
        ([-1], "ERR_OUT_OF_RANGE"),
        (range(100, 111), "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS"),
    ],
)
def test_wrong_remote_custom_settings(value: Any, code: str) -> None:
    refused(code, http2.create_server, remote_custom_settings=value)
    http2.create_server(remote_custom_settings=range(100, 110))


# --- Http2Server.update_settings ---------------------------------------------------------


@pytest.mark.row("server.update_settings")
def test_update_settings_is_for_new_sessions(run: Run) -> None:
    async def main() -> None:
        async with serving(
            hello, settings={"max_concurrent_streams": 7, "initial_window_size": 1000}
        ) as (server, port):
            async with connect(port) as old:
                await old.ping()
                server.update_settings({"initial_window_size": 2000, "custom_settings": {99: 1}})
                server.update_settings(Settings(max_frame_size=20_000))
                async with connect(port, remote_custom_settings=[99]) as new:
                    await new.ping()
                    told = new.remote_settings
                    assert told.initial_window_size == 2000
                    assert told.max_frame_size == 20_000
                    # settings that are not given do not change
                    assert told.max_concurrent_streams == 7
                    assert told.custom_settings == {99: 1}
                await old.ping()
                assert old.remote_settings.initial_window_size == 1000
            refused(
                "ERR_HTTP2_INVALID_SETTING_VALUE", server.update_settings, {"max_frame_size": 1}
            )
            refused("ERR_INVALID_ARG_VALUE", server.update_settings, {"window": 1})
            for wrong in (None, 5, "x"):
                refused("ERR_INVALID_ARG_TYPE", server.update_settings, wrong)
            more = {"custom_settings": dict.fromkeys(range(200, 210), 1)}
            refused("ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS", server.update_settings, more)
            async with connect(port) as new:
                await new.ping()
                assert new.remote_settings.initial_window_size == 2000

    run(main())


# --- acknowledgements that never come -----------------------------------------------------


def test_too_many_unacknowledged_settings(run: Run) -> None:
    """As in Node: ten may wait, including the initial ones; one more ends the session."""

    async def main() -> None:
        async with serving(hello) as (server, port):
            sessions = Sessions(server)
            async with await RawPeer.dial(port) as peer:
                peer.send(raw.PREFACE, raw.settings())
                session = await sessions.next()
                events = Events()
                events.listen(session, "error", "close")
                waiting = [session.settings({"initial_window_size": n}) for n in range(9)]
                assert session.pending_settings_ack
                assert not session.destroyed
                assert await code_of(session.settings({})) == "ERR_HTTP2_SETTINGS_CANCEL"
                assert session.destroyed
                refused("ERR_HTTP2_INVALID_SESSION", session.settings, {})
                error = (await events.expect("error"))[1]
                assert error.code == "ERR_HTTP2_MAX_PENDING_SETTINGS_ACK"
                await events.expect("close")
                assert events.names == ["error", "close"]
                for one in waiting:
                    assert await code_of(one) == "ERR_HTTP2_SETTINGS_CANCEL"
                assert [got.type for got in await peer.rest()].count(raw.SETTINGS) == 11

    run(main())


def test_acknowledged_settings_make_room(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port), connect(port) as session:
            for n in range(5):
                await asyncio.gather(
                    *(session.settings({"initial_window_size": n}) for _ in range(9))
                )
            assert not session.pending_settings_ack
            assert session.local_settings.initial_window_size == 4

    run(main())


def test_too_many_settings_before_the_connection(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port):
            session = connect(port)
            session.on("error", lambda error: errors.append(error.code))
            errors: list[str] = []
            waiting = [session.settings({}) for _ in range(12)]
            assert session.pending_settings_ack
            for one in waiting:
                assert await code_of(one) == "ERR_HTTP2_SETTINGS_CANCEL"
            await session.close()
            assert errors == ["ERR_HTTP2_MAX_PENDING_SETTINGS_ACK"]

    run(main())


# --- set_next_stream_id -------------------------------------------------------------------


@pytest.mark.row("session.set_next_stream_id")
def test_next_stream_id(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (server, port):
            sessions = Sessions(server)
            early = connect(port)
            early.set_next_stream_id(51)
            stream = early.request()
            assert await stream.read() == b"hello"
            assert stream.id == 51
            early.set_next_stream_id(101)
            assert early.state.next_stream_id == 101
            assert await (late := early.request()).read() == b"hello"
            assert late.id == 101
            for wrong in (101, 99, 1, 200):  # used, smaller, and a server's
                refused("ERR_INVALID_ARG_VALUE", early.set_next_stream_id, wrong)
            for wrong in (0, -1, 2**31):
                refused("ERR_OUT_OF_RANGE", early.set_next_stream_id, wrong)
            for other in ("5", 5.0, True, None):
                refused("ERR_INVALID_ARG_TYPE", early.set_next_stream_id, other)
            theirs = await sessions.next()
            theirs.set_next_stream_id(20)
            assert theirs.state.next_stream_id == 20
            refused("ERR_INVALID_ARG_VALUE", theirs.set_next_stream_id, 21)

            early.set_next_stream_id(2**31 - 1)
            assert await early.request().read() == b"hello"
            refused("ERR_HTTP2_OUT_OF_STREAMS", early.request)
            await early.close()
            refused("ERR_HTTP2_INVALID_SESSION", early.set_next_stream_id, 5)

    run(main())


# --- changes that take effect -----------------------------------------------------------


def test_window_of_an_open_stream_follows_the_client(run: Run) -> None:
    """RFC 9113 section 6.9.2: the difference is added to every open stream's window."""

    async def main() -> None:
        async with (
            serving(lambda stream: stream.end(bytes(10_000))) as (_, port),
            await RawPeer.connect(port, values={WINDOW: 10}) as peer,
        ):
            peer.send(raw.get())
            got = await peer.until(raw.DATA, 1)
            assert len(got.payload) == 10
            peer.send(raw.settings({WINDOW: 3000}))
            received = 10
            while received < 3000:
                received += len((await peer.until(raw.DATA, 1)).payload)
            assert received == 3000
            peer.send(raw.settings({WINDOW: 100}))  # now the window is -2900
            peer.send(raw.window_update(1, 2900))
            await peer.answered()
            assert sum(len(got.payload) for got in peer.seen if got.type == raw.DATA) == 3000
            peer.send(raw.window_update(1, 10_000))
            while not peer.seen[-1].ends_stream:
                await peer.until(raw.DATA, 1)
            assert sum(len(got.payload) for got in peer.seen if got.type == raw.DATA) == 10_000

    run(main())


def test_window_of_an_open_stream_follows_us(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port), connect(port) as session:
            uploading = session.request({":method": "POST"})
            uploading.end(bytes(300_000))
            stream = await streams.get()
            theirs = stream.session
            assert theirs is not None
            await eventually(lambda: uploading.writable_length == 300_000 - 65_535)
            theirs.set_local_window_size(1 << 20)
            await theirs.settings({"initial_window_size": 200_000})
            await eventually(lambda: uploading.writable_length == 100_000)
            assert len(await stream.read()) == 300_000
            stream.respond(end_stream=True)
            await uploading.response()

    run(main())


def test_frame_size_both_ways(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with (
            serving(streams.put_nowait, settings={"max_frame_size": 20_000}) as (_, port),
            await RawPeer.connect(port, values={FRAME_SIZE: 30_000, WINDOW: 2**20}) as peer,
        ):
            # this side's: the allowed number of bytes is accepted, one more is not
            peer.send(raw.post(), raw.data(1, bytes(20_000), end_stream=True))
            stream = await streams.get()
            session = stream.session
            assert session is not None
            assert len(await stream.read()) == 20_000
            # the peer's
            stream.respond()
            stream.end(bytes(60_000))
            assert len((await peer.until(raw.DATA, 1)).payload) == 30_000
            changed = session.settings({"max_frame_size": 16_384})
            await peer.until(raw.SETTINGS, test=lambda got: got.settings == {FRAME_SIZE: 16_384})
            peer.send(raw.settings(ack=True))
            await changed
            peer.send(raw.post(3), raw.data(3, bytes(20_000), end_stream=True))
            assert (await peer.until(raw.GOAWAY)).code == 6  # FRAME_SIZE_ERROR

    run(main())


def test_header_table_both_ways(run: Run) -> None:
    """A table of 0 bytes on either side compresses nothing, and headers still arrive."""

    async def main() -> None:
        def echo(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            stream.respond({"x-echo": headers["x-say"]}, end_stream=True)

        async with serving(echo) as (server, port):
            sessions = Sessions(server)
            async with connect(port) as session:
                theirs = await sessions.next()

                async def ask() -> None:
                    response = await session.request({"x-say": "hello"}).response()
                    assert response["x-echo"] == "hello"

                await ask()
                assert session.state.inflate_dynamic_table_size > 0
                assert theirs.state.inflate_dynamic_table_size > 0
                await session.settings({"header_table_size": 0})
                await ask()
                assert session.state.inflate_dynamic_table_size == 0
                assert theirs.state.deflate_dynamic_table_size == 0
                assert theirs.state.inflate_dynamic_table_size > 0
                await theirs.settings({"header_table_size": 0})
                await ask()
                assert theirs.state.inflate_dynamic_table_size == 0
                await session.settings({"header_table_size": 4096})
                await ask()
                assert session.state.inflate_dynamic_table_size > 0

    run(main())


@pytest.mark.parametrize("initial", [True, False])
def test_header_list_size_is_enforced(run: Run, initial: bool) -> None:
    """From the first byte if it is in the first SETTINGS, otherwise from its acknowledgement on."""

    async def main() -> None:
        options: dict[str, Any] = {"settings": {"max_header_list_size": 400}} if initial else {}
        async with serving(hello, **options) as (server, port):
            sessions = Sessions(server)
            async with await RawPeer.dial(port) as peer:
                peer.send(raw.PREFACE, raw.settings())
                big = raw.headers(1, raw.request_fields(x="y" * 400), end_stream=True)
                small = raw.headers(3, raw.request_fields(x="y" * 100), end_stream=True)
                session = await sessions.next()
                if not initial:
                    peer.send(raw.settings(ack=True))
                    changed = session.settings({"max_header_list_size": 400})
                    await peer.until(raw.SETTINGS, test=lambda got: LIST_SIZE in got.settings)
                    peer.send(big)
                    assert await peer.body(1) == b"hello"
                    peer.send(raw.settings(ack=True))
                    await changed
                big = raw.headers(5, raw.request_fields(x="y" * 400), end_stream=True)
                peer.send(small)
                assert await peer.body(3) == b"hello"
                peer.send(big)
                assert (await peer.until(raw.RST_STREAM)).code == 11  # ENHANCE_YOUR_CALM
                raised = session.settings({"max_header_list_size": 10_000})
                await peer.until(raw.SETTINGS, test=lambda got: LIST_SIZE in got.settings)
                acks = 2 if initial else 1
                peer.send(*[raw.settings(ack=True)] * acks)
                await raised
                peer.send(raw.headers(7, raw.request_fields(x="y" * 400), end_stream=True))
                assert await peer.body(7) == b"hello"

    run(main())


def test_streams_100_1_0_50_with_our_own_server(run: Run) -> None:
    """The limit changes during 200 requests: none is lost, and it is never exceeded."""

    async def main() -> None:
        current = 100
        open_now: set[http2.ServerHttp2Stream] = set()
        order: list[int] = []
        over: list[tuple[int, int]] = []

        def hold(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            open_now.add(stream)
            order.append(int(headers[":path"][1:]))
            if len(open_now) > current:
                over.append((len(open_now), current))

        def answer(count: int) -> None:
            for stream in list(open_now)[:count]:
                open_now.discard(stream)
                stream.end(str(stream.id))

        async with serving(hold, settings={"max_concurrent_streams": 100}) as (server, port):
            sessions = Sessions(server)
            async with connect(port) as session:
                await session.ping()
                theirs = await sessions.next()
                requests = [session.request({":path": f"/{n}"}) for n in range(200)]
                bodies = [asyncio.ensure_future(request.read()) for request in requests]
                await eventually(lambda: len(open_now) == 100)

                await theirs.settings({"max_concurrent_streams": 1})
                current = 1
                answer(99)
                await session.ping()
                assert len(open_now) == 1
                assert len(order) == 100
                for _ in range(3):
                    seen = len(order)
                    answer(1)
                    await eventually(lambda seen=seen: len(order) == seen + 1)
                await theirs.settings({"max_concurrent_streams": 0})
                current = 0
                answer(1)
                for _ in range(3):
                    await session.ping()
                assert len(order) == 103
                assert not open_now
                current = 50
                await theirs.settings({"max_concurrent_streams": 50})
                await eventually(lambda: len(open_now) == 50)
                while len(order) < 200 or open_now:
                    answer(7)
                    await session.ping()
                assert all(await asyncio.gather(*bodies))
                assert order == list(range(200))
                assert not over

    run(main())


def test_more_settings_entries_than_the_server_takes(run: Run) -> None:
    async def main() -> None:
        allowed = {WINDOW: 5, FRAME_SIZE: 20_000}
        async with (
            serving(hello, max_settings=2) as (_, port),
            await RawPeer.connect(port, values=allowed) as peer,
        ):
            await peer.answered()
            peer.send(raw.settings({**allowed, LIST_SIZE: 5}))
            assert (await peer.until(raw.GOAWAY)).code == 11

    run(main())
