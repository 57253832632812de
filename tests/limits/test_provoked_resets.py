"""Streams that a client causes to be reset, by RST_STREAM or by invalid frames.

CVE-2023-44487 ("Rapid Reset") and CVE-2025-8671 ("MadeYouReset"): both cost a server the same, so
they share an allowance, `stream_reset_burst` and `stream_reset_rate`, and each stream counts once,
however nghttp2 reports it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import http2
from http2.common.emitter import EventEmitter
from http2.constants import NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM

from ..support import raw
from ..support.nghttp2_versions import RESETS_FOR_A_WINDOW
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import check_serves, eventually, hello, serving

BURST = 12
TEXT = b"too many streams were reset (stream_reset_burst, stream_reset_rate)"

Provocation = Callable[[int], bytes]


def hopeful(stream: http2.ServerHttp2Stream) -> None:
    """A handler that answers ``/`` at once, and otherwise waits for the end of the body."""
    if stream.session and not stream.end_after_headers:
        stream.resume()
        return
    hello(stream)


PROVOCATIONS: dict[str, Provocation] = {
    "RST_STREAM": lambda i: raw.post(i) + raw.rst_stream(i),
    "less than content-length": lambda i: (
        raw.post(i, content_length="9") + raw.data(i, b"1234", end_stream=True)
    ),
    "more than content-length": lambda i: raw.post(i, content_length="2") + raw.data(i, b"1234"),
    "nothing of content-length": lambda i: raw.headers(
        i, raw.request_fields("POST", content_length="9"), end_stream=True
    ),
    "a name in upper case": lambda i: raw.headers(
        i, [*raw.request_fields(), ("X-Upper", "1")], end_stream=True
    ),
    "no path": lambda i: raw.headers(i, raw.request_fields()[:2], end_stream=True),
    "a pseudo-header in trailers": lambda i: (
        raw.post(i) + raw.headers(i, [(":status", "200")], end_stream=True)
    ),
    "too many fields": lambda i: raw.headers(
        i, [*raw.request_fields(), *[("x", "1")] * 200], end_stream=True
    ),
    "a space in a name": lambda i: raw.headers(
        i, [*raw.request_fields(), ("x y", "1")], end_stream=True
    ),
}
if RESETS_FOR_A_WINDOW:
    PROVOCATIONS["overflow of the window"] = lambda i: raw.post(i) + raw.window_update(i, 2**31 - 1)


@pytest.mark.parametrize("kind", PROVOCATIONS)
def test_each_stream_counts_once(run: Run, kind: str) -> None:
    """The allowed number of resets is harmless; one more ends the session."""
    provoke = PROVOCATIONS[kind]

    async def main() -> None:
        errors: list[BaseException] = []
        options = {"stream_reset_burst": BURST, "stream_reset_rate": 0}
        async with serving(hopeful, **options) as (server, port):
            server.on("session_error", lambda error: errors.append(error))
            async with await RawPeer.connect(port) as peer:
                for i in range(BURST):
                    peer.send(provoke(2 * i + 1))
                    await peer.answered()
                peer.send(raw.get(101))
                assert await peer.body(101) == b"hello"
                peer.send(provoke(103), provoke(105))
                last = (await peer.rest())[-1]
                assert (last.type, last.code) == (raw.GOAWAY, NGHTTP2_ENHANCE_YOUR_CALM)
                assert last.payload[8:] == TEXT
                goodbyes = [got for got in peer.seen if got.type == raw.GOAWAY]
                assert len(goodbyes) == 1
            await check_serves(port)
        (error,) = errors
        assert error.code == "ERR_HTTP2_ERROR"
        assert str(error) == TEXT.decode()

    run(main())


def test_what_the_program_resets_does_not_count(run: Run) -> None:
    def refuse(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
        if headers[":path"] == "/":
            hello(stream)
        else:
            stream.close(NGHTTP2_CANCEL)

    async def main() -> None:
        options = {"stream_reset_burst": 2, "stream_reset_rate": 0}
        async with serving(refuse, **options) as (_, port), await RawPeer.connect(port) as peer:
            for i in range(1, 41, 2):
                peer.send(raw.get(i, "/refused"))
            for i in range(1, 41, 2):
                assert (await peer.until(raw.RST_STREAM, i)).code == NGHTTP2_CANCEL
            # and resets that the client provokes still do
            for i in (41, 43):
                peer.send(PROVOCATIONS["more than content-length"](i))
                await peer.until(raw.RST_STREAM, i)
            peer.send(raw.get(45))
            assert await peer.body(45) == b"hello"
            peer.send(PROVOCATIONS["more than content-length"](47))
            last = (await peer.rest())[-1]
            assert (last.type, last.code) == (raw.GOAWAY, NGHTTP2_ENHANCE_YOUR_CALM)

    run(main())


def test_time_gives_back(run: Run) -> None:
    async def main() -> None:
        options = {"stream_reset_burst": 2, "stream_reset_rate": 50}
        async with serving(hopeful, **options) as (_, port), await RawPeer.connect(port) as peer:
            loop = asyncio.get_running_loop()
            for i in range(1, 21, 2):
                peer.send(PROVOCATIONS["more than content-length"](i))
                await peer.until(raw.RST_STREAM, i)
                # the clock is tested: two are allowed, and one in each 20 ms
                now = loop.time()
                await eventually(lambda now=now: loop.time() > now + 0.022)
            peer.send(raw.get(101))
            assert await peer.body(101) == b"hello"

    run(main())


@pytest.mark.parametrize("kind", ["RST_STREAM", "more than content-length", "a name in upper case"])
def test_many_at_once_are_stopped_in_the_middle(run: Run, kind: str) -> None:
    """25,000 in one piece: the server reads up to the limit, and no further."""

    async def main() -> None:
        seen: list[int | None] = []
        options = {
            "settings": {"max_concurrent_streams": 10**6},
            "max_session_invalid_frames": 10**6,
        }

        def count(stream: http2.ServerHttp2Stream) -> None:
            seen.append(stream.id)

        async with serving(count, **options) as (server, port):
            server.on("session_error", lambda error: None)
            async with await RawPeer.connect(port) as peer:
                provoke = PROVOCATIONS[kind]
                peer.send(b"".join(provoke(i) for i in range(1, 50_000, 2)))
                last = (await peer.rest())[-1]
                assert (last.type, last.code) == (raw.GOAWAY, NGHTTP2_ENHANCE_YOUR_CALM)
            # the burst, what the rate restores meanwhile, and the rest of one read
            assert len(seen) <= 6000

    run(main())


def test_the_client_is_told_why(run: Run) -> None:
    """The debug data of a GOAWAY is in the error of all waiting callers."""

    async def main() -> None:
        options = {"stream_reset_burst": 3, "stream_reset_rate": 0}
        async with serving(lambda stream: None, **options) as (server, port):
            server.on("session_error", lambda error: None)
            session = await http2.connect(f"http://127.0.0.1:{port}")
            errors: list[BaseException] = []
            session.on("error", errors.append)
            waiting = session.request({":path": "/"})
            for _ in range(4):
                stream = session.request({":path": "/"})
                await session.ping()
                stream.close(NGHTTP2_CANCEL)
            with pytest.raises(http2.Http2Error) as caught:
                await waiting.response()
            said = f"the session was closed with ENHANCE_YOUR_CALM: {TEXT.decode()}"
            assert str(caught.value) == said
            await session.close()
            assert [str(error) for error in errors] == [said]

    run(main())


@pytest.mark.parametrize(
    ("opaque", "shown"),
    [
        (b"", ""),
        ("über".encode(), ": über"),
        (b"a\r\nb\x00\x1b[31m", ": a\ufffd\ufffdb\ufffd\ufffd[31m"),
        (b"\xff\xfe", ": \ufffd\ufffd"),
        (b"x" * 9000, ": " + "x" * 200),
    ],
)
def test_what_a_goaway_says_is_one_short_line(run: Run, opaque: bytes, shown: str) -> None:
    async def main() -> None:
        def leave(session: EventEmitter) -> None:
            assert isinstance(session, http2.ServerHttp2Session)
            session.goaway(NGHTTP2_ENHANCE_YOUR_CALM, 0, opaque)

        async with serving() as (server, port):
            server.on("session", leave)
            session = await http2.connect(f"http://127.0.0.1:{port}")
            errors: list[BaseException] = []
            session.on("error", errors.append)
            await session._wait_closed()
            assert [str(error) for error in errors] == [
                "the session was closed with ENHANCE_YOUR_CALM" + shown
            ]

    run(main())
