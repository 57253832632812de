"""Errors of programs end their own request, but not the connection or its other streams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import http2

from ..support.http1 import Http1Peer, get, request, serving_http1
from ..support.running import Run
from ..support.serving import Events

Ask = Callable[[str], Any]


async def over_http2(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    """Return status and body, from a session of its own."""
    async with http2.connect(f"http://127.0.0.1:{port}") as client:
        stream = client.request({":path": path, ":method": method})
        return (await stream.response())[":status"], await stream.read()


async def over_http1(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    """The same as text."""
    async with await Http1Peer.dial(port) as peer:
        response = await peer.ask(request(method, path), method)
        return response.status, response.body


ASK = {"HTTP/2": over_http2, "HTTP/1": over_http1}


@pytest.mark.parametrize("name", ["te", "upgrade", "transfer-encoding"])
def test_bad_trailers_are_no_end_of_the_session(run: Run, name: str) -> None:
    """Detected at the call, or at the end: other streams of the session continue."""

    async def main() -> None:
        events = Events()
        release = asyncio.Event()

        async def on_request(request: Any, response: Any) -> None:
            if request.url == "/other":
                response.write("begun ")
                await release.wait()
                response.end("ended")
                return
            try:
                response.set_trailer(name, "gzip")
                response.end("fine")
            except http2.Http2Error as error:
                events.add("refused", error.code)
            response.stream.close()

        async with (
            serving_http1(on_request) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as client,
        ):
            other = client.request({":path": "/other"})
            await other.response()
            client.request({":path": "/"}).close()
            bad = client.request({":path": "/"})
            bad.on("error", lambda error: None)
            assert (await events.expect("refused"))[1] == "ERR_HTTP2_INVALID_CONNECTION_HEADERS"
            release.set()
            assert await other.read() == b"begun ended"

    run(main())


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
@pytest.mark.parametrize("name", ["content-length", "Transfer-Encoding"])
def test_fields_that_frame_are_no_trailers(run: Run, ask: Ask, name: str) -> None:
    """RFC 9110 section 6.5.1: they are refused at the call that sets them."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.write("a")
            with pytest.raises(http2.Http2Error) as caught:
                response.set_trailer(name, "5")
            assert caught.value.code == "ERR_HTTP2_INVALID_CONNECTION_HEADERS"
            response.end("b")

        async with serving_http1(on_request) as (_, port):
            assert await ask(port, "/") == (200, b"ab")

    run(main())


def test_an_end_that_was_refused_ends_the_exchange(run: Run) -> None:
    """A body longer than its content-length: nothing of it was sent."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.write_head(200, {"content-length": 3})
            with pytest.raises(http2.Http2Error) as caught:
                response.end("four")
            assert caught.value.code == "ERR_HTTP_CONTENT_LENGTH_MISMATCH"
            assert response.destroyed
            assert response.end("abc") is response

        async with serving_http1(on_request) as (_, port), await Http1Peer.dial(port) as peer:
            peer.send(get())
            assert await peer.rest() == b""

    run(main())


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
def test_a_handler_that_waits_for_what_was_cancelled(
    run: Run, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    """The handler was not cancelled: it has failed, and its client gets the reset."""

    async def main() -> None:
        async def on_request(request: Any, response: Any) -> None:
            work = asyncio.ensure_future(asyncio.Event().wait())
            work.cancel()
            await work

        async with serving_http1(on_request) as (_, port):
            assert await ask(port, "/") == (500, b"")

    run(main())
    assert "awaited a cancelled" in caplog.text


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
def test_ending_in_every_way(run: Run, ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    """End, end again, destroy, raise: the first one counts."""

    async def main() -> None:
        async def on_request(request: Any, response: Any) -> None:
            response.end("first")
            response.end("second")
            if request.url == "/waits":
                await asyncio.sleep(0)
            elif request.url == "/finished":
                await response
            response.end("third")
            request.stream.close()
            response.destroy()
            assert await request.read() == b""
            raise ValueError("too late")

        async with serving_http1(on_request) as (_, port):
            for path in ("/waits", "/finished"):
                assert await ask(port, path) == (200, b"first")

    run(main())
    assert "too late" in caplog.text


def test_head_in_pieces(run: Run) -> None:
    """The length of the last part is not the length of the body (RFC 9110 section 8.6)."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.write("he")
            response.end("hello")

        async with serving_http1(on_request) as (_, port), await Http1Peer.dial(port) as peer:
            for version in ("1.1", "1.0"):
                got = await peer.ask(request("HEAD", version=version), "HEAD")
                assert got.status == 200
                assert got.headers.get("content-length") in (None, "7")
                if version == "1.1":
                    assert (await peer.ask(get())).body == b"hehello"
            assert await peer.rest() == b""

    run(main())


@pytest.mark.parametrize("name", ["content-length", "transfer-encoding", "connection"])
def test_errors_of_http1_do_not_speak_of_http2(run: Run, name: str) -> None:
    """Fields of the framing are refused with a clear message."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            def wrong() -> None:
                if name == "transfer-encoding":
                    request.stream.respond({name: "gzip"})
                    return
                response.write("a")
                response.set_trailer(name, "5")
                response.end("b")

            with pytest.raises(http2.Http2Error) as caught:
                wrong()
            assert caught.value.code == "ERR_HTTP2_INVALID_CONNECTION_HEADERS"
            assert name in str(caught.value)
            assert "HTTP/2" not in str(caught.value)
            if name == "connection":
                response.destroy()
            else:
                response.end("b")

        async with serving_http1(on_request) as (_, port):
            if name == "connection":
                async with await Http1Peer.dial(port) as peer:
                    peer.send(get())
                    assert (await peer.rest()).endswith(b"\r\n1\r\na\r\n")
            else:
                assert (await over_http1(port, "/"))[0] == 200

    run(main())
