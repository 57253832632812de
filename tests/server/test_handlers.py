"""Handlers that fail, and calls that are too early, too late or repeated."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import STREAM_EVENTS, Events, hello, serving

Handler = Callable[[http2.ServerHttp2Stream, http2.Headers], Any]


class Broken(Exception):
    """The exception of the handlers here."""


def fails_before(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    raise Broken


def fails_after(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    stream.respond()
    stream.write("some")
    raise Broken


async def fails_before_async(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    await asyncio.sleep(0)
    raise Broken


async def fails_after_async(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    stream.respond()
    stream.write("some")
    await asyncio.sleep(0)
    raise Broken


async def fails_in_its_source(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"some"
        raise Broken

    stream.respond()
    async for chunk in source():
        stream.write(chunk)
        await stream.drain()


def fails_with_one_argument(stream: http2.ServerHttp2Stream) -> None:
    raise Broken


def fails_with_four(
    stream: http2.ServerHttp2Stream, headers: http2.Headers, flags: int, pairs: list[Any]
) -> None:
    raise Broken


def fails_in_a_listener(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    @stream.on("end")
    def end() -> None:
        raise Broken

    stream.resume()


BEFORE: list[Callable[..., Any]] = [
    fails_before,
    fails_before_async,
    fails_with_one_argument,
    fails_with_four,
    fails_in_a_listener,
]
AFTER: list[Callable[..., Any]] = [fails_after, fails_after_async, fails_in_its_source]


def logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the records of the library's logger."""
    return [record for record in caplog.records if record.name == "http2"]


@pytest.mark.row("rule.unheard")
@pytest.mark.parametrize("handler", BEFORE)
@pytest.mark.parametrize("place", ["server", "session"])
def test_failure_before_the_response_is_a_500(
    run: Run, handler: Callable[..., Any], place: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        events = Events()
        async with serving() as (server, port):

            @server.on("session")
            def session(session: http2.ServerHttp2Session) -> None:
                events.listen(session, "error")
                if place == "session":
                    session.on("stream", handler)

            if place == "server":
                server.on("stream", handler)
            events.listen(server, "session_error")
            async with await RawPeer.connect(port) as peer:
                for stream_id in (1, 3):  # the connection survives the failure
                    peer.send(raw.get(stream_id))
                    got = await peer.until(raw.HEADERS, stream_id)
                    assert got.status == 500
                    assert got.ends_stream
        assert events.seen == []

    run(main())
    assert len(logged(caplog)) == 2
    for record in logged(caplog):
        assert record.levelno == logging.ERROR
        assert record.exc_info is not None
        assert record.exc_info[0] is Broken


@pytest.mark.parametrize("handler", AFTER)
def test_failure_inside_the_response_resets_it(
    run: Run, handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        events = Events()
        streams: list[http2.ServerHttp2Stream] = []

        def watched(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> Any:
            if headers[":path"] == "/hello":
                return hello(stream)
            streams.append(stream)
            events.listen(stream, *STREAM_EVENTS)
            return handler(stream, headers)

        async with serving(watched) as (server, port), await RawPeer.connect(port) as peer:
            events.listen(server, "session_error")
            peer.send(raw.get())
            got = await peer.until(raw.RST_STREAM, 1)
            assert got.code == NGHTTP2_INTERNAL_ERROR
            await events.expect("close")
            assert events.names == ["aborted", "error", "close"]
            assert isinstance(events.seen[1][1], Broken)
            assert streams[0].rst_code == NGHTTP2_INTERNAL_ERROR
            peer.send(raw.get(3, "/hello"))
            assert await peer.body(3) == b"hello"

    run(main())
    [record] = logged(caplog)
    assert record.exc_info is not None
    assert record.exc_info[0] is Broken


def test_failure_of_a_handler_with_an_unread_body(run: Run) -> None:
    """The answer is 500, and the client is asked to stop sending."""

    async def main() -> None:
        async with serving(fails_before) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.data(1, b"some"))
            assert (await peer.until(raw.HEADERS, 1)).status == 500
            assert (await peer.until(raw.RST_STREAM, 1)).code == NGHTTP2_NO_ERROR

    run(main())


def test_failure_of_a_session_listener_ends_the_session(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with serving(hello) as (server, port):

            @server.once("session")
            def session(session: http2.ServerHttp2Session) -> None:
                raise Broken

            async with await RawPeer.dial(port) as peer:
                peer.send(raw.PREFACE, raw.settings())
                last = (await peer.rest())[-1]
                assert (last.type, last.code) == (raw.GOAWAY, NGHTTP2_INTERNAL_ERROR)
            async with await RawPeer.connect(port) as peer:
                peer.send(raw.get())
                assert await peer.body(1) == b"hello"

    run(main())
    assert len(logged(caplog)) == 1


@pytest.mark.row("rule.unheard")
def test_stream_error_that_nobody_hears_is_logged_once(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.get())
            stream = await streams.get()
            peer.send(raw.rst_stream(1, 3))
            await peer.answered()
            assert stream.rst_code == 3

    run(main())
    [record] = logged(caplog)
    assert record.levelno == logging.WARNING
    assert "ERR_HTTP2_STREAM_ERROR" in record.getMessage()


def test_cancel_is_no_error(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.get())
            stream = await streams.get()
            peer.send(raw.rst_stream(1))
            await peer.answered()
            assert stream.aborted

    run(main())
    assert logged(caplog) == []


@pytest.mark.row("server_stream.respond.option.end_stream")
@pytest.mark.parametrize("status", [200, 204])
def test_headers_alone_answer_a_request_that_goes_on(run: Run, status: int) -> None:
    """The body is not read, so its sender is asked to stop, and its bytes block nothing."""

    async def main() -> None:
        events = Events()

        def respond(stream: http2.ServerHttp2Stream) -> None:
            events.listen(stream, *STREAM_EVENTS)
            stream.respond({":status": status}, end_stream=True)

        async with serving(respond) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.data(1, b"some"))
            assert (await peer.until(raw.HEADERS, 1)).ends_stream
            assert (await peer.until(raw.RST_STREAM, 1)).code == NGHTTP2_NO_ERROR
            await events.expect("close")
            assert events.names == ["finish", "close"]

    run(main())


def test_headers_alone_and_then_the_body_is_read(run: Run) -> None:
    async def main() -> None:
        bodies: asyncio.Queue[bytes] = asyncio.Queue()

        async def read(stream: http2.ServerHttp2Stream) -> None:
            stream.respond(end_stream=True)
            await bodies.put(await stream.read())

        async with serving(read) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.data(1, b"some"))
            await peer.until(raw.HEADERS, 1)
            peer.send(raw.data(1, b"thing", end_stream=True))
            assert await bodies.get() == b"something"
            await peer.answered()
            assert raw.RST_STREAM not in [got.type for got in peer.seen]

    run(main())


# --- too early, too late, twice -------------------------------------------------------------


async def one_stream(
    use: Callable[[http2.ServerHttp2Stream, RawPeer], Any], method: str = "GET"
) -> list[raw.Frame]:
    """Call *use* with the stream of one request; return the frames that the client gets."""
    streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
    async with serving(streams.put_nowait) as (_, port), await RawPeer.connect(port) as peer:
        peer.send(raw.headers(1, raw.request_fields(method), end_stream=True))
        result = use(await streams.get(), peer)
        if result is not None:
            await result
        await peer.answered()
        return [got for got in peer.seen if got.stream_id == 1]


def refused(code: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Check that *function* raises the error *code*."""
    with pytest.raises(http2.Http2Error) as failure:
        function(*args, **kwargs)
    assert failure.value.code == code


@pytest.mark.row("server_stream.headers_sent")
def test_order_of_calls(run: Run) -> None:
    async def use(stream: http2.ServerHttp2Stream, peer: RawPeer) -> None:
        assert not stream.headers_sent
        assert stream.sent_headers is None
        refused("ERR_HTTP2_TRAILERS_NOT_READY", stream.send_trailers, {"a": "b"})
        stream.respond({"x": "1"})
        assert stream.headers_sent
        assert stream.sent_headers is not None
        assert stream.sent_headers["x"] == "1"
        assert stream.sent_headers[":status"] == 200
        assert "date" in stream.sent_headers
        refused("ERR_HTTP2_HEADERS_SENT", stream.respond)
        refused("ERR_HTTP2_HEADERS_AFTER_RESPOND", stream.additional_headers, {":status": 103})
        refused("ERR_HTTP2_TRAILERS_NOT_READY", stream.send_trailers, {"a": "b"})
        stream.end("x")
        assert stream.writable_ended
        assert not stream.writable
        stream.end()  # no effect the second time
        refused("ERR_STREAM_WRITE_AFTER_END", stream.write, b"more")
        refused("ERR_STREAM_WRITE_AFTER_END", stream.end, b"more")
        assert await peer.body(1) == b"x"
        await stream.close()
        assert stream.writable_finished
        assert stream.readable_ended
        for call in (stream.respond, stream.send_trailers, stream.additional_headers):
            refused("ERR_HTTP2_INVALID_STREAM", call, {})
        refused("ERR_HTTP2_INVALID_STREAM", stream.write, b"more")
        stream.destroy()
        stream.destroy(Broken())

    async def main() -> None:
        frames = await one_stream(use)
        assert [got.type for got in frames] == [raw.HEADERS, raw.DATA]

    run(main())


def test_after_close(run: Run) -> None:
    async def use(stream: http2.ServerHttp2Stream, peer: RawPeer) -> None:
        events = Events()
        events.listen(stream, *STREAM_EVENTS)
        stream.close(8)
        assert stream.closed
        assert stream.rst_code == 8
        stream.close(2)  # the first one counts
        assert stream.rst_code == 8
        refused("ERR_HTTP2_INVALID_STREAM", stream.respond)
        refused("ERR_HTTP2_INVALID_STREAM", stream.write, b"x")
        refused("ERR_HTTP2_INVALID_STREAM", stream.additional_headers, {":status": 103})
        assert (await peer.until(raw.RST_STREAM, 1)).code == 8
        await stream.close()
        assert events.names == ["aborted", "close"]

    run(one_stream(use))


def test_trailers_twice(run: Run) -> None:
    def use(stream: http2.ServerHttp2Stream, peer: RawPeer) -> Any:
        @stream.on("want_trailers")
        def want() -> None:
            stream.send_trailers({"checksum": "1"})
            assert stream.sent_trailers == {"checksum": "1"}
            refused("ERR_HTTP2_TRAILERS_ALREADY_SENT", stream.send_trailers, {"checksum": "2"})

        stream.respond(wait_for_trailers=True)
        stream.end("x")
        return peer.body(1)

    async def main() -> None:
        frames = await one_stream(use)
        assert [got.type for got in frames] == [raw.HEADERS, raw.DATA, raw.HEADERS]
        assert frames[-1].ends_stream

    run(main())


def test_trailers_must_be_trailers(run: Run) -> None:
    async def use(stream: http2.ServerHttp2Stream, peer: RawPeer) -> None:
        wanted = asyncio.Event()
        stream.on("want_trailers", wanted.set)
        stream.respond(wait_for_trailers=True)
        stream.end()
        await wanted.wait()
        refused("ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED", stream.send_trailers, {":status": 200})
        refused("ERR_HTTP2_INVALID_CONNECTION_HEADERS", stream.send_trailers, {"upgrade": "x"})
        assert stream.sent_trailers is None
        stream.send_trailers({"a": "b"})
        await peer.until(raw.HEADERS, 1, lambda got: got.ends_stream)

    run(one_stream(use))


def test_nobody_sends_the_trailers(run: Run) -> None:
    """Without a listener an empty DATA frame ends the stream, as in Node."""

    async def use(stream: http2.ServerHttp2Stream, peer: RawPeer) -> None:
        stream.respond(wait_for_trailers=True)
        stream.end("x")
        assert await peer.body(1) == b"x"

    run(one_stream(use))


WRONG = [
    ("ERR_HTTP2_STATUS_INVALID", "respond", {":status": 99}),
    ("ERR_HTTP2_STATUS_INVALID", "respond", {":status": 100}),
    ("ERR_HTTP2_STATUS_INVALID", "respond", {":status": 600}),
    ("ERR_HTTP2_STATUS_INVALID", "respond", {":status": "fine"}),
    ("ERR_HTTP2_INVALID_PSEUDOHEADER", "respond", {":path": "/"}),
    ("ERR_HTTP2_INVALID_PSEUDOHEADER", "respond", {":nonsense": "/"}),
    ("ERR_HTTP2_INVALID_CONNECTION_HEADERS", "respond", {"Connection": "close"}),
    ("ERR_HTTP2_HEADER_SINGLE_VALUE", "respond", {"content-type": ["a", "b"]}),
    ("ERR_INVALID_HTTP_TOKEN", "respond", {"not a token": "x"}),
    ("ERR_INVALID_CHAR", "respond", {"x": "a\r\nb: c"}),
    ("ERR_INVALID_ARG_TYPE", "respond", {"x": object()}),
    ("ERR_INVALID_ARG_TYPE", "respond", "headers"),
    ("ERR_HTTP2_STATUS_101", "additional_headers", {":status": 101}),
    ("ERR_HTTP2_INVALID_INFO_STATUS", "additional_headers", {":status": 200}),
    ("ERR_HTTP2_INVALID_INFO_STATUS", "additional_headers", {":status": 600}),
    ("ERR_HTTP2_INVALID_INFO_STATUS", "additional_headers", {}),
    ("ERR_INVALID_ARG_TYPE", "write", 5),
    ("ERR_INVALID_ARG_TYPE", "end", 5),
    ("ERR_INVALID_ARG_TYPE", "close", "8"),
    ("ERR_INVALID_ARG_TYPE", "close", True),
    ("ERR_OUT_OF_RANGE", "close", -1),
    ("ERR_OUT_OF_RANGE", "close", 2**32),
    ("ERR_INVALID_ARG_TYPE", "set_timeout", "1"),
    ("ERR_OUT_OF_RANGE", "set_timeout", -1),
]


def test_wrong_arguments_send_nothing(run: Run) -> None:
    """Each raises at the call; afterwards the stream is unchanged."""

    async def use(stream: http2.ServerHttp2Stream, peer: RawPeer) -> None:
        for code, method, argument in WRONG:
            refused(code, getattr(stream, method), argument)
        await peer.answered()
        assert [got for got in peer.seen if got.stream_id == 1] == []
        stream.respond({":status": "404"})
        stream.end("not here")
        assert await peer.body(1) == b"not here"

    async def main() -> None:
        frames = await one_stream(use)
        assert frames[0].status == 404

    run(main())


@pytest.mark.parametrize("status", [204, 205, 304])
def test_status_without_a_body(run: Run, status: int) -> None:
    def use(stream: http2.ServerHttp2Stream, peer: RawPeer) -> Any:
        stream.respond({":status": status})
        assert stream.writable_ended
        return peer.until(raw.HEADERS, 1)

    async def main() -> None:
        frames = await one_stream(use)
        assert [(got.type, got.ends_stream) for got in frames] == [(raw.HEADERS, True)]

    run(main())


def test_body_without_headers_sends_them(run: Run) -> None:
    def use(stream: http2.ServerHttp2Stream, peer: RawPeer) -> Any:
        stream.write("a")
        assert stream.headers_sent
        stream.end("b")
        return peer.body(1)

    async def main() -> None:
        frames = await one_stream(use)
        assert frames[0].status == 200

    run(main())


def test_head_has_no_body(run: Run) -> None:
    async def use(stream: http2.ServerHttp2Stream, peer: RawPeer) -> None:
        stream.respond({"content-length": 5})
        stream.write(b"hel")
        stream.end(b"lo")
        assert (await peer.until(raw.HEADERS, 1)).ends_stream

    async def main() -> None:
        frames = await one_stream(use, "HEAD")
        assert [got.type for got in frames] == [raw.HEADERS]

    run(main())


@pytest.mark.parametrize("code", [0, 2, 8])
@pytest.mark.parametrize("inside", [True, False], ids=["in the handler", "later"])
def test_what_was_sent_before_a_reset_arrives(run: Run, code: int, inside: bool) -> None:
    """As in Node, pending data is sent first."""

    def act(stream: http2.ServerHttp2Stream) -> None:
        stream.respond()
        stream.write("some")
        stream.close(code)

    async def later(stream: http2.ServerHttp2Stream) -> None:
        await asyncio.sleep(0)
        act(stream)

    async def main() -> None:
        handler: Any = act if inside else later
        async with serving(handler) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post())
            assert (await peer.until(raw.RST_STREAM, 1)).code == code
            frames = [got for got in peer.seen if got.stream_id == 1]
            assert [got.type for got in frames] == [raw.HEADERS, raw.DATA, raw.RST_STREAM]
            assert frames[1].payload == b"some"

    run(main())
