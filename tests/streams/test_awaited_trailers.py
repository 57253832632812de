"""Awaitables and properties of a client's stream: `trailers`, `text`, `json`, `status`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.http1 import Http1Peer
from ..support.running import Run
from ..support.serving import eventually, serving

TRAILERS = {"x-sum": "42"}


def with_trailers(stream: http2.ServerHttp2Stream) -> None:
    stream.respond({"content-type": "application/json"}, wait_for_trailers=True)
    stream.on("want_trailers", lambda: stream.send_trailers(TRAILERS))
    stream.end('{"a": 1}')


@pytest.mark.row("stream.trailers")
def test_trailers_of_a_response_whenever_they_are_asked_for(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(with_trailers) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            # before the response has arrived, while its body is unread
            stream = session.request()
            before = asyncio.ensure_future(stream.trailers())
            also = asyncio.ensure_future(stream.trailers())
            assert await before == await also == TRAILERS
            assert await stream.read() == b'{"a": 1}'
            # after all of it
            assert await stream.trailers() == TRAILERS
            await stream.close()
            assert await stream.trailers() == TRAILERS
            # a cancelled caller does not affect others, and does not end the request
            stream = session.request()
            gone = asyncio.ensure_future(stream.trailers())
            stays = asyncio.ensure_future(stream.trailers())
            await asyncio.sleep(0)
            gone.cancel()
            assert await stays == TRAILERS
            assert gone.cancelled()
            assert await stream.read() == b'{"a": 1}'

    run(main())


def test_a_response_without_trailers_has_none(run: Run) -> None:
    async def main() -> None:
        def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":path"] == "/headers":
                stream.respond(end_stream=True)
            else:
                stream.end("body")

        async with (
            serving(answer) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            for path in ("/headers", "/body"):
                stream = session.request({":path": path})
                assert await stream.trailers() is None
                await stream.read()
                assert await stream.trailers() is None

    run(main())


def test_a_handler_asks_for_the_trailers_of_its_request(run: Run) -> None:
    async def main() -> None:
        seen: list[Any] = []

        async def late(stream: http2.ServerHttp2Stream) -> None:
            # the client has sent everything by now, and its `trailers` was emitted
            await asyncio.sleep(0.02)
            seen.append(await stream.read())
            seen.append(await stream.trailers())
            stream.end("done")

        async with (
            serving(late) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request({":method": "POST"}, wait_for_trailers=True)
            stream.on("want_trailers", lambda: stream.send_trailers(TRAILERS))
            stream.end("body")
            assert await stream.text() == "done"
            assert seen == [b"body", TRAILERS]
            # trailers in one read with the request, before the handler begins
            async with await raw.RawPeer.connect(port) as peer:
                peer.send(
                    raw.post(),
                    raw.data(1, b"one read"),
                    raw.headers(1, [("x-sum", "42")], end_stream=True),
                )
                assert await peer.body(1) == b"done"
            assert seen[2:] == [b"one read", TRAILERS]
            # and without any
            assert await session.request().text() == "done"
            assert seen[4:] == [b"", None]

    run(main())


def test_trailers_of_a_request_over_http1(run: Run) -> None:
    async def main() -> None:
        seen: list[Any] = []
        server = http2.create_server(allow_http1=True)

        @server.on("request")
        async def answer(request: Any, response: Any) -> None:
            seen.append(await request.stream.trailers())
            response.end("done")

        await server.listen(0, "127.0.0.1")
        async with server, await Http1Peer.dial(server.address()[1]) as peer:
            peer.send(
                b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                b"1\r\nx\r\n0\r\nx-sum: 42\r\n\r\n"
            )
            await eventually(lambda: bool(seen))
        assert seen == [TRAILERS]

    run(main())


def test_trailers_of_a_stream_that_failed(run: Run) -> None:
    async def main() -> None:
        asked: list[asyncio.Future[Any]] = []

        def handler(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            # a separate task: a coroutine handler would be cancelled with its stream
            asked.append(asyncio.ensure_future(stream.trailers()))
            if headers[":path"] == "/reset":
                stream.respond()
                stream.write("a part")
                asyncio.get_running_loop().call_later(
                    0.01, stream.close, http2.constants.NGHTTP2_INTERNAL_ERROR
                )

        async with (
            serving(handler) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request({":path": "/reset"})
            for _ in range(2):  # while it fails, and afterwards
                with pytest.raises(http2.StreamError) as waiting:
                    await stream.trailers()
                assert waiting.value.error_code == http2.constants.NGHTTP2_INTERNAL_ERROR
            # the other side's part of the request had arrived completely
            assert await asked[0] is None
            # the other side's
            stream = session.request({":method": "POST", ":path": "/cut"})
            stream.write("a part")
            await eventually(lambda: len(asked) == 2)
            await stream.close(http2.constants.NGHTTP2_CANCEL)
            for waiter in (asked[1], stream.trailers()):
                with pytest.raises(http2.StreamError):
                    await waiter
            # and with the connection
            stream = session.request({":method": "POST", ":path": "/cut"})
            mine = asyncio.ensure_future(stream.trailers())
            await eventually(lambda: len(asked) == 3)
            session.destroy()
            for each in (asked[2], mine):
                with pytest.raises(http2.Http2Error):
                    await each

    run(main())


@pytest.mark.row("client_stream.text", "client_stream.json", "client_stream.status")
def test_text_json_and_status(run: Run) -> None:
    async def main() -> None:
        def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":path"] == "/latin":
                stream.respond({":status": 404, "content-type": "text/plain; charset=latin-1"})
                stream.end("caf\xe9".encode("latin-1"))
            elif headers[":path"] == "/utf-8":
                stream.end("caf\xe9")
            elif headers[":path"] == "/cut":
                stream.respond()
                stream.write("{")
                asyncio.get_running_loop().call_later(0.01, stream.close, 8)
            else:
                with_trailers(stream)

        async with (
            serving(answer) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request({":path": "/latin"})
            assert stream.status is None
            await stream.response()
            assert stream.status == 404
            assert type(stream.status) is int
            assert await stream.text() == "caf\xe9"
            assert await stream.text("cp850") != "caf\xe9"
            assert await session.request({":path": "/utf-8"}).text() == "caf\xe9"
            stream = session.request({":path": "/json"})
            assert await stream.json() == {"a": 1}
            assert await stream.text() == '{"a": 1}'
            assert await stream.trailers() == TRAILERS
            with pytest.raises(ValueError, match="char"):
                await session.request({":path": "/utf-8"}).json()
            with pytest.raises(http2.StreamError):
                await session.request({":path": "/cut"}).text()

    run(main())
