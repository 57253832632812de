"""Details of Node's streams: when writing is allowed, queued data, and events at the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.http1 import asking
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events, eventually, hello, listening, serving


@pytest.mark.parametrize("method", ["HEAD", "GET", "DELETE"])
def test_no_body_can_be_written_where_there_is_none(run: Run, method: str) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port):
            session = http2.connect(f"http://127.0.0.1:{port}")
            # before the connection is established, and after
            for _ in range(2):
                stream = session.request({":method": method})
                for call in (stream.write, stream.end):
                    with pytest.raises(http2.Http2Error) as caught:
                        call("data")
                    assert caught.value.code == "ERR_STREAM_WRITE_AFTER_END"
                stream.end()
                assert await stream.read() == (b"" if method == "HEAD" else b"hello")
                await stream.close()
            # a field that declares a body means that there is one
            stream = session.request({":method": method}, end_stream=False)
            stream.write("da")
            stream.end("ta")
            await stream.read()
            await session.close()

    run(main())


def test_what_waits_is_counted(run: Run) -> None:
    async def main() -> None:
        async def read_late(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            await proceed.wait()
            await stream.read()
            stream.end("done")

        proceed = asyncio.Event()
        async with serving(read_late, settings={"max_concurrent_streams": 1}) as (_, port):
            session = http2.connect(f"http://127.0.0.1:{port}")
            # for the connection
            first = session.request({":method": "POST"})
            assert first.writable_length == first.buffer_size == 0
            first.write(bytes(1000))
            first.write("caf\xe9")
            assert first.writable_length == first.buffer_size == 1005
            dropped = session.request({":method": "POST"})
            dropped.write(bytes(1000))
            dropped.close()
            assert dropped.writable_length == 0
            # for the peer's window
            await session
            await eventually(lambda: not session.pending_settings_ack)
            first.write(bytes(100_000))
            await eventually(lambda: first.writable_length == 101_005 - 65_535)
            assert first.buffer_size == first.writable_length
            # for a free place
            second = session.request({":method": "POST"})
            second.write(bytes(1000))
            await asyncio.sleep(0.01)
            assert second.writable_length == second.buffer_size == 1000
            proceed.set()
            for stream in (first, second):
                stream.end()
                assert await stream.read() == b"done"
                assert stream.writable_length == stream.buffer_size == 0
            await session.close()

    run(main())


def test_what_waits_for_the_socket_is_counted(run: Run) -> None:
    async def main() -> None:
        streams: list[http2.ServerHttp2Stream] = []
        size = 20_000_000

        def answer(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            stream.write(bytes(size))
            streams.append(stream)

        async with serving(answer, max_session_memory=100) as (_, port):
            peer = await RawPeer.connect(port, values={4: 2**31 - 1})
            peer.send(raw.window_update(0, 2**31 - 1 - 65_535), raw.get())
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await eventually(lambda: bool(streams))
            [stream] = streams
            await eventually(lambda: stream._session.write_paused)
            assert 0 < stream.writable_length < size
            assert stream.buffer_size == stream.writable_length
            await peer.abort()

    run(main())


KINDS = {
    "GET": [raw.get()],
    "HEAD": [raw.headers(1, raw.request_fields("HEAD"), end_stream=True)],
    "POST without a body": [raw.headers(1, raw.request_fields("POST"), end_stream=True)],
    "POST, empty": [raw.post(), raw.data(1, end_stream=True)],
    "POST": [raw.post(), raw.data(1, b"body", end_stream=True)],
    "POST that does not end": [raw.post(), raw.data(1, b"body")],
}


@pytest.mark.parametrize("api", ["stream", "request"])
@pytest.mark.parametrize("answer", ["at once", "later", "written"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.row("stream.event.end")
def test_end_of_a_request_that_nobody_reads(run: Run, api: str, answer: str, kind: str) -> None:
    async def main() -> None:
        events = Events()
        kept: list[http2.ServerHttp2Stream] = []

        def respond(end: Any, write: Any) -> None:
            if answer == "at once":
                end()
            elif answer == "later":
                asyncio.get_running_loop().call_later(0.01, end)
            else:
                write("hello")
                asyncio.get_running_loop().call_later(0.01, end)

        def on_stream(stream: http2.ServerHttp2Stream) -> None:
            kept.append(stream)
            events.listen(stream, "end", "finish", "error", "close")
            if kind != "HEAD":
                stream.respond()
            respond(stream.end, stream.write)

        def on_request(request: Any, response: Any) -> None:
            kept.append(request.stream)
            events.listen(request, "end", "error", "close")
            events.listen(response, "finish")
            respond(response.end, response.write)

        server = http2.create_server()
        server.on(api, on_stream if api == "stream" else on_request)
        async with listening(server) as port, await RawPeer.connect(port) as peer:
            peer.send(*KINDS[kind])
            await events.expect("close")
            await asyncio.sleep(0.01)
            [stream] = kept
            if kind == "POST that does not end":
                # it had no end: the server has stopped it
                assert events.names == ["finish", "close"]
                with pytest.raises(http2.Http2Error):
                    await stream.read()
            else:
                # the body is available to a late reader, without another `end`
                assert events.names == ["finish", "end", "close"]
                assert stream.readable_ended
                assert await stream.read() == (b"body" if kind == "POST" else b"")
                assert events.names == ["finish", "end", "close"]

    run(main())


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_end_of_a_request_over_http1_that_nobody_reads(run: Run, method: str) -> None:
    async def main() -> None:
        events = Events()

        def on_request(request: Any, response: Any) -> None:
            events.listen(request, "end", "error", "close")
            # later: over HTTP/1, data that has not arrived yet is dropped with the response
            asyncio.get_running_loop().call_later(0.01, response.end, "hello")

        async with asking(on_request) as peer:
            body = "content-length: 4\r\n\r\nbody" if method == "POST" else "\r\n"
            response = await peer.ask(f"{method} / HTTP/1.1\r\nhost: a\r\n{body}", method)
            assert response.status == 200
            await events.expect("close")
            assert events.names == ["end", "close"]

    run(main())


def test_no_end_of_a_request_that_failed(run: Run) -> None:
    async def main() -> None:
        events = Events()

        def hold(stream: http2.ServerHttp2Stream) -> None:
            events.listen(stream, "end", "close")
            stream.respond()

        async with serving(hold) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.data(1, b"body", end_stream=True))
            await peer.until(raw.HEADERS, 1)
            peer.send(raw.rst_stream(1))
            await events.expect("close")
            assert events.names == ["close"]

    run(main())


@pytest.mark.parametrize("how", ["respond", "end", "write", "close", "destroy", "compat"])
def test_a_stream_pushed_for_head_has_ended_at_once(run: Run, how: str) -> None:
    async def main() -> None:
        failures: list[BaseException] = []

        async def push(stream: http2.ServerHttp2Stream) -> None:
            try:
                pushed, _ = await stream.push_stream({":method": "HEAD", ":path": "/pushed"})
                assert pushed.writable_ended
                assert not pushed.writable
                assert not pushed.headers_sent
                if how == "respond":
                    pushed.respond({":status": 404})
                    pushed.end("dropped")
                elif how == "end":
                    pushed.end("dropped")
                elif how == "write":
                    pushed.write("dropped")
                    pushed.end()
                elif how == "close":
                    pushed.close()
                else:
                    pushed.destroy()
                assert pushed.headers_sent == (how in ("respond", "end", "write"))
            except BaseException as error:
                failures.append(error)
                raise
            finally:
                stream.end("hello")

        async def push_response(request: Any, response: Any) -> None:
            pushed = await response.create_push_response({":method": "HEAD", ":path": "/pushed"})
            pushed.set_header("x", "1")
            pushed.end("dropped")
            response.end("hello")

        server = http2.create_server(push_response if how == "compat" else None)
        if how != "compat":
            server.on("stream", push)
        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            events = Events()

            def take(stream: http2.ClientHttp2Stream) -> None:
                events.listen(stream, "push", "close")
                stream.resume()

            session.on("stream", take)
            assert await session.request().text() == "hello"
            await events.expect("close")
            if how in ("close", "destroy"):
                assert events.names == ["close"]
            else:
                assert events.names == ["push", "close"]
                assert events.seen[0][1][":status"] == (404 if how == "respond" else 200)
        assert failures == []

    run(main())
