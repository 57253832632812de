"""A program's properties and the log show what was actually sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.both_protocols import PROTOCOLS, serving_both, told
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events
from ..support.serving import serving as serving_h2

MISMATCH = "ERR_HTTP_CONTENT_LENGTH_MISMATCH"


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of the log for operators."""
    return [
        entry.getMessage()
        for entry in caplog.records
        if entry.name == "http2" and entry.levelno >= 30
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.row("response.status_code", "response.event.finish")
def test_the_500_of_a_failed_handler_is_in_its_access_log(
    run: Run, protocol: str, late: bool
) -> None:
    async def main() -> None:
        noted = Events()

        async def handler(request: Any, response: Any) -> None:
            response.set_header("x-own", "never sent")
            response.on(
                "finish",
                lambda: noted.add(
                    "finish",
                    response.status_code,
                    response.headers_sent,
                    response.stream.sent_headers[":status"],
                    "x-own" in response.stream.sent_headers,
                ),
            )
            assert response.status_code == 200
            assert not response.headers_sent
            if late:
                await asyncio.sleep(0)
            raise LookupError("of the test")

        async with serving_both(handler) as (_, port):
            assert (await told(port, protocol)).status == 500
            assert await noted.expect("finish") == ("finish", 500, True, 500, False)

    run(main())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_status_that_is_set_too_late_is_not_told(run: Run, protocol: str) -> None:
    async def main() -> None:
        noted: list[int] = []

        def handler(request: Any, response: Any) -> None:
            response.write_head(404)
            response.status_code = 200
            noted.append(response.status_code)
            response.end()

        async with serving_both(handler) as (_, port):
            assert (await told(port, protocol)).status == 404
        assert noted == [404]

    run(main())


def write_beyond(response: Any) -> None:
    response.write("12345")
    response.write("6")


def end_beyond(response: Any) -> None:
    response.write("123")
    response.end("456")


def end_short(response: Any) -> None:
    response.write("123")
    response.end("4")


def end_at_once(response: Any) -> None:
    response.end("1234567")


def end_empty(response: Any) -> None:
    response.flush_headers()
    response.end()


WRONG = [write_beyond, end_beyond, end_short, end_at_once, end_empty]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("caught", [True, False])
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.row("response.write", "response.end")
def test_a_body_of_another_length_than_was_declared(
    run: Run,
    protocol: str,
    caught: bool,
    wrong: Callable[[Any], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The call that shows it raises, the exchange is cut, and one line is logged if ignored."""

    async def main() -> None:
        raised: list[str] = []

        def handler(request: Any, response: Any) -> None:
            response.set_header("content-length", 5)
            if not caught:
                wrong(response)
            try:
                wrong(response)
            except http2.Http2Error as error:
                raised.append(error.code)

        async with serving_both(handler) as (_, port):
            answer = await told(port, protocol)
            # over HTTP/1 the first five bytes are a complete response
            assert answer.whole == (wrong is write_beyond and protocol == "http/1.1")
            assert len(answer.body) <= 5
            assert raised == ([MISMATCH] if caught else [])

    run(main())
    lines = errors(caplog)
    assert len(lines) == (0 if caught else 1), lines
    assert all("raised" in line for line in lines)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("method", "status", "length", "body"),
    [
        ("HEAD", 200, 5, None),
        ("HEAD", 200, 5, "12"),
        ("GET", 304, 5, None),
        ("GET", 200, 5, "12345"),
        ("GET", 200, 0, None),
    ],
)
def test_lengths_that_are_right(
    run: Run,
    protocol: str,
    method: str,
    status: int,
    length: int,
    body: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        def handler(request: Any, response: Any) -> None:
            response.write_head(status, {"content-length": length})
            response.end(body)

        async with serving_both(handler) as (_, port):
            answer = await told(port, protocol, method)
            assert (answer.status, answer.whole) == (status, True)

    run(main())
    assert not errors(caplog)


@pytest.mark.row("server_stream.respond")
def test_a_response_without_the_body_that_it_declares(run: Run) -> None:
    """Nothing was sent: the client gets a 500, or the program's own answer."""

    async def main() -> None:
        def on_stream(stream: Any) -> None:
            with pytest.raises(http2.Http2Error) as caught:
                stream.respond({"content-length": 5}, end_stream=True)
            assert caught.value.code == MISMATCH
            with pytest.raises(http2.Http2Error) as caught:
                stream.respond({"content-length": "five"})
            assert caught.value.code == "ERR_HTTP2_INVALID_HEADER_VALUE"
            stream.respond({"content-length": "2"}, wait_for_trailers=True)
            stream.on("want_trailers", lambda: stream.send_trailers({"x-sum": "ok"}))
            stream.end("ok")

        async with serving_h2(on_stream) as (_, port):
            answer = await told(port, "h2c")
            assert (answer.status, answer.body, answer.whole) == (200, b"ok", True)

    run(main())


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.row("client_session.request")
def test_requests_of_another_length_than_they_declare(run: Run, connected: bool) -> None:
    async def main() -> None:
        seen = Events()

        async def on_stream(stream: Any, headers: Any) -> None:
            seen.add("stream", headers[":path"])
            seen.listen(stream, "close")
            stream.on("error", lambda error: None)
            stream.end(await stream.read())

        async with (
            serving_h2(on_stream) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            if not connected:
                session = http2.connect(f"http://127.0.0.1:{port}")
            with pytest.raises(http2.Http2Error) as caught:
                session.request({"content-length": "3"})
            assert caught.value.code == MISMATCH
            beyond = session.request({":method": "POST", "content-length": "3", ":path": "/b"})
            short = session.request({":method": "POST", "content-length": "3", ":path": "/s"})
            right = session.request({":method": "POST", "content-length": "3", ":path": "/r"})
            right.end("123")
            if connected:
                with pytest.raises(http2.Http2Error) as caught:
                    beyond.write("1234")
                assert caught.value.code == MISMATCH
                with pytest.raises(http2.Http2Error) as caught:
                    short.end("12")
                assert caught.value.code == MISMATCH
            else:
                beyond.write("1234")
                short.end("12")
            for stream in (beyond, short):
                with pytest.raises(http2.Http2Error) as caught:
                    await stream.response()
                assert caught.value.code == MISMATCH
            assert await right.read() == b"123"
            await session.close()

    run(main())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_write_after_the_end_is_seen(
    run: Run, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        done = asyncio.Event()

        async def handler(request: Any, response: Any) -> None:
            response.end("all")
            await response
            try:
                response.write("more")
            finally:
                done.set()

        async with serving_both(handler) as (_, port):
            assert (await told(port, protocol, path="/late")).body == b"all"
            await done.wait()

    run(main())
    (line,) = errors(caplog)
    assert "raised" in line


def test_a_write_after_the_end_of_a_stream_is_seen(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        done = asyncio.Event()

        async def on_stream(stream: Any) -> None:
            stream.end("all")
            try:
                await stream._wait_closed()
                stream.write("more")
            finally:
                done.set()

        async with serving_h2(on_stream) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.get())
            assert await peer.body(1) == b"all"
            await done.wait()

    run(main())
    (line,) = errors(caplog)
    assert "raised" in line


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_that_has_gone_is_still_no_news(
    run: Run, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        done = asyncio.Event()

        async def handler(request: Any, response: Any) -> None:
            response.write("some")
            request.stream.close(8)
            try:
                response.write("more")
            finally:
                done.set()

        async with serving_both(handler) as (_, port):
            assert not (await told(port, protocol)).whole
            await done.wait()

    run(main())
    assert not errors(caplog)


class Shop:
    """Handlers with a qualified name."""

    async def forgets(self, request: Any, response: Any) -> None:
        response.set_header("x-own", "1")

    async def forgets_later(self, request: Any, response: Any) -> None:
        await asyncio.sleep(0)

    async def forgets_its_stream(self, stream: Any, headers: Any) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ["forgets", "forgets_later", "forgets_its_stream"])
@pytest.mark.row("beyond.unanswered")
def test_a_handler_that_does_not_answer(
    run: Run, protocol: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    core = name == "forgets_its_stream"
    if core and protocol != "h2c":
        protocol = "h2c"  # HTTP/1 has only the Compatibility API

    async def main() -> None:
        handler = getattr(Shop(), name)
        async with serving_both(None if core else handler, on_stream=handler if core else None) as (
            _,
            port,
        ):
            answer = await told(port, protocol, path="/order?n=1")
            assert (answer.status, answer.body, answer.whole) == (500, b"", True)

    run(main())
    (line,) = errors(caplog)
    assert f"Shop.{name} " in line
    assert "GET /order?n=1" in line
    assert "127.0.0.1" in line


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["function", "listener", "second", "file"])
def test_handlers_whose_answer_comes_later(
    run: Run, protocol: str, kind: str, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "late").write_bytes(b"late")

    async def main() -> None:
        def later(response: Any) -> None:
            asyncio.get_running_loop().call_later(0.05, response.end, "late")

        def function(request: Any, response: Any) -> None:
            later(response)

        async def listener(request: Any, response: Any) -> None:
            request.on("end", lambda: response.end("late"))
            request.resume()

        async def second(request: Any, response: Any) -> None:
            await asyncio.sleep(0)

        async def file(stream: Any, headers: Any) -> None:
            stream.respond_with_file(tmp_path / "late")

        handlers = {"function": function, "listener": listener, "second": second}
        if kind == "file":
            async with serving_h2(file) as (_, port):
                assert (await told(port, "h2c")).body == b"late"
            return
        async with serving_both(handlers[kind]) as (server, port):
            if kind == "second":
                server.on("request", function)
            answer = await told(port, protocol)
            assert (answer.status, answer.whole) == (200, True)
            assert b"late" in answer.body

    run(main())
    assert not errors(caplog)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_failed_handler_in_the_log(
    run: Run, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        def handler(request: Any, response: Any) -> None:
            raise LookupError("of the test")

        async with serving_both(handler) as (_, port):
            assert (await told(port, protocol, "DELETE", "/a/b?c")).status == 500

    run(main())
    (line,) = errors(caplog)
    assert "DELETE /a/b?c, peer 127.0.0.1" in line
