"""A server's addresses and state, and details of sessions and streams."""

from __future__ import annotations

import asyncio
import errno
import socket
import subprocess
from typing import Any

import pytest

import http2
from http2 import constants
from http2.engine import events

from ..support import raw
from ..support.nghttp2_versions import KNOWS_RFC_7540
from ..support.peers import Flag, start_node, starting
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events, check_serves, hello, listening, serving

# --- listening ------------------------------------------------------------------------------


@pytest.mark.row("server.listening", "server.event.listening", "server.address")
def test_listening(run: Run) -> None:
    async def main() -> None:
        told = Events()
        server = http2.create_server()
        told.listen(server, "listening", "close")
        assert not server.listening
        assert server.address() is None
        async with server:
            assert await server.listen(0, "127.0.0.1") is server
            assert server.listening
            assert told.names == ["listening"]
            host, port = server.address()
            assert host == "127.0.0.1"
            assert port > 0
        assert not server.listening
        assert server.address() is None
        assert told.names == ["listening", "close"]

    run(main())


@pytest.mark.row("server.listen.option.sock")
def test_listen_on_a_socket(run: Run) -> None:
    async def main() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        server = http2.create_server()
        server.on("stream", hello)
        await server.listen(sock=sock)
        async with server:
            assert server.address()[1] == port
            await check_serves(port)

    run(main())


@pytest.mark.row("server.listen.option.reuse_port")
def test_reuse_port(run: Run) -> None:
    async def main() -> None:
        first, second = http2.create_server(), http2.create_server()
        first.on("stream", hello)
        await first.listen(0, "127.0.0.1", reuse_port=True)
        port = first.address()[1]
        async with first, second:
            with pytest.raises(OSError, match=r".") as caught:
                await http2.create_server().listen(port, "127.0.0.1")
            assert caught.value.errno == errno.EADDRINUSE
            await second.listen(port, "127.0.0.1", reuse_port=True)
            assert second.address()[1] == port

    run(main())


ESTABLISHED = 1


@pytest.mark.row("server.listen.option.backlog")
@pytest.mark.parametrize(("backlog", "connected"), [(2, 3), (50, 10)])
def test_backlog(run: Run, backlog: int, connected: int) -> None:
    """How many connections the system keeps while the program does not accept: one more."""

    async def main() -> None:
        server = http2.create_server()
        await server.listen(0, "127.0.0.1", backlog=backlog)
        async with server:
            callers = [socket.socket() for _ in range(10)]
            for caller in callers:
                caller.setblocking(False)
                caller.connect_ex(server.address())
            # the loop has not run since
            states = [
                caller.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] for caller in callers
            ]
            for caller in callers:
                caller.close()
            assert states.count(ESTABLISHED) == connected

    run(main())


@pytest.mark.row("server.event.error")
def test_an_address_that_is_taken(run: Run) -> None:
    """Waiting callers and listeners get it."""

    async def main() -> None:
        async with serving(hello) as (_, port):
            told = Events()
            other = http2.create_server()
            told.listen(other, "error", "listening")
            with pytest.raises(OSError, match=r".") as caught:
                await other.listen(port, "127.0.0.1")
            assert caught.value.errno == errno.EADDRINUSE
            assert told.seen == [("error", caught.value)]
            assert not other.listening
            # a listener is optional, and the server may try again
            quiet = http2.create_server()
            with pytest.raises(OSError, match=r"."):
                await quiet.listen(port, "127.0.0.1")
            quiet.on("stream", hello)
            async with listening(quiet) as free:
                await check_serves(free)

    run(main())


@pytest.mark.row("server.event.session", "server.event.stream", "session.event.stream")
def test_sessions_and_streams_are_told_of(run: Run) -> None:
    async def main() -> None:
        told = Events()
        async with serving(hello) as (server, port):
            told.listen(server, "session", "stream", prefix="server ")
            server.on("session", lambda session: told.listen(session, "stream"))
            for number in (1, 2):
                async with await RawPeer.connect(port) as peer:
                    peer.send(raw.get())
                    assert await peer.body(1) == b"hello"
                assert len([name for name in told.names if name == "server session"]) == number
        assert told.names == ["server session", "stream", "server stream"] * 2
        _, session = told.seen[0]
        _, stream, headers, flags, raw_headers = told.seen[1]
        assert told.seen[2] == ("server stream", stream, headers, flags, raw_headers)
        assert isinstance(session, http2.ServerHttp2Session)
        assert stream.id == 1
        assert headers[":path"] == "/"
        assert flags == constants.NGHTTP2_FLAG_END_STREAM | constants.NGHTTP2_FLAG_END_HEADERS
        assert (":path", "/") in raw_headers

    run(main())


# --- sessions --------------------------------------------------------------------------------


@pytest.mark.row("session.socket.set_no_delay", "session.socket.set_keep_alive")
def test_options_of_the_socket(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(hello) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            sock = session.socket.get_extra_info("socket")

            def option(level: int, name: int) -> bool:
                return bool(sock.getsockopt(level, name))

            for on in (True, False, True):
                session.socket.set_no_delay(on)
                session.socket.set_keep_alive(on)
                assert option(socket.IPPROTO_TCP, socket.TCP_NODELAY) is on
                assert option(socket.SOL_SOCKET, socket.SO_KEEPALIVE) is on
            session.socket.set_no_delay(False)
            session.socket.set_no_delay()
            session.socket.set_keep_alive()
            assert option(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert not option(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    run(main())


@pytest.mark.row("session.event.frame_error")
def test_a_frame_of_the_session_that_cannot_be_sent(run: Run) -> None:
    """The engine's report, which no peer can cause alone."""

    async def main() -> None:
        async with serving(hello) as (_, port):
            session = await http2.connect(f"http://127.0.0.1:{port}")
            told = Events()
            told.listen(session, "frame_error", "close")
            report = (events.FRAME_NOT_SENT, 0, raw.GOAWAY, -522)
            session._dispatch([report])
            await told.expect("close")
            code = constants.NGHTTP2_FRAME_SIZE_ERROR
            assert told.seen == [("frame_error", raw.GOAWAY, code, 0), ("close",)]

    run(main())


# --- streams ---------------------------------------------------------------------------------


@pytest.mark.row("stream.buffer_size", "stream.writable_length")
def test_bytes_that_wait(run: Run) -> None:
    """The client allows nothing, then a part, then all of it."""

    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with (
            serving(streams.put_nowait) as (_, port),
            await RawPeer.connect(port, values={4: 0}) as peer,
        ):
            peer.send(raw.get())
            stream = await streams.get()
            assert stream.buffer_size == 0
            stream.respond()
            stream.write(b"a" * 1000)
            await peer.answered()
            assert stream.buffer_size == stream.writable_length == 1000
            peer.send(raw.window_update(1, 400))
            assert len((await peer.until(raw.DATA, 1)).payload) == 400
            assert stream.buffer_size == stream.writable_length == 600
            peer.send(raw.window_update(1, 10_000))
            stream.end()
            assert len(await peer.body(1)) == 600
            assert stream.buffer_size == 0

    run(main())


@pytest.mark.interop
@pytest.mark.row("stream.state.sum_dependency_weight", "stream.state.weight")
def test_weights_of_what_depends_on_a_stream(run: Run) -> None:
    with starting() as start:
        peer = start_node(start)

        async def main() -> None:
            async with http2.connect(peer.origin) as session:
                parent = session.request({":path": "/hold"})
                children = [
                    session.request({":path": "/hold"}, parent=parent.id or 0, weight=weight)
                    for weight in (20, 30)
                ]
                await session.ping()
                known = KNOWS_RFC_7540
                assert parent.state.sum_dependency_weight == (50 if known else 0)
                weights = [child.state.weight for child in children]
                assert weights == ([20, 30] if known else [16, 16])
                for stream in (parent, *children):
                    await stream.close(constants.NGHTTP2_CANCEL)

        run(main())


# --- the rest --------------------------------------------------------------------------------


@pytest.mark.row("settings.as_dict")
def test_settings_as_a_mapping() -> None:
    settings = http2.Settings(initial_window_size=5, custom_settings={0x1234: 7})
    values: dict[str, Any] = settings.as_dict()
    assert values["initial_window_size"] == 5
    assert values["max_frame_size"] == 16384
    assert values["custom_settings"] == {0x1234: 7}
    assert http2.Settings(**values) == settings


WITHOUT_SSL = """
import sys
sys.modules["ssl"] = None
import asyncio
import http2

async def main():
    server = http2.create_server()
    server.on("stream", lambda stream: stream.end("in the clear"))
    await server.listen(0, "127.0.0.1")
    async with server, http2.connect("http://127.0.0.1:%d" % server.address()[1]) as session:
        print((await session.request().read()).decode())
    for attempt in (
        lambda: http2.create_secure_server(cert="cert.pem"),
        lambda: http2.connect("https://127.0.0.1:1"),
    ):
        try:
            attempt()
        except ImportError as error:
            print(type(error).__name__)

asyncio.run(main())
"""


@pytest.mark.row("module.without_ssl")
def test_without_ssl(python: str) -> None:
    done = subprocess.run(
        [python, "-W", "error", "-c", WITHOUT_SSL], capture_output=True, text=True, timeout=30
    )
    assert done.stderr == ""
    assert done.stdout.split("\n") == ["in the clear", *["ModuleNotFoundError"] * 2, ""]


@pytest.mark.row("stream.session", "stream.destroyed", "session.destroyed")
def test_what_is_left_of_a_stream_whose_session_is_gone(run: Run) -> None:
    async def main() -> None:
        seen = Flag()
        async with serving(lambda stream: seen.set(stream)) as (_, port):
            session = await http2.connect(f"http://127.0.0.1:{port}")
            mine = session.request()
            (theirs,) = await seen
            assert mine.session is session
            session.destroy()
            assert session.destroyed
            await theirs.close()
            for stream in (mine, theirs):
                assert stream.destroyed
                assert stream.session is None
                assert stream.state == http2.StreamState()
            await session.close()

    run(main())
