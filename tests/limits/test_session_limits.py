"""The limits of a session, each exceeded: what a peer may make it store, send and tolerate."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_PROTOCOL_ERROR
from http2.engine import events as engine_events

from ..support import memory, raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events, check_serves, hello, serving
from ..support.sessions import Sessions, raw_server, refused, response

WINDOW = 4
MEGABYTE = 1_000_000


async def taken_in(peer: RawPeer) -> None:
    """Wait until the server has answered everything that was sent: pings overtake other frames."""
    await peer.answered()
    await peer.answered()


# --- max_session_memory ---------------------------------------------------------------------


def test_memory_counts_what_node_counts() -> None:
    """Queued data, header tables, unacknowledged frames, streams: each is counted and released."""
    pair = memory.Pair(client_settings=[(WINDOW, 0)])
    server = pair.server
    assert server.memory() == 0
    stream_id = pair.request({"x": "y" * 3000}, True)
    with_stream = server.memory()
    assert with_stream > 4000  # its block, twice: in the table and as a stream's
    server.submit_response(stream_id, {"x": "z" * 500})
    pair.pump()
    with_table = server.memory()
    assert with_table > with_stream + 500
    server.write(stream_id, bytes(100_000), True)
    pair.pump()
    held = server.memory() - with_table
    assert 100_000 <= held < 100_200  # the buffer, and its overhead
    server.ping(b"12345678")
    server.submit_settings([])
    assert server.memory() > with_table + 100_500
    pair.pump()  # acknowledged
    assert server.memory() == with_table + held
    pair.client.submit_settings([(WINDOW, 40_000)])
    pair.pump()
    # a buffer is held as a whole until its last byte was sent
    assert server.memory() == with_table + held
    pair.client.reset(stream_id, 8)
    pair.pump()
    tables = server.state()
    assert server.memory() == (
        tables["deflate_dynamic_table_size"] + tables["inflate_dynamic_table_size"]
    )


@pytest.mark.row("server.option.max_session_memory")
@pytest.mark.parametrize("by", ["data", "streams", "blocks", "pings"])
def test_memory_of_a_session(run: Run, by: str) -> None:
    """Above the limit new streams are refused; existing ones continue."""

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            match headers[":path"]:
                case "/large":
                    stream.end(bytes(MEGABYTE))
                case "/small":
                    stream.end("hello")

        async with (
            serving(
                respond,
                max_session_memory=1,
                max_outstanding_pings=3000,
                settings={"max_header_list_size": 10 * MEGABYTE},
            ) as (server, port),
        ):
            sessions = Sessions(server)
            async with await RawPeer.connect(port, values={WINDOW: 0}) as peer:
                session = await sessions.next()
                held = 0
                if by == "data":
                    peer.send(raw.get(1, "/large"))
                    held = 1
                elif by == "streams":
                    held = 200
                    peer.send(*(raw.get(2 * n + 1, "/wait") for n in range(held)))
                elif by == "blocks":
                    held = 20
                    for n in range(held):
                        fields = raw.request_fields(path="/wait")
                        fields += [(f"x-{i}", "y" * 8000) for i in range(8)]
                        block = raw.block(fields)
                        parts = [block[i : i + 16_000] for i in range(0, len(block), 16_000)]
                        peer.send(raw.frame(raw.HEADERS, raw.END_STREAM, 2 * n + 1, parts[0]))
                        for part in parts[1:-1]:
                            peer.send(raw.frame(raw.CONTINUATION, 0, 2 * n + 1, part))
                        peer.send(
                            raw.frame(raw.CONTINUATION, raw.END_HEADERS, 2 * n + 1, parts[-1])
                        )
                else:
                    for _ in range(2100):
                        session.ping()
                await taken_in(peer)
                refused_already = [got for got in peer.seen if got.type == raw.RST_STREAM]
                if by in ("streams", "blocks"):
                    assert refused_already
                    held -= len(refused_already)
                    assert held > 8  # the limit is not so low that nothing fits
                else:
                    assert not refused_already
                late = 2001
                peer.send(raw.get(late, "/small"))
                got = await peer.until(raw.RST_STREAM, late)
                assert got.code == NGHTTP2_ENHANCE_YOUR_CALM
                assert not session.destroyed

                if by == "pings":
                    for got in [got for got in peer.seen if got.type == raw.PING]:
                        if not got.flags & raw.ACK:
                            peer.send(raw.ping(got.payload, ack=True))
                else:
                    peer.send(*(raw.rst_stream(2 * n + 1) for n in range(held)))
                peer.send(raw.window_update(0, 100))
                peer.send(raw.get(2003, "/small"), raw.window_update(2003, 100))
                assert await peer.body(2003) == b"hello"

    run(main())


@pytest.mark.row("connect.option.max_session_memory")
def test_memory_of_a_client(run: Run) -> None:
    """A client's bodies count too: its server's pushes are refused while they wait."""
    pair = memory.Pair(client={"max_session_memory": 50_000}, server_settings=[(WINDOW, 0)])
    stream_id = pair.request({":method": "POST"})
    pair.client.write(stream_id, bytes(60_000))
    pair.server.submit_push_promise(stream_id, {":path": "/p"}, "test", "http")
    pair.pump()
    closed = memory.of_kind(pair.server_events, engine_events.STREAM_CLOSED)
    assert closed == [(engine_events.STREAM_CLOSED, 2, NGHTTP2_ENHANCE_YOUR_CALM, None)]
    pair.client.reset(stream_id, 8)
    pair.pump()
    other = pair.request({":method": "POST"})
    pair.server.submit_push_promise(other, {":path": "/p"}, "test", "http")
    pair.pump()
    assert memory.of_kind(pair.client_events, engine_events.PUSH_PROMISE)


@pytest.mark.row("server.option.max_session_rejected_streams")
@pytest.mark.parametrize("limit", [0, 5, 100])
def test_rejected_streams_end_the_session(run: Run, limit: int) -> None:
    async def main() -> None:
        def large(stream: http2.ServerHttp2Stream) -> None:
            stream.end(bytes(MEGABYTE))

        options: dict[str, Any] = {} if limit == 100 else {"max_session_rejected_streams": limit}
        async with serving(large, max_session_memory=1, **options) as (server, port):
            sessions = Sessions(server)
            async with await RawPeer.connect(port, values={WINDOW: 0}) as peer:
                session = await sessions.next()
                events = Events()
                events.listen(session, "error", "close")
                peer.send(raw.get(1))
                await taken_in(peer)
                stream_ids = range(3, 3 + 2 * limit, 2)
                peer.send(*map(raw.get, stream_ids))
                await taken_in(peer)
                assert not session.destroyed
                assert len([got for got in peer.seen if got.type == raw.RST_STREAM]) == limit
                # an accepted stream in between restarts the count
                peer.send(raw.rst_stream(1))
                await taken_in(peer)
                peer.send(raw.get(3 + 2 * limit))
                await taken_in(peer)
                peer.send(*map(raw.get, range(5 + 2 * limit, 5 + 4 * limit, 2)))
                await taken_in(peer)
                assert not session.destroyed
                peer.send(raw.get(5 + 4 * limit))
                goaway = [got for got in await peer.rest() if got.type == raw.GOAWAY]
                assert [got.code for got in goaway] == [NGHTTP2_ENHANCE_YOUR_CALM]
                peer.finish()
                error = (await events.expect("error"))[1]
                assert error.code == "ERR_HTTP2_ERROR"
                await events.expect("close")
                assert events.names == ["error", "close"]
            server.on("stream", hello)
            server.off("stream", large)
            await check_serves(port)

    run(main())


@pytest.mark.parametrize("name", ["max_session_memory", "max_session_rejected_streams"])
def test_wrong_limits(name: str) -> None:
    for wrong in ("1", 1.5, True, None):
        refused("ERR_INVALID_ARG_TYPE", http2.create_server, **{name: wrong})
    low = 0 if name == "max_session_memory" else -1
    for number in (low, 2**32):
        refused("ERR_OUT_OF_RANGE", http2.create_server, **{name: number})


# --- max_session_invalid_frames -----------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 3])
def test_invalid_frames_end_the_session(run: Run, limit: int) -> None:
    async def main() -> None:
        async with serving(hello, max_session_invalid_frames=limit) as (server, port):
            sessions = Sessions(server)
            async with await RawPeer.connect(port) as peer:
                session = await sessions.next()
                events = Events()
                events.listen(session, "error", "close")
                # an upper-case name is malformed (RFC 9113 section 8.2): an error of its stream
                bad = [
                    raw.headers(n, [*raw.request_fields(), ("UPPER", "1")], end_stream=True)
                    for n in range(1, 3 + 2 * limit, 2)
                ]
                peer.send(*bad[:-1])
                await taken_in(peer)
                resets = [got for got in peer.seen if got.type == raw.RST_STREAM]
                assert [got.code for got in resets] == [NGHTTP2_PROTOCOL_ERROR] * limit
                assert not session.destroyed
                peer.send(bad[-1])
                assert (await peer.until(raw.GOAWAY)).code == NGHTTP2_PROTOCOL_ERROR
                peer.finish()
                error = (await events.expect("error"))[1]
                assert error.code == "ERR_HTTP2_TOO_MANY_INVALID_FRAMES"
                await events.expect("close")

    run(main())


# --- max_send_header_block_length ---------------------------------------------------------


@pytest.mark.row("connect.option.max_send_header_block_length", "stream.event.frame_error")
def test_block_that_is_too_long_to_be_sent_by_a_client(run: Run) -> None:
    """``frame_error`` on its stream, which is destroyed; the session continues."""

    async def main() -> None:
        async with (
            serving(hello) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}", max_send_header_block_length=1000) as session,
        ):
            events = Events()
            stream = session.request({"x": "~" * 2000})
            events.listen(stream, "frame_error", "error", "close", "aborted")
            with pytest.raises(http2.Http2Error) as failure:
                await stream.response()
            assert failure.value.code == "ERR_HTTP2_STREAM_ERROR"
            assert failure.value.retryable
            await events.expect("close")
            assert events.seen[0][:2] == ("frame_error", raw.HEADERS)
            assert events.names == ["frame_error", "error", "close"]
            assert stream.destroyed
            assert await session.request({"x": "~" * 200}).read() == b"hello"

    run(main())


def test_block_that_is_too_long_to_be_sent_by_a_server(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        events = Events()

        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":path"] == "/long":
                events.listen(stream, "frame_error", "error", "close", "aborted")
                stream.respond({"x": "~" * 2000})
                stream.end("never")
            else:
                hello(stream)

        async with (
            serving(respond, max_send_header_block_length=1000) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get(1, "/long"))
            assert (await peer.until(raw.RST_STREAM, 1)).code == 6  # FRAME_SIZE_ERROR
            await events.expect("close")
            assert events.seen[0] == ("frame_error", raw.HEADERS, 6, 1)
            assert events.names == ["frame_error", "error", "close"]
            peer.send(raw.get(3))
            assert await peer.body(3) == b"hello"

    with caplog.at_level(logging.WARNING, logger="http2"):
        run(main())
    assert not caplog.records


# --- the same limits on the client: servers break rules too --------------------------------


def promise(stream_id: int, promised: int) -> bytes:
    """PUSH_PROMISE."""
    block = promised.to_bytes(4, "big") + raw.block(raw.request_fields())
    return raw.frame(raw.PUSH_PROMISE, raw.END_HEADERS, stream_id, block)


@pytest.mark.row("connect.option.max_settings")
def test_settings_entries_that_a_client_takes(run: Run) -> None:
    async def main() -> None:
        async def script(peer: RawPeer) -> None:
            peer.send(raw.settings({WINDOW: 1, 5: 20_000}))
            await peer.answered()
            peer.send(raw.settings({WINDOW: 1, 5: 20_000, 6: 5}))
            assert (await peer.until(raw.GOAWAY)).code == NGHTTP2_ENHANCE_YOUR_CALM

        async with raw_server(script) as origin:
            session = await http2.connect(origin, max_settings=2)
            events = Events()
            events.listen(session, "error", "close")
            assert (await events.expect("error"))[1].code == "ERR_HTTP2_ERROR"
            await events.expect("close")

    run(main())


@pytest.mark.row("connect.option.max_header_list_pairs")
def test_pairs_that_a_client_takes(run: Run) -> None:
    async def main() -> None:
        async def script(peer: RawPeer) -> None:
            await peer.until(raw.HEADERS, 3)
            peer.send(response(1, ("x", "1"), ("y", "2")), response(3, ("x", "1")))
            assert (await peer.until(raw.RST_STREAM, 1)).code == NGHTTP2_ENHANCE_YOUR_CALM

        async with (
            raw_server(script) as origin,
            http2.connect(origin, max_header_list_pairs=2) as session,
        ):
            long, short = session.request(), session.request()
            with pytest.raises(http2.StreamError) as failure:
                await long.response()
            assert failure.value.error_code == NGHTTP2_ENHANCE_YOUR_CALM
            assert (await short.response())["x"] == "1"
            assert await short.read() == b""

    run(main())


@pytest.mark.row("connect.option.max_session_invalid_frames")
def test_invalid_frames_that_a_client_bears(run: Run) -> None:
    async def main() -> None:
        async def script(peer: RawPeer) -> None:
            await peer.until(raw.HEADERS, 5)
            peer.send(response(1, ("UPPER", "1")), response(3, ("UPPER", "1")))
            await taken_in(peer)
            peer.send(response(5, ("UPPER", "1")))
            assert (await peer.until(raw.GOAWAY)).code == NGHTTP2_PROTOCOL_ERROR

        async with raw_server(script) as origin:
            session = await http2.connect(origin, max_session_invalid_frames=2)
            events = Events()
            events.listen(session, "error", "close")
            asked = [session.request() for _ in range(3)]
            ends = await asyncio.gather(*(one.read() for one in asked), return_exceptions=True)
            assert [error.code for error in ends] == [
                "ERR_HTTP2_STREAM_ERROR",
                "ERR_HTTP2_STREAM_ERROR",
                "ERR_HTTP2_TOO_MANY_INVALID_FRAMES",
            ]
            error = (await events.expect("error"))[1]
            assert error.code == "ERR_HTTP2_TOO_MANY_INVALID_FRAMES"
            await events.expect("close")

    run(main())


@pytest.mark.row("connect.option.max_session_rejected_streams")
def test_pushes_that_a_client_refuses(run: Run) -> None:
    async def main() -> None:
        async def script(peer: RawPeer) -> None:
            await peer.until(raw.HEADERS, 1)
            await peer.until(raw.DATA, 1)
            peer.send(*(promise(1, n) for n in (2, 4, 6)))
            await taken_in(peer)
            resets = [got for got in peer.seen if got.type == raw.RST_STREAM]
            assert [got.code for got in resets] == [NGHTTP2_ENHANCE_YOUR_CALM] * 3
            peer.send(promise(1, 8))
            assert (await peer.until(raw.GOAWAY)).code == NGHTTP2_ENHANCE_YOUR_CALM

        async with raw_server(script) as origin:
            session = await http2.connect(
                origin, max_session_memory=1, max_session_rejected_streams=3
            )
            events = Events()
            events.listen(session, "error", "close")
            upload = session.request({":method": "POST"})
            upload.write(bytes(2 * MEGABYTE))
            assert (await events.expect("error"))[1].code == "ERR_HTTP2_ERROR"
            await events.expect("close")
            with pytest.raises(http2.Http2Error):
                await upload.response()

    run(main())


# --- max_outstanding_pings, of both sides --------------------------------------------------


def test_outstanding_pings_of_a_client(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(hello) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}", max_outstanding_pings=3) as session,
        ):
            done = await asyncio.gather(
                *(session.ping(b"%08d" % n) for n in range(5)), return_exceptions=True
            )
            assert [payload for _, payload in done[:3]] == [b"%08d" % n for n in range(3)]
            assert [error.code for error in done[3:]] == ["ERR_HTTP2_PING_CANCEL"] * 2
            await session.ping()

    run(main())
