"""Every error code of Node's http2 module, raised where Node raises it.

One function for each code: it gets a `Scene`, and must raise an error with that code. `ELSEWHERE`
lists codes that no call can cause, and those that other files test.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import http2
from http2 import errors

from ..support import raw
from ..support.paths import DOCS
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events, serving

ELSEWHERE = {
    # without memory, MemoryError is raised, or the process is killed
    "ERR_HTTP2_NO_MEM": "nghttp2's allocations do not fail in a test",
}


@dataclass
class Scene:
    """The server's stream and session, the client's session, and a request with an open body."""

    session: http2.ClientHttp2Session
    request: http2.ClientHttp2Stream
    theirs: http2.ServerHttp2Session
    stream: http2.ServerHttp2Stream
    port: int
    folder: Path

    async def peer(self) -> RawPeer:
        """Another client, with hand-written frames."""
        return await RawPeer.connect(self.port)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
    async with serving(streams.put_nowait) as (_, port):
        session = await http2.connect(f"http://127.0.0.1:{port}")
        session.on("error", lambda error: None)
        request = session.request({":method": "POST"})
        request.on("error", lambda error: None)
        stream = await streams.get()
        stream.on("error", lambda error: None)
        theirs = stream.session
        assert isinstance(theirs, http2.ServerHttp2Session)
        theirs.on("error", lambda error: None)
        yield Scene(session, request, theirs, stream, port, folder)
        session.destroy()
        await session.close()


Raises = Callable[[Scene], Awaitable[Any]]
CODES: dict[str, Raises] = {}


def raises(code: str) -> Callable[[Raises], Raises]:
    """Register a function that causes *code*."""

    def add(function: Raises) -> Raises:
        CODES[code] = function
        return function

    return add


def at_once(code: str, call: Callable[[Scene], Any]) -> None:
    """Check that the call itself raises *code*: nothing is sent, nothing needs to be awaited."""

    async def function(scene: Scene) -> None:
        call(scene)

    CODES[code] = function


at_once("ERR_HTTP2_ALTSVC_INVALID_ORIGIN", lambda s: s.theirs.altsvc("h2=':1'", "no origin"))
at_once("ERR_HTTP2_ALTSVC_LENGTH", lambda s: s.theirs.altsvc("x" * 16_383, s.stream.id))
at_once(
    "ERR_HTTP2_CONNECT_AUTHORITY",
    lambda s: s.session.request({":method": "CONNECT"}),
)
at_once(
    "ERR_HTTP2_CONNECT_PATH",
    lambda s: s.session.request({":method": "CONNECT", ":authority": "a:1", ":path": "/"}),
)
at_once(
    "ERR_HTTP2_CONNECT_SCHEME",
    lambda s: s.session.request({":method": "CONNECT", ":authority": "a:1", ":scheme": "http"}),
)
at_once(
    "ERR_HTTP2_HEADER_SINGLE_VALUE",
    lambda s: s.stream.respond({"content-type": ["a/b", "c/d"]}),
)
at_once(
    "ERR_HTTP2_INVALID_CONNECTION_HEADERS",
    lambda s: s.session.request({"connection": "close"}),
)
at_once("ERR_HTTP2_INVALID_HEADER_VALUE", lambda s: s.stream.respond({"x": " space"}))
at_once(
    "ERR_HTTP2_INVALID_INFO_STATUS",
    lambda s: s.stream.additional_headers({":status": 200}),
)
at_once("ERR_HTTP2_INVALID_ORIGIN", lambda s: s.theirs.origin("no origin"))
at_once("ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH", lambda s: http2.get_unpacked_settings(bytes(7)))
at_once("ERR_HTTP2_INVALID_PSEUDOHEADER", lambda s: s.session.request({":nonsense": "1"}))
at_once(
    "ERR_HTTP2_INVALID_SETTING_VALUE",
    lambda s: s.session.settings({"max_frame_size": 1}),
)
at_once("ERR_HTTP2_NO_SOCKET_MANIPULATION", lambda s: s.session.socket.write(b"x"))
at_once(
    "ERR_HTTP2_ORIGIN_LENGTH",
    lambda s: s.theirs.origin(*(f"https://{n}.example.org" for n in range(1000))),
)
at_once("ERR_HTTP2_PING_LENGTH", lambda s: s.session.ping(bytes(7)))
at_once("ERR_HTTP2_STATUS_101", lambda s: s.stream.additional_headers({":status": 101}))
at_once("ERR_HTTP2_STATUS_INVALID", lambda s: s.stream.respond({":status": 600}))
at_once(
    "ERR_HTTP2_STREAM_SELF_DEPENDENCY",
    lambda s: s.session.request(parent=s.session.state.next_stream_id),
)
at_once(
    "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS",
    lambda s: s.session.settings({"custom_settings": dict.fromkeys(range(100, 111), 1)}),
)
at_once("ERR_HTTP2_TRAILERS_NOT_READY", lambda s: s.stream.send_trailers({"x": "1"}))
at_once("ERR_HTTP2_UNSUPPORTED_PROTOCOL", lambda s: http2.connect("ftp://localhost"))


@raises("ERR_HTTP2_GOAWAY_SESSION")
async def _(s: Scene) -> None:
    s.session.close()
    s.session.request()


@raises("ERR_HTTP2_HEADERS_AFTER_RESPOND")
async def _(s: Scene) -> None:
    s.stream.respond()
    s.stream.additional_headers({":status": 103})


@raises("ERR_HTTP2_HEADERS_SENT")
async def _(s: Scene) -> None:
    s.stream.respond()
    s.stream.respond()


@raises("ERR_HTTP2_INFO_STATUS_NOT_ALLOWED")
async def _(s: Scene) -> None:
    told = Events()

    def respond(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) -> None:
        try:
            response.status_code = 103
        except http2.Http2Error as error:
            told.add("error", error)
        response.end()

    async with serving() as (server, port):
        server.on("request", respond)
        async with http2.connect(f"http://127.0.0.1:{port}") as session:
            assert (await session.request().response())[":status"] == 200
    raise (await told.expect("error"))[1]


@raises("ERR_HTTP2_INVALID_SESSION")
async def _(s: Scene) -> None:
    s.session.destroy()
    s.session.request()


@raises("ERR_HTTP2_INVALID_STREAM")
async def _(s: Scene) -> None:
    s.stream.destroy()
    s.stream.respond()


@raises("ERR_HTTP2_MAX_PENDING_SETTINGS_ACK")
async def _(s: Scene) -> None:
    failed = asyncio.get_running_loop().create_future()
    s.theirs.on("error", failed.set_result)
    for n in range(10):  # before the client can acknowledge one
        s.theirs.settings({"initial_window_size": n})
    raise await failed


@raises("ERR_HTTP2_NESTED_PUSH")
async def _(s: Scene) -> None:
    pushed, _ = await s.stream.push_stream({":path": "/pushed"})
    pushed.push_stream({":path": "/nested"})


@raises("ERR_HTTP2_OUT_OF_STREAMS")
async def _(s: Scene) -> None:
    s.session.set_next_stream_id(2**31 - 1)
    s.session.request()
    s.session.request()


@raises("ERR_HTTP2_PAYLOAD_FORBIDDEN")
async def _(s: Scene) -> None:
    s.stream.respond_with_file(__file__, {":status": 204})


@raises("ERR_HTTP2_PING_CANCEL")
async def _(s: Scene) -> None:
    waiting = s.session.ping()
    s.session.destroy()
    await waiting


@raises("ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED")
async def _(s: Scene) -> None:
    failed = asyncio.get_running_loop().create_future()

    def send() -> None:
        try:
            s.stream.send_trailers({":status": 200})
        except http2.Http2Error as error:
            failed.set_result(error)
        s.stream.send_trailers({})

    s.stream.on("want_trailers", send)
    s.stream.respond(wait_for_trailers=True)
    s.stream.end()
    raise await failed


@raises("ERR_HTTP2_PUSH_DISABLED")
async def _(s: Scene) -> None:
    await s.session.settings({"enable_push": False})
    s.stream.push_stream({":path": "/pushed"})


async def error_of_a_file(s: Scene, path: Path) -> Any:
    failed = asyncio.get_running_loop().create_future()
    s.stream.respond_with_file(path, on_error=failed.set_result)
    error = await failed
    s.stream.destroy()
    return error


@raises("ERR_HTTP2_SEND_FILE")
async def _(s: Scene) -> None:
    raise await error_of_a_file(s, s.folder)


@raises("ERR_HTTP2_SEND_FILE_NOSEEK")
async def _(s: Scene) -> None:
    raise await error_of_a_file(s, Path("/dev/null"))


@raises("ERR_HTTP2_SESSION_ERROR")
async def _(s: Scene) -> None:
    s.theirs.goaway(11)
    await s.request.response()


@raises("ERR_HTTP2_SETTINGS_CANCEL")
async def _(s: Scene) -> None:
    waiting = s.session.settings({})
    s.session.destroy()
    await waiting


@raises("ERR_HTTP2_SOCKET_BOUND")
async def _(s: Scene) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", s.port)
    session = await http2.connect("http://localhost", create_connection=lambda *_: (reader, writer))
    try:
        await http2.connect("http://localhost", create_connection=lambda *_: (reader, writer))
    finally:
        await session.close()


@raises("ERR_HTTP2_SOCKET_UNBOUND")
async def _(s: Scene) -> None:
    socket = s.session.socket
    s.session.destroy()
    await s.session.close()
    _ = socket.get_extra_info("peername")


@raises("ERR_HTTP2_STREAM_CANCEL")
async def _(s: Scene) -> None:
    session = http2.connect(f"http://127.0.0.1:{s.port}")
    stream = session.request()
    session.destroy()
    await stream.response()


@raises("ERR_HTTP2_STREAM_ERROR")
async def _(s: Scene) -> None:
    s.request.write(bytes(70_000))  # more than is stored for sending it again
    s.stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
    await s.request.response()


@raises("ERR_HTTP2_TOO_MANY_INVALID_FRAMES")
async def _(s: Scene) -> None:
    async with serving(max_session_invalid_frames=0) as (server, port):
        events = Events()
        events.listen(server, "session_error")
        async with await RawPeer.connect(port) as peer:
            fields = [*raw.request_fields(), ("UPPER", "1")]
            peer.send(raw.headers(1, fields, end_stream=True))
            raise (await events.expect("session_error"))[1]


@raises("ERR_HTTP2_TRAILERS_ALREADY_SENT")
async def _(s: Scene) -> None:
    wanted = asyncio.Event()
    s.stream.on("want_trailers", wanted.set)
    s.stream.respond(wait_for_trailers=True)
    s.stream.end()
    await wanted.wait()
    s.stream.send_trailers({"x": "1"})
    s.stream.send_trailers({"x": "1"})


@pytest.mark.row("module.errors", "rule.errors")
@pytest.mark.parametrize("code", sorted(CODES))
def test_raised(run: Run, tmp_path: Path, code: str) -> None:
    async def main() -> None:
        async with scene(tmp_path) as s:
            with pytest.raises(http2.Http2Error) as failure:
                await CODES[code](s)
            assert failure.value.code == code
            assert isinstance(failure.value.retryable, bool)
            assert str(failure.value)

    run(main())


def test_every_code_is_raised_or_explained() -> None:
    assert not set(CODES) & set(ELSEWHERE)
    # ERR_HTTP2_ERROR is nghttp2's own: tests/limits/test_bad_input.py
    assert set(CODES) | set(ELSEWHERE) | {"ERR_HTTP2_ERROR"} == errors.CODES


def test_every_code_is_explained_to_the_reader() -> None:
    page = (DOCS / "errors.md").read_text()
    assert [code for code in sorted(errors.CODES) if code not in page] == []


# --- retryable ------------------------------------------------------------------------------

RETRYABLE = {
    "ERR_HTTP2_GOAWAY_SESSION",  # the request was never sent
    "ERR_HTTP2_INVALID_SESSION",
    "ERR_HTTP2_STREAM_CANCEL",
    "ERR_HTTP2_STREAM_ERROR",  # with REFUSED_STREAM, as here
}


@pytest.mark.row("beyond.retryable")
@pytest.mark.parametrize("code", sorted(CODES))
def test_retryable(run_asyncio: Run, tmp_path: Path, code: str) -> None:
    """True only if the peer has certainly not processed a request."""

    async def main() -> None:
        async with scene(tmp_path) as s:
            with pytest.raises(http2.Http2Error) as failure:
                await CODES[code](s)
            assert failure.value.retryable is (code in RETRYABLE)

    run_asyncio(main())


@pytest.mark.row("beyond.retryable")
def test_retryable_of_network_errors(run: Run) -> None:
    """A connection that was never established has sent nothing; a broken one may have."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(24)
        writer.write(b"\0\0\0\4\0\0\0\0\0")
        await reader.readuntil(b"\x86")  # the request has arrived
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async def main() -> None:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        session = await http2.connect(f"http://127.0.0.1:{port}")
        resets: list[Any] = []
        session.on("error", resets.append)
        with pytest.raises(http2.ConnectionClosed) as broken:
            await session.request({":path": "/"}).response()
        await session.close()
        assert [type(reset) for reset in resets] == [http2.ConnectionClosed]
        assert isinstance(resets[0].__cause__, ConnectionResetError)
        assert broken.value.__cause__ is resets[0].__cause__
        assert resets[0].retryable is broken.value.retryable is False
        server.close()
        await server.wait_closed()
        with pytest.raises(ConnectionRefusedError) as refused:
            await http2.connect(f"http://127.0.0.1:{port}")
        assert refused.value.retryable is True  # type: ignore[attr-defined]

    run(main())
