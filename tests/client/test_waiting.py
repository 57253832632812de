"""Requests that wait: for the connection, or for the peer's MAX_CONCURRENT_STREAMS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.filing import pattern
from ..support.peers import Flag, happening, report, serving_url, start_node
from ..support.raw import RawPeer
from ..support.running import Run, free_port
from ..support.sessions import raw_server

CANCEL = http2.constants.NGHTTP2_CANCEL
REFUSED = http2.constants.NGHTTP2_REFUSED_STREAM
MAX_CONCURRENT_STREAMS = http2.constants.NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS


async def text(stream: http2.ClientHttp2Stream) -> str:
    await stream.response()
    return (await stream.read()).decode()


# --- for the connection ------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row(
    "session.connecting", "module.connect", "client_session.request", "stream.pending", "stream.id"
)
def test_requests_before_the_connection(run: Run, background: Callable[..., Any]) -> None:
    peer = start_node(background)

    async def main() -> None:
        session = http2.connect(peer.origin)
        streams = [session.request({":path": f"/count?n={n}"}) for n in range(50)]
        assert all(stream.pending and stream.id is None for stream in streams)
        assert session.connecting
        assert session.alpn_protocol is None
        assert session.encrypted is None
        assert [await text(stream) for stream in streams] == [str(n) for n in range(50)]
        assert [stream.id for stream in streams] == list(range(1, 101, 2))
        assert not session.connecting
        assert (await report(session, peer))["order"] == list(range(50))
        await session.close()

    run(main())


@pytest.mark.interop
def test_bodies_before_the_connection(run: Run, background: Callable[..., Any]) -> None:
    peer = start_node(background)

    async def main() -> None:
        session = http2.connect(peer.origin)
        headers = {":method": "POST", ":path": "/echo"}
        finished: list[int] = []
        small = session.request(headers)
        assert small.write("one ")
        assert small.write(b"two ")
        small.on("finish", lambda: finished.append(1))
        small.end("three")
        with pytest.raises(http2.Http2Error) as caught:
            small.write("four")
        assert caught.value.code == "ERR_STREAM_WRITE_AFTER_END"
        # `write` returns False for a large one, and `drain` is emitted
        large = session.request(headers)
        parts: list[bytes] = []
        large.on("data", parts.append)
        over = happening(large, "end")
        drained = happening(large, "drain")
        assert not large.write(pattern(300_000))
        large.write(b"more")
        await drained
        await large.drain()
        large.end(b"last")
        assert await text(small) == "one two three"
        await over
        assert b"".join(parts) == pattern(300_000) + b"morelast"
        assert finished == [1]
        await session.close()

    run(main())


@pytest.mark.interop
def test_leaving_before_the_connection(run: Run, background: Callable[..., Any]) -> None:
    """Streams that are closed, destroyed or aborted while they wait are never sent."""
    peer = start_node(background)

    async def main() -> None:
        session = http2.connect(peer.origin)
        first = session.request({":path": "/count?n=1"})
        closed = session.request({":path": "/count?n=2"})
        cancelled = session.request({":path": "/count?n=3"})
        destroyed = session.request({":path": "/count?n=4"})
        signal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        aborted = session.request({":path": "/count?n=5"}, signal=signal)
        last = session.request({":path": "/count?n=6"})
        errors: list[str] = []
        for stream in (destroyed, aborted):
            stream.on("error", lambda error: errors.append(error.code))
        signal.set_result(None)
        destroyed.destroy(http2.errors.new_error("ERR_HTTP2_ERROR", -1))
        ends = [closed.close(), cancelled.close(CANCEL)]
        for end in ends:
            await end
        for stream, code in (
            (closed, "ERR_HTTP2_STREAM_ERROR"),
            (cancelled, "ERR_HTTP2_STREAM_ERROR"),
            (destroyed, "ERR_HTTP2_ERROR"),
            (aborted, "ABORT_ERR"),
        ):
            with pytest.raises(http2.Http2Error) as caught:
                await stream.response()
            assert caught.value.code == code
            assert stream.pending
            await stream.close()
        assert closed.rst_code == 0
        assert cancelled.rst_code == aborted.rst_code == CANCEL
        assert errors == ["ERR_HTTP2_ERROR", "ABORT_ERR"]
        assert await text(first) == "1"
        assert await text(last) == "6"
        assert (first.id, last.id) == (1, 3)
        assert (await report(session, peer))["order"] == [1, 6]
        await session.close()

    run(main())


@pytest.mark.row("client_session.request.after_close", "beyond.retryable", "session.event.error")
def test_connection_refused(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        origin = f"http://127.0.0.1:{free_port()}"
        # a waiting caller gets it, and it is not logged
        with pytest.raises(ConnectionRefusedError):
            await http2.connect(origin)
        with pytest.raises(ConnectionRefusedError):
            async with http2.connect(origin):
                raise AssertionError
        assert not caplog.records

        session = http2.connect(origin)
        errors: list[BaseException] = []
        closed = happening(session, "close")
        session.on("error", errors.append)
        streams = [session.request(), session.request({":method": "POST"})]
        streams[1].write(bytes(200_000))
        drained = asyncio.ensure_future(streams[1].drain())
        outcomes = await asyncio.gather(
            session, session, streams[0].response(), streams[1].read(), drained,
            return_exceptions=True,
        )  # fmt: skip
        assert isinstance(outcomes[0], ConnectionRefusedError)
        assert isinstance(outcomes[1], ConnectionRefusedError)
        for outcome in outcomes[2:]:
            assert isinstance(outcome, http2.Http2Error)
            assert outcome.retryable
            assert isinstance(outcome.__cause__, ConnectionRefusedError)
        await closed
        assert len(errors) == 1
        assert isinstance(errors[0], ConnectionRefusedError)
        assert session.destroyed
        # afterwards: the same result for every caller, and no new requests
        with pytest.raises(ConnectionRefusedError):
            await session
        with pytest.raises(http2.Http2Error) as caught:
            session.request()
        assert caught.value.code == "ERR_HTTP2_INVALID_SESSION"
        assert caught.value.retryable
        await session.close()
        assert not caplog.records

    run(main())


def test_connection_refused_and_nobody_listens(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        session = http2.connect(f"http://127.0.0.1:{free_port()}")
        await session.close()
        assert session.destroyed

        session = http2.connect(f"http://127.0.0.1:{free_port()}")
        await happening(session, "close")

    run(main())
    assert [record.name for record in caplog.records] == ["http2"]
    assert "refused" in caplog.text.lower() or "connect" in caplog.text.lower()


def test_session_ends_before_the_connection(run: Run) -> None:
    async def main() -> None:
        async with serving_url() as (_, origin):
            for end in ("destroy", "close", "error"):
                session = http2.connect(origin)
                waiter = asyncio.ensure_future(session._wait_connected())
                await asyncio.sleep(0)
                if end == "close":
                    await session.close()
                elif end == "destroy":
                    session.destroy()
                else:
                    session.on("error", lambda error: None)
                    session.destroy(ValueError("for the test"))
                with pytest.raises(ValueError if end == "error" else http2.Http2Error):
                    await waiter
                await session.close()
                assert session.destroyed

            # requests made before close() are still answered
            session = http2.connect(origin)
            stream = session.request()
            session.destroy()
            with pytest.raises(http2.Http2Error) as caught:
                await stream.response()
            assert caught.value.retryable
            await session.close()

    run(main())


@pytest.mark.row("client_session.request.after_close")
def test_close_before_the_connection_refuses_what_waits(run: Run) -> None:
    async def main() -> None:
        async with serving_url(lambda stream: stream.respond(end_stream=True)) as (_, origin):
            session = http2.connect(origin)
            stream = session.request()
            closing = session.close()
            with pytest.raises(http2.Http2Error) as caught:
                session.request()
            assert caught.value.code == "ERR_HTTP2_GOAWAY_SESSION"
            with pytest.raises(http2.Http2Error) as caught:
                await stream.response()
            assert caught.value.code == "ERR_HTTP2_GOAWAY_SESSION"
            assert caught.value.retryable
            await closing

    run(main())


@pytest.mark.row("session.event.connect", "module.connect")
def test_connect_listener_and_event(run: Run) -> None:
    async def main() -> None:
        async with serving_url() as (_, origin):
            seen = Flag()
            session = http2.connect(origin, lambda session, socket: seen.set(session, socket))
            again = happening(session, "connect")
            assert (await seen)[0] is session
            _, socket = await again
            assert socket.remote_address == "127.0.0.1"
            assert await session is session
            assert await session is session
            await session.close()

    run(main())


@pytest.mark.interop
def test_what_can_only_be_found_wrong_later(run: Run, background: Callable[..., Any]) -> None:
    """A request that the engine refuses after it got an identifier fails alone."""
    peer = start_node(background)

    async def main() -> None:
        session = http2.connect(peer.origin)
        wrong = session.request({":path": "/count?n=1"}, parent=1)
        right = session.request({":path": "/count?n=2"})
        with pytest.raises(http2.Http2ValueError) as caught:
            await wrong.response()
        assert caught.value.code == "ERR_HTTP2_STREAM_SELF_DEPENDENCY"
        assert await text(right) == "2"
        with pytest.raises(http2.Http2ValueError) as caught:
            session.request(parent=3 if right.id == 1 else 5)
        assert caught.value.code == "ERR_HTTP2_STREAM_SELF_DEPENDENCY"
        await session.close()

    run(main())


# --- for the peer's limit ----------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("beyond.live_limit")
@pytest.mark.parametrize("limit", [1, 3])
def test_never_more_than_the_limit(run: Run, background: Callable[..., Any], limit: int) -> None:
    peer = start_node(background, settings={"maxConcurrentStreams": limit})

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            await text(session.request({":path": "/count?n=0"}))
            assert session.remote_settings.max_concurrent_streams == limit
            streams = []
            for n in range(1, 501):
                if n % 5:
                    stream = session.request({":path": f"/count?n={n}"})
                else:
                    stream = session.request({":method": "POST", ":path": f"/count?n={n}"})
                    stream.end(bytes(100 * n))
                streams.append(stream)
            assert [await text(stream) for stream in streams] == [str(n) for n in range(1, 501)]
            seen = await report(session, peer)
            assert seen["order"] == list(range(501))
            assert seen["maxInFlight"] == limit
            assert seen["errors"] == []

    run(main())


@pytest.mark.interop
def test_limit_that_comes_with_the_first_settings(run: Run, background: Callable[..., Any]) -> None:
    """Requests are sent before the peer has announced its limit; refused ones say so."""
    peer = start_node(background, settings={"maxConcurrentStreams": 3})

    async def main() -> None:
        async with http2.connect(peer.origin, peer_max_concurrent_streams=3) as session:
            streams = [session.request({":path": f"/count?n={n}"}) for n in range(100)]
            assert [await text(stream) for stream in streams] == [str(n) for n in range(100)]
            assert (await report(session, peer))["maxInFlight"] == 3

    run(main())


@pytest.mark.interop
def test_cancel_while_waiting(run: Run, background: Callable[..., Any]) -> None:
    peer = start_node(background, settings={"maxConcurrentStreams": 1})

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            await text(session.request({":path": "/count?n=0"}))
            held = session.request({":method": "POST", ":path": "/count?n=1"})
            held.write("not all of it yet")
            signal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            closed = session.request({":path": "/count?n=2"})
            cancelled = session.request({":path": "/count?n=3"})
            destroyed = session.request({":path": "/count?n=4"})
            aborted = session.request({":path": "/count?n=5"}, signal=signal)
            with_body = session.request({":method": "POST", ":path": "/count?n=6"})
            with_body.write(bytes(200_000))
            last = session.request({":path": "/count?n=7"})
            await session.ping()

            # none of these has to wait for a free place
            await closed.close()
            await cancelled.close(CANCEL)
            destroyed.destroy()
            await destroyed.close()
            signal.set_result(None)
            await with_body.close(CANCEL)
            for stream in (closed, cancelled, destroyed, aborted, with_body):
                with pytest.raises(http2.Http2Error) as caught:
                    await stream.response()
                assert caught.value.code == (
                    "ABORT_ERR" if stream is aborted else "ERR_HTTP2_STREAM_ERROR"
                )
            assert cancelled.rst_code == with_body.rst_code == CANCEL
            held.end()
            assert await text(held) == "1"
            assert await text(last) == "7"
            seen = await report(session, peer)
            assert seen["order"] == [0, 1, 7]
            assert seen["maxInFlight"] == 1
            # and the session still works
            assert await text(session.request({":path": "/count?n=8"})) == "8"

    run(main())


@pytest.mark.interop
@pytest.mark.row("beyond.live_limit")
def test_limit_lowered_and_raised(run: Run, background: Callable[..., Any]) -> None:
    peer = start_node(background, settings={"maxConcurrentStreams": 100})

    async def main() -> None:
        seen: list[int] = []
        connecting = http2.connect(peer.origin)
        connecting.on(
            "remote_settings", lambda settings: seen.append(settings.max_concurrent_streams)
        )
        async with connecting as session:
            # a stream that stays open, to request a new limit when no request is allowed
            raising = session.request({":method": "POST", ":path": "/raise?max=50"})
            early = [session.request({":path": f"/count?n={-n}"}) for n in range(1, 51)]
            lowering = session.request({":path": "/settings?max=1"})
            assert await text(lowering) == "acknowledged"
            for n, stream in enumerate(early, 1):
                assert await text(stream) == str(-n)
            waiting = [session.request({":path": f"/count?n={n}"}) for n in range(100)]
            none = session.request({":method": "POST", ":path": "/raise?max=0"})
            await session.ping()
            assert not any(stream.closed for stream in waiting)
            raising.end()
            assert await text(raising) == "raised"
            assert [await text(stream) for stream in waiting] == [str(n) for n in range(100)]
            assert seen == [100, 1, 50]
            none.end()
            assert await text(none) == "raised"
            await session.ping()
            assert seen == [100, 1, 50, 0]
            assert (await report(session, peer))["order"] == [*range(-1, -51, -1), *range(100)]

    run(main())


@pytest.mark.interop
@pytest.mark.row("beyond.live_limit")
def test_limit_of_zero_holds_everything_back(run: Run, background: Callable[..., Any]) -> None:
    peer = start_node(background, settings={"maxConcurrentStreams": 100})

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            raising = session.request({":method": "POST", ":path": "/raise?max=50"})
            lowered = session.request({":path": "/settings?max=0"})
            assert await text(lowered) == "acknowledged"
            waiting = [session.request({":path": f"/count?n={n}"}) for n in range(120)]
            for _ in range(5):
                await session.ping()
            assert (await report(session, peer))["order"] == []
            assert not any(stream.closed for stream in waiting)
            raising.end()  # the server then allows 50
            assert await text(raising) == "raised"
            assert [await text(stream) for stream in waiting] == [str(n) for n in range(120)]
            counts = await report(session, peer)
            assert counts["order"] == list(range(120))
            assert counts["maxInFlight"] <= 50

    run(main())


def test_more_than_the_server_allows_of_ours(run: Run) -> None:
    """The same with this library's server, and with bodies that wait with their headers."""

    async def main() -> None:
        at_once = most = 0

        async def respond(stream: Any) -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            body = await stream.read()
            stream.respond()
            at_once -= 1
            stream.end(str(len(body)))

        async with (
            serving_url(respond, settings={"max_concurrent_streams": 2}) as (_, origin),
            http2.connect(origin) as session,
        ):
            await session.ping()
            streams = []
            for n in range(100):
                stream = session.request({":method": "POST"})
                stream.end(bytes(1000 * n))
                streams.append(stream)
            assert [await text(stream) for stream in streams] == [str(1000 * n) for n in range(100)]
            assert most <= 2

    run(main())


@pytest.mark.interop
def test_close_right_after_the_requests(run: Run, background: Callable[..., Any]) -> None:
    """GOAWAY is sent after the requests that were made before it."""
    peer = start_node(background)

    async def main() -> None:
        session = await http2.connect(peer.origin)
        port = session.socket.local_port
        streams = [session.request({":path": f"/count?n={n}"}) for n in range(10)]
        closing = session.close()
        assert session.closed
        for n, stream in enumerate(streams):
            assert await text(stream) == str(n)
        await closing
        assert session.destroyed
        assert (await report(session, peer, port=port, ended=True))["goaway"] == [[0, 0, ""]]

    run(main())


@pytest.mark.interop
@pytest.mark.row("beyond.retryable")
def test_session_ends_while_requests_wait(run: Run, background: Callable[..., Any]) -> None:
    peer = start_node(background, settings={"maxConcurrentStreams": 1})

    async def main() -> None:
        session = await http2.connect(peer.origin)
        await text(session.request({":path": "/count?n=0"}))
        held = session.request({":path": "/hold"})
        waiting = [session.request({":path": f"/count?n={n}"}) for n in range(10)]
        await session.ping()
        session.destroy()
        for stream in (held, *waiting):
            with pytest.raises(http2.Http2Error) as caught:
                await stream.response()
            assert caught.value.retryable is (stream is not held)
        await session.close()

        # close() waits for them
        session = await http2.connect(peer.origin)
        await text(session.request({":path": "/count?n=0"}))
        waiting = [session.request({":path": f"/count?n={n}"}) for n in range(10)]
        closing = session.close()
        for n, stream in enumerate(waiting):
            assert await text(stream) == str(n)
        await closing

    run(main())


@pytest.mark.row("beyond.retryable", "session.event.goaway")
@pytest.mark.parametrize("last", [1, 2**31 - 1], ids=["the last one", "the first of two"])
def test_goaway_while_requests_wait(run: Run, last: int) -> None:
    """Requests that wait for another stream's end are never sent: they fail at once."""

    async def main() -> None:
        told = asyncio.Event()
        refused = asyncio.Event()

        async def script(peer: RawPeer) -> None:
            peer.send(raw.settings({MAX_CONCURRENT_STREAMS: 1}))
            await peer.until(raw.HEADERS, 1)
            await peer.answered()
            peer.send(raw.headers(1, [(":status", "200")]))
            await told.wait()
            peer.send(raw.goaway(0, last))
            await refused.wait()
            peer.send(raw.data(1, b"whole", end_stream=True))
            rest = await peer.rest()
            assert [frame.stream_id for frame in rest if frame.type == raw.HEADERS] == []

        async with raw_server(script) as origin:
            session = http2.connect(origin)
            held = session.request()
            await held.response()
            waiting = [session.request({":method": "POST"}) for _ in range(3)]
            waiting[0].end(b"a body")
            gone = happening(session, "goaway")
            told.set()
            await gone
            for stream in waiting:
                with pytest.raises(http2.Http2Error) as caught:
                    await stream.response()
                assert (caught.value.code, caught.value.retryable) == (
                    "ERR_HTTP2_GOAWAY_SESSION",
                    True,
                )
                assert stream.rst_code == REFUSED
                await stream.close()
            assert not held.closed
            refused.set()
            assert await held.read() == b"whole"
            await session.close()

    run(main())
