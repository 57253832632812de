"""Peers that break the protocol: each gets the right code, and others are not affected."""

from __future__ import annotations

import asyncio
import logging
import struct
from typing import Any

import pytest

import http2
from http2.constants import (
    NGHTTP2_COMPRESSION_ERROR,
    NGHTTP2_ENHANCE_YOUR_CALM,
    NGHTTP2_FLOW_CONTROL_ERROR,
    NGHTTP2_FRAME_SIZE_ERROR,
    NGHTTP2_PROTOCOL_ERROR,
    NGHTTP2_STREAM_CLOSED,
)

from ..support import raw
from ..support.nghttp2_versions import RESETS_FOR_A_WINDOW
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import STREAM_EVENTS, Events, check_serves, hello, serving


class Observed:
    """A server that records the events of its sessions and streams."""

    def __init__(self) -> None:
        self.events = Events()

    def __call__(self, stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
        self.events.add("stream", stream)
        self.events.listen(stream, *STREAM_EVENTS, prefix="stream ")
        if headers[":method"] == "GET":
            hello(stream)

    def watch(self, server: http2.Http2Server) -> None:
        """Record the events of the server and its first session."""
        self.events.listen(server, "session_error")
        server.once("session", self._session)

    def _session(self, session: http2.ServerHttp2Session) -> None:
        self.events.listen(session, "error", "close", "frame_error", prefix="session ")

    async def died_once(self) -> Any:
        """Return the only error of the session."""
        await self.events.expect("session close")
        names = self.events.names
        assert names.count("session error") == names.count("session_error") == 1, names
        assert names.count("session close") == 1
        assert names.index("session error") < names.index("session close")
        error = (await self.events.expect("session error"))[1]
        assert (await self.events.expect("session_error"))[1] is error
        return error


def padded_data(stream_id: int, padding: int) -> bytes:
    """Return DATA that declares more padding than it has."""
    return raw.frame(raw.DATA, raw.PADDED, stream_id, bytes([padding]))


# The peer's bytes after the exchange of SETTINGS, and the code that ends the connection.
FATAL = {
    "DATA longer than MAX_FRAME_SIZE": (
        raw.frame(raw.DATA, 0, 1, bytes(16385)),
        NGHTTP2_FRAME_SIZE_ERROR,
    ),
    "HEADERS longer than MAX_FRAME_SIZE": (
        raw.frame(raw.HEADERS, raw.END_HEADERS, 1, bytes(16385)),
        NGHTTP2_FRAME_SIZE_ERROR,
    ),
    "PING of 7 bytes": (raw.ping(b"1234567"), NGHTTP2_FRAME_SIZE_ERROR),
    "PING on a stream": (
        raw.frame(raw.PING, 0, 1, b"12345678"),
        NGHTTP2_PROTOCOL_ERROR,
    ),
    "SETTINGS of 5 bytes": (raw.frame(raw.SETTINGS, 0, 0, b"12345"), NGHTTP2_FRAME_SIZE_ERROR),
    "acknowledgement with a payload": (
        raw.frame(raw.SETTINGS, raw.ACK, 0, bytes(6)),
        NGHTTP2_FRAME_SIZE_ERROR,
    ),
    "RST_STREAM of 3 bytes": (
        raw.get() + raw.frame(raw.RST_STREAM, 0, 1, b"123"),
        NGHTTP2_FRAME_SIZE_ERROR,
    ),
    "INITIAL_WINDOW_SIZE of 2**31": (raw.settings({4: 2**31}), NGHTTP2_FLOW_CONTROL_ERROR),
    "ENABLE_PUSH of 2": (raw.settings({2: 2}), NGHTTP2_PROTOCOL_ERROR),
    "MAX_FRAME_SIZE of 1": (raw.settings({5: 1}), NGHTTP2_PROTOCOL_ERROR),
    "33 entries in SETTINGS": (
        raw.frame(raw.SETTINGS, 0, 0, struct.pack(">HI", 3, 1) * 33),
        NGHTTP2_ENHANCE_YOUR_CALM,
    ),
    "window of the connection beyond 2**31 - 1": (
        raw.window_update(0, 2**31 - 1),
        NGHTTP2_FLOW_CONTROL_ERROR,
    ),
    "WINDOW_UPDATE of 0": (raw.window_update(0, 0), NGHTTP2_PROTOCOL_ERROR),
    "CONTINUATION after nothing": (
        raw.frame(raw.CONTINUATION, raw.END_HEADERS, 1, b""),
        NGHTTP2_PROTOCOL_ERROR,
    ),
    "PING inside a header block": (
        raw.headers(1, raw.request_fields(), end_headers=False) + raw.ping(),
        NGHTTP2_PROTOCOL_ERROR,
    ),
    "DATA on an idle stream": (raw.data(1, b"x"), NGHTTP2_PROTOCOL_ERROR),
    "DATA on stream 0": (raw.data(0, b"x"), NGHTTP2_PROTOCOL_ERROR),
    "DATA after END_STREAM": (raw.get() + raw.data(1, b"x"), NGHTTP2_STREAM_CLOSED),
    "RST_STREAM on an idle stream": (raw.rst_stream(1), NGHTTP2_PROTOCOL_ERROR),
    "request on stream 0": (raw.get(0), NGHTTP2_PROTOCOL_ERROR),
    "request on a stream of the server's": (raw.get(2), NGHTTP2_PROTOCOL_ERROR),
    "PUSH_PROMISE from a client": (
        raw.post()
        + raw.frame(
            raw.PUSH_PROMISE,
            raw.END_HEADERS,
            1,
            struct.pack(">I", 2) + raw.block(raw.request_fields()),
        ),
        NGHTTP2_PROTOCOL_ERROR,
    ),
    "more padding than data": (raw.post() + padded_data(1, 255), NGHTTP2_PROTOCOL_ERROR),
    "what HPACK can't read": (
        raw.frame(raw.HEADERS, raw.END_HEADERS, 1, b"\xff" * 12),
        NGHTTP2_COMPRESSION_ERROR,
    ),
    "DATA past the windows": (
        raw.post() + raw.data(1, bytes(16384)) * 4,
        NGHTTP2_FLOW_CONTROL_ERROR,
    ),
}


# nghttp2's own numbers for them; -505 for all others
NUMBERS = {
    NGHTTP2_FLOW_CONTROL_ERROR: -524,
    http2.constants.NGHTTP2_STREAM_CLOSED: -510,
    http2.constants.NGHTTP2_FRAME_SIZE_ERROR: -522,
    http2.constants.NGHTTP2_COMPRESSION_ERROR: -523,
    NGHTTP2_ENHANCE_YOUR_CALM: -904,
}


@pytest.mark.parametrize("name", FATAL)
def test_connection_error(run: Run, name: str) -> None:
    frames, code = FATAL[name]

    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (server, port):
            observed.watch(server)
            async with await RawPeer.connect(port) as peer:
                peer.send(frames)
                goodbyes = [got for got in await peer.rest() if got.type == raw.GOAWAY]
                assert [got.code for got in goodbyes] == [code]
            error = await observed.died_once()
            assert error.code == "ERR_HTTP2_ERROR"
            assert error.error_code == code
            assert isinstance(error, http2.NghttpError)
            assert isinstance(error, http2.SessionError)
            assert error.errno == NUMBERS.get(code, -505)
            # each open stream ends exactly once
            names = observed.events.names
            assert names.count("stream close") == names.count("stream")
            await check_serves(port)

    run(main())


# A request, and the code with which its stream is reset before a handler gets it.
REFUSED = {
    "upper-case name": [*raw.request_fields(), ("X-Upper", "1")],
    "connection": [*raw.request_fields(), ("connection", "close")],
    "transfer-encoding": [*raw.request_fields(), ("transfer-encoding", "chunked")],
    "te other than trailers": [*raw.request_fields(), ("te", "gzip")],
    "no method": raw.request_fields()[1:],
    "no path": [pair for pair in raw.request_fields() if pair[0] != ":path"],
    "no scheme": [pair for pair in raw.request_fields() if pair[0] != ":scheme"],
    "two methods": [(":method", "GET"), *raw.request_fields()],
    "empty path": raw.request_fields(path=""),
    "pseudo-header of responses": [*raw.request_fields(), (":status", "200")],
    "unknown pseudo-header": [(":proto", "x"), *raw.request_fields()],
    "pseudo-header after a field": [("x", "1"), *raw.request_fields()],
    "CR LF in a value": [*raw.request_fields(), ("x", "1\r\nset-cookie: a")],
    "NUL in a value": [*raw.request_fields(), ("x", "a\0b")],
    "space in a name": [*raw.request_fields(), ("x y", "1")],
    "empty name": [*raw.request_fields(), ("", "1")],
    "content-length that is none": raw.request_fields(content_length="five"),
    "content-length without a body": raw.request_fields("POST", content_length="5"),
    "two content-lengths": [
        *raw.request_fields("POST", content_length="0"),
        ("content-length", "1"),
    ],
    "CONNECT with a path": raw.request_fields("CONNECT"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_request_that_nobody_hears_of(run: Run, name: str) -> None:
    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (server, port):
            observed.watch(server)
            async with await RawPeer.connect(port) as peer:
                peer.send(raw.headers(1, REFUSED[name], end_stream=True))
                assert (await peer.until(raw.RST_STREAM, 1)).code == NGHTTP2_PROTOCOL_ERROR
                # only the stream is lost
                peer.send(raw.get(3))
                assert await peer.body(3) == b"hello"
            await observed.events.expect("session close")
            streams = [entry[1] for entry in observed.events.seen if entry[0] == "stream"]
            assert [stream.id for stream in streams] == [3]
            assert "session_error" not in observed.events.names

    run(main())


@pytest.mark.parametrize(
    "body", [b"1234567", b"123"], ids=["longer than content-length", "shorter than content-length"]
)
def test_body_that_is_not_as_long_as_it_says(run: Run, body: bytes) -> None:
    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(content_length="5"))
            stream = (await observed.events.expect("stream"))[1]
            reader = asyncio.ensure_future(stream.read())
            peer.send(raw.data(1, body, end_stream=True))
            assert (await peer.until(raw.RST_STREAM, 1)).code == NGHTTP2_PROTOCOL_ERROR
            with pytest.raises(http2.StreamError) as failure:
                await reader
            assert failure.value.error_code == NGHTTP2_PROTOCOL_ERROR
            await observed.events.expect("stream close")
            names = observed.events.names
            assert names.count("stream error") == names.count("stream close") == 1
            assert "stream end" not in names

    run(main())


def many_fields(count: int) -> list[tuple[str, str]]:
    """Return a request with *count* fields."""
    fields = raw.request_fields()
    return fields + [("x", "y")] * (count - len(fields))


@pytest.mark.row("server.option.max_header_list_pairs")
def test_too_many_fields(run: Run) -> None:
    async def main() -> None:
        observed = Observed()
        async with (
            serving(observed, max_header_list_pairs=10) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.headers(1, many_fields(11), end_stream=True))
            assert (await peer.until(raw.RST_STREAM, 1)).code == NGHTTP2_ENHANCE_YOUR_CALM
            assert observed.events.seen == []
            peer.send(raw.headers(3, many_fields(10), end_stream=True))
            assert await peer.body(3) == b"hello"

    run(main())


def test_too_many_fields_in_trailers_fail_the_stream(run: Run) -> None:
    async def main() -> None:
        observed = Observed()
        async with (
            serving(observed, max_header_list_pairs=10) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.post(), raw.headers(1, [("x", "y")] * 11, end_stream=True))
            assert (await peer.until(raw.RST_STREAM, 1)).code == NGHTTP2_ENHANCE_YOUR_CALM
            error = (await observed.events.expect("stream error"))[1]
            assert error.error_code == NGHTTP2_ENHANCE_YOUR_CALM
            await observed.events.expect("stream close")
            assert "stream end" not in observed.events.names

    run(main())


def test_header_list_that_is_too_large(run: Run) -> None:
    async def main() -> None:
        observed = Observed()
        async with (
            serving(observed, settings={"max_header_list_size": 1000}) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            fields = [*raw.request_fields(), ("x", "y" * 1000)]
            peer.send(raw.headers(1, fields, end_stream=True))
            assert (await peer.until(raw.RST_STREAM, 1)).code == NGHTTP2_ENHANCE_YOUR_CALM
            assert observed.events.seen == []
            peer.send(raw.get(3))
            assert await peer.body(3) == b"hello"

    run(main())


def test_header_block_that_never_ends(run: Run) -> None:
    """The CONTINUATION flood: an attack that costs memory without a limit."""

    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (server, port):
            observed.watch(server)
            async with await RawPeer.connect(port) as peer:
                peer.send(raw.headers(1, raw.request_fields(), end_headers=False))
                for _ in range(20):
                    peer.send(raw.frame(raw.CONTINUATION, 0, 1, raw.block([("x", "y" * 100)])))
                last = (await peer.rest())[-1]
                assert last.type == raw.GOAWAY
                assert last.code == NGHTTP2_ENHANCE_YOUR_CALM
            error = await observed.died_once()
            assert error.code == "ERR_HTTP2_ERROR"
            assert "stream" not in observed.events.names
            await check_serves(port)

    run(main())


@pytest.mark.parametrize("frame", [raw.ping(), raw.settings()], ids=["PING", "SETTINGS"])
def test_flood_of_frames_that_want_an_answer(run: Run, frame: bytes) -> None:
    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (server, port):
            observed.watch(server)
            async with await RawPeer.connect(port) as peer:
                # in one piece: no answer must be sent between two of them
                peer.send(frame * 20000)
                goodbyes = [got for got in await peer.rest() if got.type == raw.GOAWAY]
                assert [got.code for got in goodbyes] == [NGHTTP2_ENHANCE_YOUR_CALM]
            error = await observed.died_once()
            assert error.code == "ERR_HTTP2_ERROR"
            await check_serves(port)

    run(main())


@pytest.mark.row("server.option.stream_reset_burst")
@pytest.mark.parametrize("at_once", [True, False])
def test_rapid_reset(run: Run, at_once: bool) -> None:
    """Requests that are cancelled faster than by an honest client (CVE-2023-44487).

    Requests that are reset in the same read never reach a handler.
    """

    async def main() -> None:
        observed = Observed()
        options = {"stream_reset_burst": 50, "stream_reset_rate": 1}
        async with serving(observed, **options) as (server, port):
            observed.watch(server)
            async with await RawPeer.connect(port) as peer:
                numbers = range(1, 201, 2)
                if at_once:
                    peer.send(*[raw.post(i) + raw.rst_stream(i) for i in numbers])
                else:
                    peer.send(*[raw.post(i) for i in numbers])
                    await peer.answered()
                    peer.send(*[raw.rst_stream(i) for i in numbers])
                goodbyes = [got for got in await peer.rest() if got.type == raw.GOAWAY]
                assert [got.code for got in goodbyes] == [NGHTTP2_ENHANCE_YOUR_CALM]
            error = await observed.died_once()
            assert error.code == "ERR_HTTP2_ERROR"
            names = observed.events.names
            assert names.count("stream") == (0 if at_once else 100)
            assert names.count("stream close") == names.count("stream")
            await check_serves(port)

    run(main())


def test_resets_within_the_limit_do_no_harm(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(Observed(), stream_reset_burst=100, stream_reset_rate=1) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            peer.send(*[raw.get(i) + raw.rst_stream(i) for i in range(1, 161, 2)])
            peer.send(raw.get(161))
            assert await peer.body(161) == b"hello"

    run(main())


@pytest.mark.row("server.option.max_session_invalid_frames")
def test_too_many_invalid_frames(run: Run) -> None:
    async def main() -> None:
        observed = Observed()
        async with serving(observed, max_session_invalid_frames=3) as (server, port):
            observed.watch(server)
            bad = [*raw.request_fields(), ("X-Upper", "1")]
            async with await RawPeer.connect(port) as peer:
                for stream_id in (1, 3, 5):
                    peer.send(raw.headers(stream_id, bad, end_stream=True))
                    reset = await peer.until(raw.RST_STREAM, stream_id)
                    assert reset.code == NGHTTP2_PROTOCOL_ERROR
                peer.send(raw.headers(7, bad, end_stream=True))
                last = (await peer.rest())[-1]
                assert (last.type, last.code) == (raw.GOAWAY, NGHTTP2_PROTOCOL_ERROR)
            error = await observed.died_once()
            assert error.code == "ERR_HTTP2_TOO_MANY_INVALID_FRAMES"
            await check_serves(port)

    run(main())


def test_unknown_frames_and_settings_are_ignored(run: Run) -> None:
    """RFC 9113 section 5.5: unknown frames are ignored."""

    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (server, port), await RawPeer.connect(port) as peer:
            observed.watch(server)
            peer.send(raw.frame(0xBB, 0xFF, 0, b"anything"), raw.frame(0xBC, 0, 77, b""))
            peer.send(raw.settings({0xAAAA: 7}), raw.get())
            assert await peer.body(1) == b"hello"
            assert "session_error" not in observed.events.names

    run(main())


def test_window_of_one_stream_beyond_its_limit(run: Run) -> None:
    """RFC 9113 section 6.9.1: that resets the stream, or ends the connection."""

    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.window_update(1, 2**31 - 1))
            kind, stream_id = (raw.RST_STREAM, 1) if RESETS_FOR_A_WINDOW else (raw.GOAWAY, 0)
            assert (await peer.until(kind, stream_id)).code == NGHTTP2_FLOW_CONTROL_ERROR
            error = (await observed.events.expect("stream error"))[1]
            assert error.error_code == NGHTTP2_FLOW_CONTROL_ERROR
            if not RESETS_FOR_A_WINDOW:
                assert await peer.rest() == []
                return
            peer.send(raw.get(3))
            assert await peer.body(3) == b"hello"

    run(main())


# --- what is no HTTP/2 at all -------------------------------------------------------------

HTTP1 = {
    "GET": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "POST": b"POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "a word that begins as the preface does": b"PROPFIND / HTTP/1.1\r\n\r\n",
    "a long URL": b"GET /" + b"x" * 8000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
}


def check_refusal(answer: bytes) -> None:
    """*answer* is one whole HTTP/1.1 response with status 505."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0].startswith(b"HTTP/1.1 505 ")
    fields = dict(line.lower().split(b": ", 1) for line in lines[1:])
    assert int(fields[b"content-length"]) == len(body) > 0
    assert fields[b"connection"] == b"close"


@pytest.mark.parametrize("name", HTTP1)
@pytest.mark.parametrize("whole", [True, False], ids=["at once", "byte by byte"])
def test_http1_is_told_so(run: Run, name: str, whole: bool) -> None:
    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (server, port):
            observed.watch(server)
            async with await RawPeer.dial(port) as peer:
                if whole:
                    peer.send(HTTP1[name])
                else:
                    # the request line decides; a long one is split into larger pieces
                    line = HTTP1[name].partition(b"\n")[0] + b"\n"
                    step = 1 + len(line) // 100
                    for start in range(0, len(line), step):
                        peer.send(line[start : start + step])
                        await peer.flush()
                check_refusal(await peer.bytes())
            assert observed.events.seen == []
            await check_serves(port)

    run(main())


GARBAGE = {
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
    "two bytes": b"\x00\x01",
    "lines": b"EHLO example.org\r\nQUIT\r\n",
    "a preface with a flaw": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r" + raw.settings(),
    "HTTP/1.1 with control characters": b"GET /\x01\x02 HTTP\x03\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage(run: Run, name: str) -> None:
    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (server, port):
            observed.watch(server)
            async with await RawPeer.dial(port) as peer:
                peer.send(GARBAGE[name])
                last = (await peer.rest())[-1]
                assert (last.type, last.code) == (raw.GOAWAY, NGHTTP2_PROTOCOL_ERROR)
            error = await observed.died_once()
            assert error.code == "ERR_HTTP2_ERROR"
            await check_serves(port)

    run(main())


def test_preface_without_settings(run: Run) -> None:
    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (server, port):
            observed.watch(server)
            async with await RawPeer.dial(port) as peer:
                peer.send(raw.PREFACE, raw.get())
                last = (await peer.rest())[-1]
                assert (last.type, last.code) == (raw.GOAWAY, NGHTTP2_PROTOCOL_ERROR)
            error = await observed.died_once()
            assert error.error_code == NGHTTP2_PROTOCOL_ERROR
            assert "stream" not in observed.events.names

    run(main())


@pytest.mark.parametrize("sent", [0, 1, 5, 23])
def test_preface_that_ends_early(run: Run, sent: int) -> None:
    """There was no session yet: no error is emitted, and nothing is sent."""

    async def main() -> None:
        observed = Observed()
        async with serving(observed) as (server, port):
            observed.watch(server)
            async with await RawPeer.dial(port) as peer:
                peer.send(raw.PREFACE[:sent])
                peer.finish()
                assert await peer.bytes() == b""
            assert observed.events.seen == []
            await check_serves(port)

    run(main())


def test_preface_in_pieces(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port), await RawPeer.dial(port) as peer:
            for octet in raw.PREFACE + raw.settings():
                peer.send(bytes([octet]))
                await peer.flush()
            peer.send(raw.get())
            assert await peer.body(1) == b"hello"

    run(main())


def test_an_error_that_nobody_hears_is_logged_once(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.ping(b"short"))
            await peer.rest()

    with caplog.at_level(logging.DEBUG, "http2"):
        run(main())
    assert [record.name for record in caplog.records] == ["http2"]
    assert caplog.records[0].levelno == logging.WARNING
    assert "ERR_HTTP2_ERROR" in caplog.text
