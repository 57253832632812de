"""Priorities: sent, received, and the order of bytes on the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest

import http2

from ..support import memory, raw
from ..support.memory import Pair
from ..support.nghttp2_versions import KNOWS_RFC_7540
from ..support.peers import serving_url, start_node, starting
from ..support.running import Run
from ..support.serving import Events, serving

PRIORITY_UPDATE = 0x10
NO_RFC7540_PRIORITIES = 9
SIZE = 200_000


def priority(stream_id: int, parent: int, weight: int, exclusive: bool = False) -> bytes:
    """Return a PRIORITY frame (RFC 7540 section 6.3)."""
    payload = (parent | exclusive << 31).to_bytes(4, "big") + bytes([weight - 1])
    return raw.frame(raw.PRIORITY, 0, stream_id, payload)


def priority_update(stream_id: int, field: bytes) -> bytes:
    """Return a PRIORITY_UPDATE frame (RFC 9218 section 7.1)."""
    return raw.frame(PRIORITY_UPDATE, 0, 0, stream_id.to_bytes(4, "big") + field)


def get(stream_id: int, field: str | None = None) -> bytes:
    """Return a GET, with the header ``priority`` if there is a *field*."""
    more = {} if field is None else {"priority": field}
    fields = raw.request_fields(path=f"/{stream_id}", **more)
    return raw.headers(stream_id, fields, end_stream=True)


async def order(
    frames: list[bytes],
    count: int,
    *,
    change: Callable[[dict[int, http2.ServerHttp2Stream]], None] = lambda streams: None,
    **options: Any,
) -> list[int]:
    """Return the streams of the DATA frames for *frames*: *count* large responses at once."""
    streams: dict[int, http2.ServerHttp2Stream] = {}

    def answer(stream: http2.ServerHttp2Stream) -> None:
        assert stream.id is not None
        streams[stream.id] = stream
        if len(streams) == count:
            for each in streams.values():
                each.respond()
            change(streams)
            for each in streams.values():
                each.end(bytes(SIZE))

    async with (
        serving(answer, **options) as (_, port),
        await raw.RawPeer.connect(port, values={4: 2**30}) as peer,
    ):
        assert peer.seen[0].settings.get(NO_RFC7540_PRIORITIES) == (
            1 if options.get("extensible_priorities") else None
        )
        peer.send(raw.window_update(0, 2**30), *frames)
        ended = 0
        while ended < count:
            ended += (await peer.until(raw.DATA)).ends_stream
        return [frame.stream_id for frame in peer.seen if frame.type == raw.DATA and frame.payload]


def runs(ids: list[int]) -> list[int]:
    """Return *ids* without repeated neighbours."""
    return [stream_id for stream_id, _ in groupby(ids)]


# --- RFC 9218 --------------------------------------------------------------------------------


@pytest.mark.row("server.option.extensible_priorities")
def test_the_urgent_response_goes_first(run: Run) -> None:
    async def main() -> None:
        ids = await order([get(1, "u=5"), get(3, "u=1")], 2, extensible_priorities=True)
        assert runs(ids) == [3, 1]
        without = runs(await order([get(1, "u=5"), get(3, "u=1")], 2))
        if KNOWS_RFC_7540:
            # nghttp2 ignores the field: they share
            assert len(without) > 4
        else:
            assert without == [3, 1]

    run(main())


def test_incremental_responses_share(run: Run) -> None:
    async def main() -> None:
        both = [get(1, "u=3, i"), get(3, "u=3, i")]
        ids = await order(both, 2, extensible_priorities=True)
        assert len(runs(ids)) > 10
        # those that are not incremental are sent one after another
        ids = await order([get(1), get(3)], 2, extensible_priorities=True)
        assert runs(ids) == [1, 3]

    run(main())


def test_priority_update_is_honoured(run: Run) -> None:
    async def main() -> None:
        frames = [get(1), get(3), get(5), priority_update(5, b"u=0"), priority_update(1, b"u=7")]
        # the last request is answered before the updates are read: so request a fourth
        ids = await order([*frames, get(7, "u=6")], 4, extensible_priorities=True)
        assert runs(ids) == [5, 3, 7, 1]

    run(main())


@pytest.mark.row(
    "stream.priority", "stream.priority.option.urgency", "stream.priority.option.incremental"
)
def test_the_server_knows_better(run: Run) -> None:
    async def main() -> None:
        def change(streams: dict[int, http2.ServerHttp2Stream]) -> None:
            streams[5].priority(urgency=2)
            streams[1].priority(urgency=4, incremental=True)
            streams[3].priority(urgency=4, incremental=True)

        frames = [get(1, "u=0"), get(3, "u=1"), get(5, "u=7")]
        ids = await order(frames, 3, change=change, extensible_priorities=True)
        assert runs(ids)[0] == 5
        assert 5 not in runs(ids)[1:]
        assert len(runs(ids)) > 10

    run(main())


def test_a_push_gives_way(run: Run) -> None:
    """Its priority can be set before its PUSH_PROMISE was sent."""

    async def main() -> None:
        async def answer(stream: http2.ServerHttp2Stream) -> None:
            pushed, _ = await stream.push_stream({":path": "/pushed"})
            pushed.priority(urgency=urgencies[-1])
            for each in (pushed, stream):
                each.respond()
                each.end(bytes(SIZE))

        urgencies: list[int] = []
        for urgency, expected in ((0, [2, 1]), (7, [1, 2])):
            urgencies.append(urgency)
            async with (
                serving(answer, extensible_priorities=True) as (_, port),
                await raw.RawPeer.connect(port, values={4: 2**30}) as peer,
            ):
                peer.send(raw.window_update(0, 2**30), raw.get())
                ended = 0
                while ended < 2:
                    ended += (await peer.until(raw.DATA)).ends_stream
                data = [f.stream_id for f in peer.seen if f.type == raw.DATA and f.payload]
                assert runs(data) == expected

    run(main())


@pytest.mark.row("stream.priority", "connect.option.extensible_priorities")
def test_what_a_client_says_to_a_server_that_listens(run: Run) -> None:
    async def main() -> None:
        streams: list[http2.ServerHttp2Stream] = []
        four = asyncio.Event()

        def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":path"] != "/go":
                streams.append(stream)
                stream.respond()
                return
            stream.respond(end_stream=True)
            for each in streams:
                each.end(bytes(60_000))

        async with (
            serving_url(answer, extensible_priorities=True) as (_, origin),
            http2.connect(origin, extensible_priorities=True, settings={
                "initial_window_size": 2**30
            }) as session,
        ):  # fmt: skip
            session.set_local_window_size(2**30)
            events = Events()
            requests = []
            for n in range(3):
                request = session.request({":path": f"/{n}"})
                request.on("end", lambda n=n: events.add("end", n))
                request.resume()
                requests.append(request)
            requests[2].priority(urgency=0)
            requests[0].priority(urgency=6, incremental=True)
            await asyncio.gather(*(request.response() for request in requests))
            await session.request({":path": "/go"}).response()
            await events.expect("end", 3)
            assert [n for _, n in events.seen] == [2, 1, 0]
            four.set()

    run(main())


def test_the_field_that_is_sent() -> None:
    pair = Pair(server_settings=[(NO_RFC7540_PRIORITIES, 1)])
    pair.request()
    pair.forget()
    pair.client.priority_update(1, b"u=5, i")
    pair.pump()
    assert memory.frames(bytes(pair.client_wire)) == [
        (memory.PRIORITY_UPDATE, 0, 0, b"\x00\x00\x00\x01u=5, i")
    ]
    # it is not sent to a server that does not support it (RFC 9218 section 2.1.1)
    pair = Pair()
    pair.request()
    pair.forget()
    pair.client.priority_update(1, b"u=5, i")
    pair.pump()
    assert pair.client_wire == b""


# --- RFC 7540 --------------------------------------------------------------------------------


@pytest.mark.row("stream.priority.option.weight", "stream.priority.option.silent")
def test_weights(run: Run) -> None:
    async def main() -> None:
        frames = [get(1), priority(1, 0, 1), get(3), priority(3, 0, 256), get(5)]
        ids = await order(frames, 3)
        if not KNOWS_RFC_7540:
            assert runs(ids) == [1, 3, 5]
            return
        # the heavy one has almost ended before the light one has begun
        assert ids.index(1) < len(ids)
        last_heavy = len(ids) - 1 - ids[::-1].index(3)
        assert ids[: last_heavy + 1].count(1) <= 2
        assert ids[: last_heavy + 1].count(5) <= 2

        def change(streams: dict[int, http2.ServerHttp2Stream]) -> None:
            streams[1].priority(weight=256, silent=True)
            streams[3].priority(weight=1, silent=True)

        ids = await order([get(1), get(3)], 2, change=change)
        last_heavy = len(ids) - 1 - ids[::-1].index(1)
        assert ids[: last_heavy + 1].count(3) <= 2

    run(main())


@pytest.mark.row("stream.priority.option.parent", "stream.priority.option.exclusive")
def test_parents(run: Run) -> None:
    async def main() -> None:
        # a dependent stream waits until its parent has nothing to send
        ids = await order([get(1), get(3), priority(1, 3, 16), get(5), priority(5, 1, 16)], 3)
        if not KNOWS_RFC_7540:
            assert runs(ids) == [1, 3, 5]
            return
        assert runs(ids)[0] == 3

        def change(streams: dict[int, http2.ServerHttp2Stream]) -> None:
            streams[5].priority(parent=0, exclusive=True, silent=True)

        ids = await order([get(1), get(3), get(5)], 3, change=change)
        assert runs(ids)[0] == 5
        assert 5 not in runs(ids)[1:]

    run(main())


@pytest.mark.row(
    "server_stream.push_stream.option.parent", "server_stream.push_stream.option.exclusive"
)
@pytest.mark.parametrize("exclusive", [False, True])
def test_the_parent_of_a_push(run: Run, exclusive: bool) -> None:
    async def main() -> None:
        async def answer(stream: http2.ServerHttp2Stream) -> None:
            streams.append(stream)
            if len(streams) < 2:
                await answered.wait()
                return
            first, second = streams
            pushed, _ = await second.push_stream({":path": "/"}, parent=1, exclusive=exclusive)
            other, _ = await second.push_stream({":path": "/other"})
            other.priority(parent=1, silent=True)
            again, _ = await second.push_stream({}, parent=1, exclusive=exclusive)
            for each in (again, other, pushed, second, first):
                each.respond()
                each.end(bytes(SIZE))
            answered.set()

        answered = asyncio.Event()
        streams: list[http2.ServerHttp2Stream] = []
        async with (
            serving(answer) as (_, port),
            await raw.RawPeer.connect(port, values={4: 2**30}) as peer,
        ):
            peer.send(raw.window_update(0, 2**30), get(1), get(3))
            ended = 0
            while ended < 5:
                ended += (await peer.until(raw.DATA)).ends_stream
            ids = [f.stream_id for f in peer.seen if f.type == raw.DATA and f.payload]
            last = {stream_id: len(ids) - ids[::-1].index(stream_id) for stream_id in ids}
            if not KNOWS_RFC_7540:
                assert sorted(last) == [1, 2, 3, 4, 6]
                return
            # all three pushes depend on stream 1
            assert last[1] <= min(ids.index(n) for n in (2, 4, 6))
            if exclusive:
                # and the last one has been inserted in between
                assert last[6] <= min(ids.index(2), ids.index(4))
            else:
                assert ids.index(4) < last[6]

    run(main())


@pytest.mark.interop
@pytest.mark.row(
    "stream.priority", "stream.priority.option.weight", "stream.priority.option.silent"
)
def test_node_is_told(run: Run) -> None:
    """Before the connection is established, and after; not if it is silent."""

    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/priority.js")
            session = http2.connect(peer.origin)
            first = session.request({":path": "/early"})
            first.priority(weight=7)
            async with session:
                await first.response()
                second = session.request({":path": "/late", ":method": "POST"})
                second.priority(parent=1, weight=200, exclusive=True)
                second.priority(weight=9, silent=True)
                second.end("x")
                await second.response()
                seen = json.loads(await session.request({":path": "/seen"}).read())
        assert seen == ([[1, 0, 7, False], [3, 1, 200, True]] if KNOWS_RFC_7540 else [])

    run(main())


def test_arguments_that_make_no_sense(run: Run) -> None:
    async def main() -> None:
        async with (
            serving_url(lambda stream: stream.respond(end_stream=True)) as (_, origin),
            http2.connect(origin) as session,
        ):
            stream = session.request()
            for options, code in (
                ({"weight": 0}, "ERR_OUT_OF_RANGE"),
                ({"weight": 257}, "ERR_OUT_OF_RANGE"),
                ({"weight": "16"}, "ERR_INVALID_ARG_TYPE"),
                ({"weight": True}, "ERR_INVALID_ARG_TYPE"),
                ({"parent": -1}, "ERR_OUT_OF_RANGE"),
                ({"parent": 2**31}, "ERR_OUT_OF_RANGE"),
                ({"parent": 1.0}, "ERR_INVALID_ARG_TYPE"),
                ({"parent": 1}, "ERR_HTTP2_STREAM_SELF_DEPENDENCY"),
                ({"exclusive": 1}, "ERR_INVALID_ARG_TYPE"),
                ({"silent": 0}, "ERR_INVALID_ARG_TYPE"),
                ({"urgency": -1}, "ERR_OUT_OF_RANGE"),
                ({"urgency": 8}, "ERR_OUT_OF_RANGE"),
                ({"urgency": "3"}, "ERR_INVALID_ARG_TYPE"),
                ({"incremental": 1}, "ERR_INVALID_ARG_TYPE"),
            ):
                with pytest.raises(http2.Http2Error) as caught:
                    stream.priority(**options)
                assert caught.value.code == code, options
            with pytest.raises(http2.Http2Error) as caught:
                session.request(exclusive=1)  # type: ignore[arg-type]
            assert caught.value.code == "ERR_INVALID_ARG_TYPE"
            await stream.read()
            await stream.close()
            with pytest.raises(http2.Http2Error) as caught:
                stream.priority(weight=5)
            assert caught.value.code == "ERR_HTTP2_INVALID_STREAM"
            with pytest.raises(http2.Http2Error) as caught:
                http2.connect(origin, extensible_priorities=1)
            assert caught.value.code == "ERR_INVALID_ARG_TYPE"

    run(main())
