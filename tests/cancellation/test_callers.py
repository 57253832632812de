"""A cancelled caller causes no further work, and loses no data that it did not get."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_CANCEL

from ..support import raw
from ..support.peers import serving_url
from ..support.running import Run
from ..support.serving import eventually

LIMIT_1 = {"max_concurrent_streams": 1}


class Slow:
    """Handlers that read a request, record it, and answer after a while."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.go_on = asyncio.Event()

    async def __call__(self, stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
        body = await stream.read()
        self.seen.append(f"{headers[':path']} {body.decode()}")
        await self.go_on.wait()
        stream.end("answer")


def post(session: http2.ClientHttp2Session, path: str) -> http2.ClientHttp2Stream:
    """Place an order."""
    stream = session.request({":method": "POST", ":path": path})
    stream.end("order")
    return stream


@pytest.mark.row("habit.cancelled_response")
def test_a_cancelled_request_is_not_sent(run: Run) -> None:
    """Of four requests at a limit of one, three are not sent: the server never gets them."""

    async def main() -> None:
        slow = Slow()
        async with (
            serving_url(slow, settings=LIMIT_1) as (_, origin),
            http2.connect(origin) as session,
        ):
            await session.ping()
            await session.ping()  # the server's settings are known
            streams = [post(session, f"/{n}") for n in range(4)]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await asyncio.gather(*(stream.response() for stream in streams))
            assert [stream.rst_code for stream in streams] == [NGHTTP2_CANCEL] * 4
            slow.go_on.set()
            # none of them blocks the next one
            async with asyncio.timeout(15):
                assert (await session.request({":path": "/5"}).response())[":status"] == 200
            assert slow.seen == ["/0 order", "/5 "]
            assert all(stream.destroyed for stream in streams)

    run(main())


def test_a_request_that_is_cancelled_before_the_connection_is_there(run: Run) -> None:
    async def main() -> None:
        slow = Slow()
        async with serving_url(slow) as (_, origin):
            session = http2.connect(origin)
            stream = session.request({":path": "/cancelled"})
            waiting = asyncio.ensure_future(stream.response())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            slow.go_on.set()
            assert (await session.request({":path": "/other"}).response())[":status"] == 200
            assert slow.seen == ["/other "]
            await session.close()

    run(main())


def test_a_request_goes_on_while_another_caller_waits(run: Run) -> None:
    async def main() -> None:
        slow = Slow()
        async with serving_url(slow) as (_, origin), http2.connect(origin) as session:
            stream = session.request()
            other = asyncio.ensure_future(stream.response())
            await asyncio.sleep(0)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await stream.response()
            slow.go_on.set()
            assert (await other)[":status"] == 200
            assert await stream.read() == b"answer"

    run(main())


@pytest.mark.row("habit.async_with_request")
@pytest.mark.parametrize("reason", ["exception", "break", "unread", "deadline"])
def test_leaving_the_block_cancels_the_request(run: Run, reason: str) -> None:
    """The server gets a reset, and the next request can be sent."""

    async def main() -> None:
        ends: list[Any] = []

        def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            stream.respond()
            if headers[":path"] == "/":
                stream.on("close", lambda: ends.append(stream.rst_code))
                stream.write(bytes(300_000))  # and no end
            else:
                stream.end("whole")

        async def leave(session: http2.ClientHttp2Session) -> None:
            async with session.request() as stream:
                await stream.response()
                if reason == "exception":
                    raise LookupError
                if reason == "break":
                    async for _ in stream:
                        break
                if reason == "deadline":
                    async with asyncio.timeout(0.01):
                        await stream.read()

        async with (
            serving_url(on_stream, settings=LIMIT_1) as (_, origin),
            http2.connect(origin) as session,
        ):
            if reason in ("exception", "deadline"):
                with pytest.raises((LookupError, TimeoutError)):
                    await leave(session)
            else:
                await leave(session)
            await eventually(lambda: ends == [NGHTTP2_CANCEL])
            async with session.request({":path": "/whole"}) as stream:
                assert await stream.read() == b"whole"
            assert stream.rst_code == 0

    run(main())


def test_a_complete_exchange_is_left_alone(run: Run) -> None:
    """Its response is complete: there is no reset, and a late reader still gets it."""

    async def main() -> None:
        codes: list[int | None] = []

        def on_stream(stream: http2.ServerHttp2Stream) -> None:
            stream.on("close", lambda: codes.append(stream.rst_code))
            stream.end("whole")

        async with serving_url(on_stream) as (_, origin), http2.connect(origin) as session:
            async with session.request() as stream:
                await stream.response()
                await session.ping()
            assert await stream.read() == b"whole"
            await eventually(lambda: codes == [0])

    run(main())


# --- reads ------------------------------------------------------------------------------------


class Pieces:
    """A server whose only response is sent in steps by the test."""

    def __init__(self) -> None:
        self.stream: Any = None

    def __call__(self, stream: http2.ServerHttp2Stream) -> None:
        self.stream = stream
        stream.respond()


async def cut_short(read: Any) -> None:
    """Wait for *read*, which must be cancelled."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read, 0.05)


@pytest.mark.row("habit.cancelled_reads")
@pytest.mark.parametrize("server_side", [False, True])
@pytest.mark.parametrize("how", ["read", "readexactly"])
def test_a_cancelled_read_loses_nothing(run: Run, how: str, server_side: bool) -> None:
    async def main() -> None:
        arrived: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def on_stream(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            arrived.set_result(stream)

        async with serving_url(on_stream) as (_, origin), http2.connect(origin) as session:
            request = session.request({":method": "POST"})
            await request.response()
            response = await arrived
            reader, writer = (response, request) if server_side else (request, response)
            for _ in range(3):
                writer.write(b"1234")
                if how == "read":
                    await cut_short(reader.read())
                else:
                    await cut_short(reader.readexactly(100))
            assert await reader.readexactly(5) == b"12341"
            writer.end(b"end")
            assert await reader.read() == b"2341234end"
            request.end()
            response.end()

    run(main())


def test_cancelled_reads_keep_the_windows_whole(run: Run) -> None:
    """Bytes that are read a second time are returned to the window once."""

    async def main() -> None:
        pieces = Pieces()
        async with (
            serving_url(pieces) as (_, origin),
            http2.connect(origin, max_receive_window=0) as session,
        ):
            stream = session.request()
            await stream.response()
            body = bytes(range(256)) * 800
            for start in range(0, len(body), 20_480):
                pieces.stream.write(body[start : start + 20_480])
                await cut_short(stream.read())
            pieces.stream.end()
            assert await stream.read() == body
            state = session.state
            assert state.local_window_size + state.effective_recv_data_length == 65535
            assert state.effective_recv_data_length < 65535 // 2
            other = session.request()
            await other.response()
            pieces.stream.end(body)
            assert await other.read() == body

    run(main())


def test_a_loop_that_is_left_loses_nothing(run: Run) -> None:
    async def main() -> None:
        pieces = Pieces()
        async with serving_url(pieces) as (_, origin), http2.connect(origin) as session:
            stream = session.request()
            await stream.response()
            pieces.stream.write(b"first")
            async for chunk in stream:
                assert chunk == b"first"
                break

            async def loop() -> None:
                async for _ in stream:
                    pass

            await cut_short(loop())
            pieces.stream.end(b"second")
            assert await stream.read() == b"second"

    run(main())


def test_the_next_reader_need_not_wait_for_the_end_of_a_cancelled_one(run: Run) -> None:
    """As after ``task.cancel()`` without a wait: the task has not run yet."""

    async def main() -> None:
        pieces = Pieces()
        async with serving_url(pieces) as (_, origin), http2.connect(origin) as session:
            stream = session.request()
            await stream.response()
            first = asyncio.ensure_future(stream.read())
            await asyncio.sleep(0)
            first.cancel()
            asyncio.get_running_loop().call_soon(pieces.stream.end, b"body")
            second = asyncio.ensure_future(stream.read(4))
            assert await second == b"body"
            assert first.cancelled()
            # two concurrent readers are still an error
            other = session.request()
            await other.response()
            waiting = asyncio.ensure_future(other.read())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError):
                await other.read()
            pieces.stream.end()
            assert await waiting == b""

    run(main())


def test_a_reader_that_begins_before_a_cancelled_one_is_gone(run: Run) -> None:
    async def main() -> None:
        pieces = Pieces()
        async with serving_url(pieces) as (_, origin), http2.connect(origin) as session:
            stream = session.request()
            await stream.response()
            first = asyncio.ensure_future(stream.read())
            await asyncio.sleep(0)
            first.cancel()
            # in the same turn, while the first one is being cancelled
            asyncio.get_running_loop().call_later(0.01, pieces.stream.end, b"body")
            assert await stream.read() == b"body"
            assert first.cancelled()

    run(main())


@pytest.mark.parametrize("http1", [False, True])
@pytest.mark.parametrize("how", ["text", "json"])
def test_a_cancelled_text_or_json_loses_nothing(run: Run, how: str, http1: bool) -> None:
    async def main() -> None:
        got: list[Any] = []
        tried = asyncio.Event()

        async def on_request(request: Any, response: Any) -> None:
            for _ in range(2):
                try:
                    async with asyncio.timeout(0.05):
                        await getattr(request, how)()
                except TimeoutError:
                    pass
            tried.set()
            got.append(await getattr(request, how)())
            response.end("ok")

        server = http2.create_server(on_request, allow_http1=True)
        await server.listen(0, "127.0.0.1")
        port = server.address()[1]
        async with server:
            if http1:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\n[1, ")
                await tried.wait()
                writer.write(b"2,3]")
                assert (await reader.read(12)).endswith(b"200")
                writer.close()
                await writer.wait_closed()
            else:
                async with http2.connect(f"http://127.0.0.1:{port}") as session:
                    stream = session.request({":method": "POST"})
                    stream.write(b"[1, ")
                    await tried.wait()
                    stream.end(b"2,3]")
                    assert await stream.read() == b"ok"
        assert got == ["[1, 2,3]" if how == "text" else [1, 2, 3]]

    run(main())


def test_a_read_that_fails_loses_nothing(run: Run) -> None:
    """Data before a reset can still be read, in parts; then the error is raised again."""

    async def main() -> None:
        pieces = Pieces()
        async with serving_url(pieces) as (_, origin), http2.connect(origin) as session:
            stream = session.request()
            await stream.response()
            pieces.stream.write(b"partial")
            reading = asyncio.ensure_future(stream.read())
            await session.ping()
            pieces.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
            with pytest.raises(http2.StreamError):
                await reading
            assert await stream.read(4) == b"part"
            assert await stream.read(4) == b"ial"
            with pytest.raises(http2.StreamError):
                await stream.read(4)

    run(main())


# --- the end of a session ---------------------------------------------------------------------


@pytest.mark.row("connect.option.close_timeout", "client_session.close.option.timeout")
@pytest.mark.parametrize("how", ["block", "close"])
def test_a_session_ends_though_a_body_is_not_read(run: Run, how: str) -> None:
    """Streams that are open after the timeout are reset with CANCEL, before the connection ends."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        ends: list[int | None] = []

        def on_stream(stream: http2.ServerHttp2Stream) -> None:
            stream.on("close", lambda: ends.append(stream.rst_code))
            stream.respond()
            stream.write(bytes(200_000))

        async with serving_url(on_stream) as (_, origin):
            started = loop.time()
            if how == "block":
                async with http2.connect(origin, close_timeout=0.1) as session:
                    stream = session.request()
                    await stream.response()
            else:
                session = await http2.connect(origin)
                stream = session.request()
                await stream.response()
                await session.close(timeout=0.1)
            assert 0.09 < loop.time() - started < 15
            assert session.destroyed
            assert stream.destroyed
            assert stream.rst_code == NGHTTP2_CANCEL
            await eventually(lambda: ends == [NGHTTP2_CANCEL])

    run(main())


def test_the_default_grace_is_short(run: Run) -> None:
    async def main() -> None:
        async with serving_url(Pieces()) as (_, origin):
            session = http2.connect(origin)
            assert session._close_timeout == 5
            await session
            await session.close()
            for wrong in (-1, "1", True):
                with pytest.raises((TypeError, ValueError)):
                    http2.connect(origin, close_timeout=wrong)
                with pytest.raises((TypeError, ValueError)):
                    session.close(timeout=wrong)
            patient = await http2.connect(origin, close_timeout=None)
            assert patient._close_timeout is None
            await patient.close()

    run(main())


def test_a_block_that_is_cancelled_at_its_end_ends(run: Run) -> None:
    async def main() -> None:
        async with serving_url(Pieces()) as (_, origin):
            session = http2.connect(origin)

            async def block() -> None:
                async with session:
                    await session.request().response()

            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await block()
            assert session.destroyed

    run(main())


def test_resets_go_before_the_goaway() -> None:
    """The peer gets the end of each stream before the connection ends."""

    async def main() -> None:
        heard: list[raw.Frame] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = raw.RawPeer(reader, writer)
            await peer.bytes(24)
            peer.send(raw.settings(), raw.settings(ack=True))
            while (got := await peer.frame()) is not None:
                heard.append(got)
            await peer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        session = await http2.connect(f"http://127.0.0.1:{port}")
        for _ in range(3):
            session.request({":method": "POST"}).write("part of a body")
        await session.close(timeout=0.05)
        await eventually(lambda: bool(heard) and heard[-1].type == raw.GOAWAY)
        resets = [(got.stream_id, got.code) for got in heard if got.type == raw.RST_STREAM]
        assert resets == [(stream_id, NGHTTP2_CANCEL) for stream_id in (1, 3, 5)]
        server.close()
        await server.wait_closed()

    asyncio.run(main())
