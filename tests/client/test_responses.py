"""The responses that the client receives: headers, informational responses, trailers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import http2

from ..support.peers import Flag, Peer, serving_url, start_node, starting, tls_options
from ..support.running import Run
from ..support.self_signed import Certificate


@pytest.fixture(scope="module", params=["h2c", "tls"])
def peer(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[Peer]:
    with starting() as start:
        if request.param == "tls":
            yield start_node(start, cert=certificate.cert, key=certificate.key)
        else:
            yield start_node(start)


def connect(peer: Peer, **options: Any) -> http2.ClientHttp2Session:
    return http2.connect(peer.origin, **tls_options(peer), **options)


@pytest.mark.interop
@pytest.mark.row("headers.status", "headers.set_cookie", "headers.raw")
def test_response_headers(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            stream = session.request({":path": "/cookies"})
            headers = await stream.response()
            assert isinstance(headers, http2.Headers)
            assert headers[":status"] == 299
            assert type(headers[":status"]) is int
            assert headers["set-cookie"] == headers["Set-Cookie"] == ["a=1", "b=2"]
            assert headers["X-Many"] == headers.get("x-MANY") == "1, 2"
            assert "X-MANY" in headers
            assert headers.get("x-none") is None
            assert headers.get("x-none", "default") == "default"
            assert headers.sensitive == ["x-secret"]
            assert headers[http2.sensitive_headers] == ["x-secret"]
            assert [pair for pair in headers.raw if pair[0] == "set-cookie"] == [
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
            ]
            assert headers.raw[0] == (":status", "299")
            with pytest.raises(KeyError):
                headers["x-none"]
            # later calls get the same
            assert await stream.response() is headers
            assert await stream.read() == b""

    run(main())


@pytest.mark.interop
@pytest.mark.row("client_stream.event.response", "client_stream.response")
def test_response_event(run: Run, peer: Peer) -> None:
    async def main() -> None:
        end_stream = http2.constants.NGHTTP2_FLAG_END_STREAM
        async with connect(peer) as session:
            stream = session.request({":path": "/headers-only"})
            seen = Flag()
            stream.on("response", lambda headers, flags: seen.set(headers, flags))
            headers, flags = await seen
            assert headers[":status"] == 204
            assert flags & end_stream
            assert stream.end_after_headers
            assert await stream.read() == b""

            stream = session.request({":path": "/body?size=10"})
            seen = Flag()
            chunks: list[bytes] = []
            ended = Flag()
            closed = Flag()
            stream.on("response", lambda headers, flags: seen.set(headers, flags))
            stream.on("data", chunks.append)
            stream.on("end", ended.set)
            stream.on("close", closed.set)
            headers, flags = await seen
            assert headers[":status"] == 200
            assert not flags & end_stream
            assert await stream.response() is headers
            await ended
            await closed
            assert len(b"".join(chunks)) == 10

    run(main())


@pytest.mark.interop
@pytest.mark.row("client_stream.event.headers", "client_stream.response")
def test_informational_responses(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            stream = session.request({":path": "/informational", "expect": "100-continue"})
            order: list[Any] = []
            stream.on("continue", lambda: order.append("continue"))
            stream.on("headers", lambda headers, flags: order.append(headers[":status"]))
            stream.on("response", lambda headers, flags: order.append(headers[":status"]))
            links: list[str] = []
            stream.on("headers", lambda headers: links.append(headers.get("link")))
            headers = await stream.response()
            assert headers[":status"] == 200
            assert await stream.read() == b"final"
            assert order == [100, "continue", 103, 200]
            assert links == [None, "</a.css>; rel=preload"]

    run(main())


@pytest.mark.row("client_stream.event.continue")
def test_waits_for_continue(run: Run) -> None:
    async def main() -> None:
        async def respond(stream: Any, headers: Any) -> None:
            assert headers["expect"] == "100-continue"
            stream.additional_headers({":status": 100})
            assert await stream.read() == b"after 100"
            stream.respond(end_stream=True)

        async with serving_url(respond) as (_, origin), http2.connect(origin) as session:
            stream = session.request({":method": "POST", "expect": "100-continue"})
            stream.on("continue", lambda: stream.end("after 100"))
            assert (await stream.response())[":status"] == 200

    run(main())


@pytest.mark.interop
@pytest.mark.row("stream.event.trailers")
def test_response_trailers(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            stream = session.request({":path": "/trailers"})
            seen = Flag()
            order: list[str] = []
            stream.on("trailers", lambda headers, flags: seen.set(headers, flags))
            stream.on("trailers", lambda: order.append("trailers"))
            stream.on("end", lambda: order.append("end"))
            await stream.response()
            assert await stream.read() == b"with trailers"
            headers, flags = await seen
            assert headers == {"x-sum": "42", "x-list": "a, b"}
            assert flags & http2.constants.NGHTTP2_FLAG_END_STREAM
            assert order == ["trailers", "end"]

    run(main())


def test_response_to_a_request_that_goes_on(run: Run) -> None:
    """The response may begin, and end, long before the request does."""

    async def main() -> None:
        async def respond(stream: Any) -> None:
            stream.respond()
            stream.end("done already")
            assert await stream.read() == b"one two"

        async with serving_url(respond) as (_, origin), http2.connect(origin) as session:
            stream = session.request({":method": "POST"})
            stream.write("one ")
            await stream.response()
            assert await stream.read() == b"done already"
            assert stream.writable
            stream.end("two")
            await stream.close()
            assert stream.rst_code == http2.constants.NGHTTP2_NO_ERROR

    run(main())


@pytest.mark.interop
@pytest.mark.row("duplex.set_encoding")
def test_set_encoding(run: Run, peer: Peer) -> None:
    async def main() -> None:
        text = "žluťoučký kůň " * 2000
        async with connect(peer) as session:
            for flowing in (True, False):
                stream = session.request({":method": "POST", ":path": "/echo"})
                stream.set_encoding("utf-8")
                parts: list[str] = []
                stream.end(text)
                if flowing:
                    ended = Flag()
                    stream.on("data", parts.append)
                    stream.on("end", ended.set)
                    await ended
                else:
                    async for part in stream:
                        parts.append(part)
                assert "".join(parts) == text

    run(main())


@pytest.mark.interop
@pytest.mark.row("duplex.pause", "duplex.resume")
def test_pause_and_resume(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            stream = session.request({":path": "/body?size=200000"})
            got = 0
            first = Flag()
            ended = Flag()

            @stream.on("data")
            def take(chunk: bytes) -> None:
                nonlocal got
                got += len(chunk)
                if not first.done:
                    stream.pause()
                    first.set()

            stream.on("end", ended.set)
            await first
            before = got
            await session.ping()
            await session.ping()
            assert got == before
            stream.resume()
            await ended
            assert got == 200000

    run(main())


@pytest.mark.interop
@pytest.mark.row("duplex.flow_control")
def test_nobody_reads(run: Run, peer: Peer) -> None:
    """`resume` discards a body; an unread stream does not block others."""

    async def main() -> None:
        async with connect(peer) as session:
            for _ in range(20):
                stream = session.request({":path": "/body?size=50000"})
                closed = Flag()
                stream.on("close", closed.set)
                stream.resume()
                await closed
            # together they are far larger than the connection's window: a complete one no longer
            # counts against it, even while it waits for its reader
            left = []
            for _ in range(20):
                stream = session.request({":path": "/body?size=50000"})
                left.append(stream)
                while not stream.closed:
                    await session.ping()
                assert not stream.destroyed
            stream = session.request({":path": "/body?size=100000"})
            assert len(await stream.read()) == 100000
            for stream in left:
                assert len(await stream.read()) == 50000

    run(main())


def test_two_readers(run: Run) -> None:
    async def main() -> None:
        release = asyncio.Event()

        async def respond(stream: Any) -> None:
            stream.respond()
            await release.wait()
            stream.end("for one")

        async with serving_url(respond) as (_, origin), http2.connect(origin) as session:
            stream = session.request()
            await stream.response()
            first = asyncio.ensure_future(stream.read())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError):
                await stream.read()
            # a cancelled one makes room
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            again = asyncio.ensure_future(stream.readexactly(7))
            release.set()
            assert await again == b"for one"
            with pytest.raises(asyncio.IncompleteReadError):
                await stream.readexactly(1)
            assert await stream.read() == b""
            assert await stream.read(10) == b""

    run(main())
