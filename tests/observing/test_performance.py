"""`PerformanceObserver`: correct numbers with an observer, no cost without one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import http2
from http2.observing import measuring

from ..support import raw
from ..support.peers import start_node, starting
from ..support.raw import RawPeer
from ..support.running import Run, node
from ..support.serving import Events, check_serves, eventually, hello, serving


@contextmanager
def observing() -> Iterator[Events]:
    """Collect every entry, in `Events` under its name."""
    seen = Events()

    def note(items: http2.PerformanceObserverEntryList) -> None:
        for entry in items.get_entries():
            seen.add(entry.name, entry)

    observer = http2.PerformanceObserver(note)
    observer.observe(entry_types=["http2"])
    try:
        yield seen
    finally:
        observer.disconnect()
    assert not measuring.sinks


async def echo(stream: http2.ServerHttp2Stream) -> None:
    body = await stream.read()
    stream.respond()
    stream.end(body)


@pytest.mark.interop
@pytest.mark.row(
    "module.PerformanceObserver",
    "observer.observe",
    "module.Http2SessionEntry",
    "module.Http2StreamEntry",
    "module.PerformanceEntry",
    "metrics.entry_type",
    "metrics.name",
    "metrics.start_time",
    "metrics.duration",
    "metrics.stream.bytes_read",
    "metrics.stream.bytes_written",
    "metrics.stream.id",
    "metrics.stream.time_to_first_byte",
    "metrics.stream.time_to_first_byte_sent",
    "metrics.stream.time_to_first_header",
    "metrics.session.bytes_read",
    "metrics.session.bytes_written",
    "metrics.session.frames_received",
    "metrics.session.frames_sent",
    "metrics.session.max_concurrent_streams",
    "metrics.session.stream_average_duration",
    "metrics.session.stream_count",
    "metrics.session.type",
)
def test_a_server_measures_what_node_measures(run: Run) -> None:
    """Node's client measures the same connection at its end."""
    sizes = [0, 10, 100_000]

    async def main() -> None:
        with observing() as seen:
            # whose PINGs for the windows would be measured too
            async with serving(echo, max_receive_window=0) as (_, port):
                theirs: list[dict[str, Any]] = await node(
                    "client/metrics.js", str(port), *map(str, sizes)
                )
                ours: http2.Http2SessionEntry = (await seen.expect("Http2Session"))[1]
                streams = [entry[1] for entry in seen.seen if entry[0] == "Http2Stream"]
        their_session = next(entry for entry in theirs if entry["name"] == "Http2Session")
        assert ours.type == "server"
        assert ours.entry_type == "http2"
        assert ours.bytes_read >= 100_010 + 9 * 8
        assert ours.bytes_written >= 100_010 + 9 * 8
        # each side sends GOAWAY, 17 bytes, when it closes and again at its end, which the other
        # side may not receive any more
        unheard = their_session["framesSent"] - ours.frames_received
        assert unheard in (0, 1, 2)
        assert their_session["bytesWritten"] - ours.bytes_read == 17 * unheard
        unheard = ours.frames_sent - their_session["framesReceived"]
        assert unheard in (0, 1, 2)
        assert ours.bytes_written - their_session["bytesRead"] == 17 * unheard
        assert ours.stream_count == their_session["streamCount"] == 3
        # Node counts its objects, which may exist longer than their streams
        assert ours.max_concurrent_streams == 1 <= their_session["maxConcurrentStreams"]
        assert ours.ping_rtt is None
        assert ours.duration * 1000 == pytest.approx(their_session["duration"], abs=500)
        assert [stream.id for stream in streams] == [1, 3, 5]
        assert [stream.bytes_read for stream in streams] == sizes
        assert [stream.bytes_written for stream in streams] == sizes
        mean = sum(stream.duration for stream in streams) / 3
        assert ours.stream_average_duration == pytest.approx(mean)
        for stream in streams:
            assert stream.time_to_first_header == 0
            assert ours.start_time <= stream.start_time <= time.monotonic()
            assert 0 < stream.duration < ours.duration
        assert streams[0].time_to_first_byte is None
        assert 0 <= streams[2].time_to_first_byte <= streams[2].time_to_first_byte_sent
        assert streams[2].time_to_first_byte_sent <= streams[2].duration

    run(main())


@pytest.mark.interop
@pytest.mark.row("metrics.session.ping_rtt", "metrics.session.type")
def test_a_client_measures_a_server_of_nodes(run: Run) -> None:
    with starting() as start:
        peer = start_node(start)

        async def main() -> None:
            with observing() as seen:
                async with http2.connect(peer.origin) as session:
                    first = session.request({":path": "/hash", ":method": "POST"})
                    second = session.request({":path": "/body?size=70000"})
                    first.end(bytes(5000))
                    await first.read()
                    await second.read()
                    duration, _ = await session.ping()
                entry: http2.Http2SessionEntry = (await seen.expect("Http2Session"))[1]
                streams = {got[1].id: got[1] for got in seen.seen if got[0] == "Http2Stream"}
            assert entry.type == "client"
            assert entry.stream_count == entry.max_concurrent_streams == 2
            assert entry.ping_rtt == pytest.approx(duration, abs=0.01)
            assert (streams[1].bytes_read, streams[1].bytes_written) == (64, 5000)
            assert (streams[3].bytes_read, streams[3].bytes_written) == (70_000, 0)
            assert streams[3].time_to_first_byte_sent is None
            for stream in streams.values():
                assert 0 < stream.time_to_first_header <= stream.time_to_first_byte
                assert stream.time_to_first_byte <= stream.duration < entry.duration

        run(main())


@pytest.mark.row("metrics.stream.time_to_first_header")
def test_headers_of_a_response_without_a_body_are_measured(run: Run) -> None:
    def refuse(stream: http2.ServerHttp2Stream) -> None:
        stream.respond({":status": 404}, end_stream=True)

    async def main() -> None:
        with observing() as seen:
            async with (
                serving(refuse) as (_, port),
                http2.connect(f"http://127.0.0.1:{port}") as session,
            ):
                assert (await session.request().response())[":status"] == 404
                await seen.expect("Http2Stream", 2)
            await seen.expect("Http2Session", 2)
        # a server's request has its header at once
        (ours,) = (
            entry.time_to_first_header
            for name, entry in seen.seen
            if name == "Http2Stream" and entry.time_to_first_header != 0
        )
        assert ours > 0

    run(main())


async def push_one(stream: http2.ServerHttp2Stream) -> None:
    pushed, _ = await stream.push_stream({":path": "/pushed"})
    stream.respond()
    stream.end("asked for")
    pushed.respond()
    pushed.end("pushed")


@pytest.mark.row("metrics.stream.time_to_first_header", "metrics.stream.bytes_written")
def test_pushed_streams_are_measured_at_both_ends(run: Run) -> None:
    """The first one, and later ones."""

    async def main() -> None:
        bodies: list[bytes] = []

        async def take(stream: http2.ClientHttp2Stream) -> None:
            bodies.append(await stream.read())

        with observing() as seen:
            async with (
                serving(push_one) as (_, port),
                http2.connect(f"http://127.0.0.1:{port}") as session,
            ):
                session.on("stream", take)
                for _ in range(3):
                    assert await session.request().read() == b"asked for"
                await seen.expect("Http2Stream", 12)
            await seen.expect("Http2Session", 2)
        assert bodies == [b"pushed"] * 3
        streams = [entry for name, entry in seen.seen if name == "Http2Stream"]
        sent = {entry.id: entry for entry in streams if entry.bytes_written}
        received = {entry.id: entry for entry in streams if entry.bytes_read}
        assert sorted(sent) == sorted(received) == [1, 2, 3, 4, 5, 6]
        for pushed in (2, 4, 6):
            ours, theirs = sent[pushed], received[pushed]
            assert (ours.bytes_written, ours.bytes_read) == (6, 0)
            assert (theirs.bytes_written, theirs.bytes_read) == (0, 6)
            assert ours.time_to_first_header is ours.time_to_first_byte is None
            assert 0 < ours.time_to_first_byte_sent <= ours.duration
            assert theirs.time_to_first_byte_sent is None
            assert 0 < theirs.time_to_first_header <= theirs.time_to_first_byte <= theirs.duration
        for name, session_entry in seen.seen:
            if name == "Http2Session":
                assert session_entry.stream_count == 6
                of_one = received if session_entry.type == "client" else sent
                mean = sum(entry.duration for entry in of_one.values()) / 6
                assert session_entry.stream_average_duration == pytest.approx(mean)

    run(main())


def test_a_push_that_waits_outlasts_an_observer(run: Run) -> None:
    """Adding or removing an observer does not affect a session's other handlers."""

    async def main() -> None:
        events = Events()

        async def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":path"] == "/push":
                first, _ = await stream.push_stream({":path": "/first"})
                held.append(first)
                first.respond()
                second, _ = await stream.push_stream({":path": "/second"})
                events.add("granted")
                second.respond(end_stream=True)
            elif headers[":path"] == "/end":
                held[0].end("now")
            stream.respond(end_stream=True)

        held: list[http2.ServerHttp2Stream] = []
        async with (
            serving(answer) as (_, port),
            await RawPeer.connect(port, values={3: 1}) as peer,
        ):
            peer.send(raw.get(1, "/push"))
            await peer.until(raw.HEADERS, 2)
            with observing() as seen:
                peer.send(raw.get(3))
                await seen.expect("Http2Stream")
            assert not events.seen
            peer.send(raw.get(5, "/end"))
            await events.expect("granted")
            assert (await peer.until(raw.HEADERS, 4)).ends_stream

    run(main())


def test_every_byte_and_frame_is_counted(run: Run) -> None:
    """With hand-written frames, whose numbers are known."""

    async def main() -> None:
        with observing() as seen:
            async with serving(hello) as (_, port):
                async with await RawPeer.dial(port) as peer:
                    wire = raw.PREFACE + raw.settings() + raw.settings(ack=True) + raw.get()
                    peer.send(wire)
                    await peer.body(1)
                    peer.send(raw.goaway())
                    received = len(wire) + len(raw.goaway()) + 13  # body() returns the window
                    await peer.rest()
                    sent = sum(9 + len(got.payload) for got in peer.seen)
                entry: http2.Http2SessionEntry = (await seen.expect("Http2Session"))[1]
                assert (entry.frames_received, entry.bytes_read) == (5, received)
                assert (entry.frames_sent, entry.bytes_written) == (len(peer.seen), sent)
                assert entry.stream_count == entry.max_concurrent_streams == 1

    run(main())


def test_a_stream_that_fails_has_its_entry_too(run: Run) -> None:
    async def main() -> None:
        with observing() as seen:
            async with serving(lambda stream: None) as (_, port):
                async with await RawPeer.connect(port) as peer:
                    peer.send(raw.post(), raw.data(1, b"12345"))
                    # a stream that one read begins and resets is not emitted
                    await peer.answered()
                    peer.send(raw.rst_stream(1))
                    peer.send(raw.post(3), raw.data(3, b"123"))
                    assert (await seen.expect("Http2Stream"))[1].bytes_read == 5
                # the second one ends with its connection
                assert (await seen.expect("Http2Stream", 2))[1].bytes_read == 3
                entry = (await seen.expect("Http2Session"))[1]
                assert (entry.stream_count, entry.max_concurrent_streams) == (2, 1)

    run(main())


def test_who_comes_late_gets_what_is_true(run: Run) -> None:
    """Counters include the session's whole life; streams that began before are left out."""

    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.data(1, b"before"))
            early = await streams.get()
            with observing() as seen:
                peer.send(raw.get(3), raw.data(1, b"after", end_stream=True))
                late = await streams.get()
                early.respond(end_stream=True)
                late.respond(end_stream=True)
                await peer.until(raw.HEADERS, 3)
                assert (await seen.expect("Http2Stream"))[1].id == 3
                peer.send(raw.goaway())
                entry = (await seen.expect("Http2Session"))[1]
                assert (entry.stream_count, entry.max_concurrent_streams) == (2, 2)
                assert seen.names == ["Http2Stream", "Http2Session"]

    run(main())


@pytest.mark.row("observer.disconnect")
def test_nobody_observes(run: Run) -> None:
    """Then a session has the handlers of its class, and the engine reports nothing more."""

    async def main() -> None:
        sessions: list[http2.ServerHttp2Session] = []
        async with serving(hello) as (server, port):
            server.on("session", sessions.append)
            async with await RawPeer.connect(port) as peer:
                peer.send(raw.get())
                await peer.body(1)
                [session] = sessions
                assert session.handlers.current is session.own_handlers
                assert not session.engine.measuring
                with observing() as seen:
                    assert session.handlers.current is not session.own_handlers
                    peer.send(raw.get(3))
                    await peer.body(3)
                    assert (await seen.expect("Http2Stream"))[1].bytes_written == 5
                assert session.handlers.current is session.own_handlers
                assert not session.engine.measuring
                peer.send(raw.get(5))
                await peer.body(5)
                assert seen.names == ["Http2Stream"]

    run(main())


@pytest.mark.row(
    "module.PerformanceObserverEntryList",
    "entries.get_entries",
    "entries.get_entries_by_name",
    "entries.get_entries_by_type",
)
def test_a_callback_that_raises_is_logged(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        calls: list[Any] = []

        async def fails(items: Any, observer: Any) -> None:
            calls.append((items, observer))
            raise ZeroDivisionError

        observer = http2.PerformanceObserver(fails)
        observer.observe()
        observer.observe(["http2", "mark"])
        async with serving(hello) as (_, port):
            with caplog.at_level(logging.ERROR, logger="http2"):
                await check_serves(port)
                await check_serves(port)
                await eventually(lambda: len(calls) >= 2)
            observer.disconnect()
            observer.disconnect()
            assert "raised" in caplog.text
            assert calls[0][1] is observer
            entries = calls[0][0].get_entries()
            assert calls[0][0].get_entries_by_type("http2") == entries
            assert calls[0][0].get_entries_by_type("mark") == []
            names = [entry.name for entry in entries]
            assert len(calls[0][0].get_entries_by_name("Http2Stream")) == names.count("Http2Stream")

    run(main())


@pytest.mark.row("observer.take_records")
def test_records_that_are_taken_do_not_come_again(run: Run) -> None:
    async def main() -> None:
        calls: list[Any] = []
        observer = http2.PerformanceObserver(calls.append)
        observer.observe(["http2"])
        sessions: list[http2.ServerHttp2Session] = []
        async with serving(hello) as (server, port):
            server.on("session", sessions.append)
            async with await RawPeer.connect(port) as peer:
                peer.send(raw.get())
                await peer.body(1)
                calls.clear()
                sessions[0].destroy()
                sessions[0].loop.call_soon(lambda: taken.extend(observer.take_records()))
                taken: list[http2.PerformanceEntry] = []
                await peer.rest()
            assert [entry.name for entry in taken] == ["Http2Session"]
            assert not calls
        observer.disconnect()

    run(main())


def test_other_types_have_no_entries() -> None:
    observer = http2.PerformanceObserver(lambda items: None)
    observer.observe(["mark"])
    assert not measuring.sinks
    observer.disconnect()


@pytest.mark.parametrize("wrong", [None, 1, "http2", [1], [None]])
def test_bad_entry_types(wrong: Any) -> None:
    observer = http2.PerformanceObserver(lambda items: None)
    with pytest.raises(http2.Http2TypeError) as caught:
        observer.observe(wrong)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
    assert not measuring.sinks


def test_bad_callback() -> None:
    with pytest.raises(http2.Http2TypeError) as caught:
        http2.PerformanceObserver(None)  # type: ignore[arg-type]
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
