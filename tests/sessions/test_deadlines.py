"""Each deadline, exceeded and not exceeded, on the sides that have it."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Iterator
from typing import Any

import pytest
import uvloop

import http2

from ..support import raw
from ..support.peers import Flag, Peer, happening, start_node, starting
from ..support.raw import RawPeer
from ..support.running import Run, node
from ..support.self_signed import Certificate
from ..support.serving import check_serves, eventually, hello, listening, serving
from .clocks import SECONDS, Clock, silent

OPTIONS = ("handshake_timeout", "headers_timeout", "first_request_timeout", "request_timeout",
           "idle_timeout", "write_timeout")  # fmt: skip


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with starting() as start:
        yield start_node(start)


# --- handshake_timeout ----------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.parametrize("said", [b"", raw.PREFACE[:10], b"GE"])
@pytest.mark.row("server.option.handshake_timeout", "beyond.deadlines")
def test_a_client_that_never_says_its_preface(run: Run, said: bytes) -> None:
    """Its connection ends, and no longer counts as one of the server's."""

    async def main() -> None:
        async with (
            serving(hello, handshake_timeout=SECONDS) as (server, port),
            await RawPeer.dial(port) as peer,
        ):
            with Clock():
                peer.send(said)
                await eventually(lambda: bool(server.open_connections.transports))
                await eventually(lambda: not server.open_connections.transports)
            await check_serves(port)

    run(main())


@pytest.mark.interop
def test_a_client_that_sends_no_settings(run: Run) -> None:
    async def main() -> None:
        failed = Flag()
        async with serving(hello, handshake_timeout=SECONDS) as (server, port):
            server.on("session_error", failed.set)
            with Clock():
                async with await RawPeer.dial(port) as peer:
                    peer.send(raw.PREFACE)
                    goaway = await peer.until(raw.GOAWAY)
            assert struct.unpack(">II", goaway.payload[:8])[1] == 4  # SETTINGS_TIMEOUT
            error, _ = await failed
            assert isinstance(error, http2.SessionTimeoutError)

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_client_that_never_says_hello_in_tls(new_loop: Any, certificate: Certificate) -> None:
    """Not in debug mode, in which asyncio reports every failed handshake."""

    async def main() -> None:
        server = http2.create_secure_server(
            cert=certificate.cert, key=certificate.key, handshake_timeout=SECONDS
        )
        async with listening(server) as port, await RawPeer.dial(port) as peer:
            with Clock(), contextlib.suppress(ConnectionError):
                assert await peer.bytes() == b""

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


@pytest.mark.interop
def test_who_shakes_hands_in_time_stays(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(hello, handshake_timeout=SECONDS) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            await asyncio.sleep(2 * SECONDS)
            peer.send(raw.get())
            assert await peer.body(1) == b"hello"

    run(main())


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.row("connect.option.handshake_timeout")
def test_a_server_that_says_nothing(run: Run, scheme: str) -> None:
    async def main() -> None:
        async with silent() as port:
            session = http2.connect(f"{scheme}://127.0.0.1:{port}", handshake_timeout=SECONDS)
            session.on("error", lambda error: None)
            stream = session.request()
            stream.on("error", lambda error: None)
            with Clock(), pytest.raises(http2.Http2Error) as caught:
                await stream.response()
            if scheme == "https":
                # it was never sent
                assert caught.value.retryable
                with pytest.raises(http2.SessionTimeoutError):
                    await session
            else:
                assert isinstance(caught.value, http2.SessionTimeoutError)
            assert session.destroyed
            await session.close()

    run(main())


# --- headers_timeout ------------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("connect.option.headers_timeout", "module.StreamTimeoutError")
def test_no_response_headers(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with http2.connect(peer.origin, headers_timeout=SECONDS) as session:
            with Clock():
                stream = session.request({":path": "/hold"})
                with pytest.raises(http2.StreamTimeoutError, match="headers") as caught:
                    await stream.response()
            assert isinstance(caught.value, TimeoutError)
            assert caught.value.code == "ERR_HTTP2_STREAM_ERROR"
            assert stream.rst_code == http2.constants.NGHTTP2_CANCEL
            assert not caught.value.retryable
            # a body may take any time
            slow = session.request({":path": "/unread", ":method": "POST"})
            await slow.response()
            await asyncio.sleep(2 * SECONDS)
            assert not slow.destroyed
            slow.close(http2.constants.NGHTTP2_CANCEL)

    run(main())


@pytest.mark.interop
def test_a_request_that_was_never_sent_may_be_repeated(run: Run) -> None:
    with starting() as start:
        peer = start_node(start, settings={"maxConcurrentStreams": 1})

        async def main() -> None:
            async with http2.connect(peer.origin, headers_timeout=SECONDS) as session:
                await session.ping()
                # it has its response, so no deadline of its own makes room for the other
                open_one = session.request({":path": "/echo", ":method": "POST"})
                await open_one.response()
                unsent = session.request({":path": "/hold"})
                unsent.on("error", lambda error: None)
                with pytest.raises(http2.StreamTimeoutError) as caught:
                    await unsent.response()
                assert caught.value.retryable
                open_one.end()

        run(main())


@pytest.mark.interop
@pytest.mark.row("server.option.first_request_timeout")
@pytest.mark.parametrize("option", ["headers_timeout", "first_request_timeout"])
def test_a_client_that_requests_nothing(run: Run, option: str) -> None:
    """A given `headers_timeout` also applies to the first request."""

    async def main() -> None:
        async with serving(hello, **{option: SECONDS}) as (_, port):
            with Clock():
                async with await RawPeer.connect(port) as peer:
                    await peer.until(raw.GOAWAY)
            async with await RawPeer.connect(port) as peer:
                peer.send(raw.get())
                assert await peer.body(1) == b"hello"
                await asyncio.sleep(2 * SECONDS)
                peer.send(raw.get(3))
                assert await peer.body(3) == b"hello"

    run(main())


@pytest.mark.interop
@pytest.mark.row("server.option.first_request_timeout")
def test_a_client_that_may_take_its_time_for_its_first_request(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(hello, headers_timeout=SECONDS, first_request_timeout=0) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            await asyncio.sleep(2 * SECONDS)
            peer.send(raw.get())
            assert await peer.body(1) == b"hello"

    run(main())


@pytest.mark.row("connect.option.headers_timeout")
def test_an_upload_that_goes_on_is_not_late(run: Run) -> None:
    """A server may answer only after the whole request: until then it is not late."""

    async def main() -> None:
        async def answer(stream: http2.ServerHttp2Stream) -> None:
            if await stream.read():
                hello(stream)

        async with (
            serving(answer) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}", headers_timeout=1) as session,
        ):
            upload = session.request({":method": "POST"})
            for _ in range(6):
                upload.write("more")
                await asyncio.sleep(0.25)
            upload.end()
            assert (await upload.response())[":status"] == 200
            silent = session.request({":method": "POST"})
            silent.write("once")
            with pytest.raises(http2.StreamTimeoutError, match="headers"):
                await silent.response()

    run(main())


@pytest.mark.interop
@pytest.mark.row("server.option.headers_timeout")
def test_a_header_block_that_never_ends(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(hello, headers_timeout=SECONDS) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get())
            assert await peer.body(1) == b"hello"
            with Clock():
                peer.send(raw.headers(3, raw.request_fields(), end_headers=False))
                await peer.until(raw.GOAWAY)

    run(main())


# --- request_timeout ------------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("connect.option.request_timeout")
def test_a_response_that_does_not_end(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with http2.connect(peer.origin, request_timeout=SECONDS) as session:
            with Clock():
                stream = session.request({":path": "/unread", ":method": "POST"})
                await stream.response()
                with pytest.raises(http2.StreamTimeoutError, match="request and response"):
                    await stream.read()
            assert stream.rst_code == http2.constants.NGHTTP2_CANCEL
            # the session continues
            assert len(await session.request({":path": "/body?size=1000"}).read()) == 1000

    run(main())


@pytest.mark.interop
@pytest.mark.row("server.option.request_timeout")
def test_a_handler_that_does_not_end(run: Run) -> None:
    async def main() -> None:
        cancelled = Flag()

        async def slow(stream: http2.ServerHttp2Stream) -> None:
            stream.on("error", lambda error: None)
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set(stream)

        async with serving(slow, request_timeout=SECONDS) as (_, port):
            with Clock():
                got = await node("client/deadline.js", str(port))
                assert got["rst"] == http2.constants.NGHTTP2_CANCEL
            [stream] = await cancelled
            assert isinstance(stream._error, http2.StreamTimeoutError)

    run(main())


@pytest.mark.interop
def test_many_requests_in_time(run: Run) -> None:
    """Ended streams are forgotten; the others expire one by one, in order."""

    async def main() -> None:
        late: list[int] = []

        def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":path"] == "/":
                hello(stream)
            else:
                stream.on("error", lambda error: late.append(stream.id or 0))

        async with (
            serving(answer, request_timeout=SECONDS) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            for stream_id in range(1, 40, 2):
                peer.send(raw.get(stream_id, "/" if stream_id % 5 else "/never"))
            for stream_id in (5, 15, 25, 35):
                await peer.until(raw.RST_STREAM, stream_id)
            assert late == [5, 15, 25, 35]

    run(main())


# --- idle_timeout ---------------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("server.option.idle_timeout")
def test_an_idle_client_is_told_to_go(run: Run) -> None:
    async def main() -> None:
        release = asyncio.Event()

        async def held(stream: http2.ServerHttp2Stream) -> None:
            await release.wait()
            hello(stream)

        async with serving(held, idle_timeout=SECONDS) as (_, port):
            async with await RawPeer.connect(port) as peer:
                peer.send(raw.get())
                await asyncio.sleep(2 * SECONDS)
                release.set()
                assert await peer.body(1) == b"hello"
                with Clock():
                    goaway = await peer.until(raw.GOAWAY)
                assert struct.unpack(">II", goaway.payload[:8]) == (1, 0)
            with Clock():
                async with await RawPeer.connect(port) as peer:
                    await peer.until(raw.GOAWAY)

    run(main())


@pytest.mark.interop
@pytest.mark.row("connect.option.idle_timeout")
def test_an_idle_session_of_a_client_closes(run: Run, peer: Peer) -> None:
    async def main() -> None:
        session = await http2.connect(peer.origin, idle_timeout=SECONDS)
        assert len(await session.request({":path": "/body?size=10"}).read()) == 10
        with Clock():
            await happening(session, "close")
        with pytest.raises(http2.Http2Error) as caught:
            session.request()
        assert caught.value.retryable

    run(main())


# --- write_timeout --------------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("server.option.write_timeout")
def test_a_client_that_reads_nothing_from_its_socket(run: Run) -> None:
    async def main() -> None:
        failed = Flag()

        def much(stream: http2.ServerHttp2Stream) -> None:
            stream.on("error", lambda error: None)
            stream.respond()
            stream.end(bytes(64 * 1024 * 1024))

        async with serving(much, write_timeout=SECONDS) as (server, port):
            server.on("session_error", failed.set)
            async with await RawPeer.connect(port, values={4: 2**31 - 1}) as peer:
                peer.send(raw.window_update(0, 2**30), raw.get())
                error, session = await failed
                assert isinstance(error, http2.SessionTimeoutError)
                assert "read nothing" in str(error)
                await eventually(lambda: session not in server._sessions)

    run(main())


@pytest.mark.interop
def test_a_client_that_gives_no_window(run: Run) -> None:
    async def main() -> None:
        failed = Flag()

        def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":path"] != "/":
                stream.on("error", failed.set)
                stream.respond()
                stream.end(bytes(1000))
            else:
                hello(stream)

        async with (
            serving(answer, write_timeout=SECONDS) as (_, port),
            await RawPeer.connect(port, values={4: 10}) as peer,
        ):
            with Clock():
                peer.send(raw.get(1, "/much"))
                got = await peer.until(raw.RST_STREAM, 1)
            assert got.payload == b"\0\0\0\x08"
            [error] = await failed
            assert isinstance(error, http2.StreamTimeoutError)
            # the session and its other streams continue
            peer.send(raw.get(3))
            assert await peer.body(3) == b"hello"

    run(main())


@pytest.mark.interop
@pytest.mark.row("connect.option.write_timeout")
def test_a_server_that_reads_nothing(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with http2.connect(peer.origin, write_timeout=SECONDS) as session:
            stream = session.request({":path": "/unread", ":method": "POST"})
            assert not stream.write(bytes(1_000_000))
            with Clock(), pytest.raises(http2.StreamTimeoutError, match="window"):
                await stream.drain()
            assert len(await session.request({":path": "/body?size=10"}).read()) == 10

    run(main())


@pytest.mark.interop
def test_who_reads_slowly_is_not_cut_off(run: Run) -> None:
    async def main() -> None:
        def much(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            stream.end(bytes(100))

        async with (
            serving(much, write_timeout=SECONDS) as (_, port),
            await RawPeer.connect(port, values={4: 10}) as peer,
        ):
            peer.send(raw.get())
            for _ in range(9):
                await asyncio.sleep(SECONDS / 3)
                peer.send(raw.window_update(1, 10))
            size = 0
            while size < 100:
                size += len((await peer.until(raw.DATA, 1)).payload)

    run(main())


# --- what they cost, and what is wrong ------------------------------------------------------


def test_requests_that_end_in_time_are_forgotten(run: Run) -> None:
    """Although the deadline gets no events of their ends."""

    async def main() -> None:
        async with (
            serving(hello, request_timeout=60) as (server, port),
            http2.connect(
                f"http://127.0.0.1:{port}", request_timeout=60, headers_timeout=59
            ) as client,
        ):
            await client.ping()
            [session] = server._sessions
            slow = client.request({":method": "POST"})
            for _ in range(20):
                streams = [client.request() for _ in range(50)]
                assert {await stream.read() for stream in streams} == {b"hello"}
            for deadlines in (session.upkeep.deadlines, client.upkeep.deadlines):
                for queue in (deadlines._requests, deadlines._headers):
                    assert queue is None or len(queue._due) < 300
            slow.close(http2.constants.NGHTTP2_CANCEL)

    run(main())


def test_by_default_no_request_costs_anything(run: Run) -> None:
    """Streams are in plain dicts, and no code runs when one begins or ends."""

    async def main() -> None:
        async with (
            serving(hello) as (server, port),
            http2.connect(f"http://127.0.0.1:{port}") as client,
        ):
            await client.request().read()
            [session] = server._sessions
            for one in (session, client):
                assert type(one.streams) is dict
                assert one.upkeep.deadlines is None
                assert one.handlers.current is one.own_handlers

    run(main())


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1", "ERR_INVALID_ARG_TYPE"),
        (True, "ERR_INVALID_ARG_TYPE"),
        (None, "ERR_INVALID_ARG_TYPE"),
        (-0.1, "ERR_OUT_OF_RANGE"),
        (float("inf"), "ERR_OUT_OF_RANGE"),
    ],
)
def test_bad_options(name: str, value: Any, code: str) -> None:
    with pytest.raises(http2.Http2Error, match=name) as caught:
        http2.create_server(**{name: value})
    assert caught.value.code == code
