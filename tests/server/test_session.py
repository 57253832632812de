"""A server's session: state, socket, settings, pings, and time-outs."""

from __future__ import annotations

import asyncio

import pytest

import http2
from http2 import constants

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events, hello, serving
from ..support.sessions import Sessions, refused


@pytest.mark.row(
    "rule.none",
    "session.alpn_protocol",
    "session.encrypted",
    "session.connecting",
    "session.destroyed",
    "session.type",
    "server_session.server",
    "module.ServerHttp2Session",
    "session.event.connect",
)
def test_properties(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (server, port):
            sessions = Sessions(server)
            events = Events()
            server.once("session", lambda session: events.listen(session, "connect"))
            async with await RawPeer.connect(port) as peer:
                session = await sessions.next()
                assert session.server is server
                assert session.type == constants.NGHTTP2_SESSION_SERVER
                assert session.alpn_protocol == "h2c"
                assert session.encrypted is False
                assert not session.connecting
                assert not session.closed
                assert not session.destroyed
                [connected] = events.seen
                assert connected[1] is session
                assert connected[2].remote_port == session.socket.remote_port
                await peer.answered()
                assert not session.pending_settings_ack
                session.destroy()
                assert session.destroyed
                assert session.state == http2.SessionState()
                refused("ERR_HTTP2_INVALID_SESSION", session.ping)
                refused("ERR_HTTP2_INVALID_SESSION", session.settings, {})
                refused("ERR_HTTP2_INVALID_SESSION", session.goaway)
                refused("ERR_HTTP2_INVALID_SESSION", session.set_local_window_size, 1)
                await peer.rest()
                await session.close()

    run(main())


@pytest.mark.row(
    "session.state",
    "module.SessionState",
    "session.state.effective_local_window_size",
    "session.state.effective_recv_data_length",
    "session.state.next_stream_id",
    "session.state.local_window_size",
    "session.state.last_proc_stream_id",
    "session.state.remote_window_size",
    "session.state.outbound_queue_size",
    "session.state.deflate_dynamic_table_size",
    "session.state.inflate_dynamic_table_size",
    "session.set_local_window_size",
    "stream.state",
    "module.StreamState",
    "stream.state.local_window_size",
    "stream.state.state",
    "stream.state.local_close",
    "stream.state.remote_close",
    "stream.state.weight",
)
def test_state(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.window_update(0, 1000))
            peer.send(raw.post(7), raw.data(7, b"12345"))
            stream = await streams.get()
            await peer.answered()
            session = stream.session
            assert session is not None
            state = session.state
            assert state.remote_window_size == 65535 + 1000
            assert state.local_window_size == 65535 - 5
            assert state.effective_local_window_size == 65535
            assert state.effective_recv_data_length == 5
            assert state.last_proc_stream_id == 7
            assert state.next_stream_id == 2
            assert state.outbound_queue_size == 0
            assert state.inflate_dynamic_table_size == 0
            mine = stream.state
            assert mine.state == constants.NGHTTP2_STREAM_STATE_OPEN
            assert (mine.local_close, mine.remote_close) == (0, 0)
            assert mine.local_window_size == 65535 - 5
            assert mine.weight == 16
            peer.send(raw.data(7, end_stream=True))
            await peer.answered()
            assert stream.state.state == constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE
            assert stream.state.remote_close == 1
            assert await stream.read() == b"12345"
            session.set_local_window_size(200_000)
            update = await peer.until(raw.WINDOW_UPDATE, 0)
            assert int.from_bytes(update.payload, "big") == 200_000 - 65535
            assert session.state.effective_local_window_size == 200_000
            stream.respond({"x": "y"}, end_stream=True)
            await peer.until(raw.HEADERS, 7)
            assert session.state.deflate_dynamic_table_size > 0
            assert stream.state == http2.StreamState()
            for wrong in ("1", True, 1.5):
                refused("ERR_INVALID_ARG_TYPE", session.set_local_window_size, wrong)
            for wrong in (-1, 2**31):
                refused("ERR_OUT_OF_RANGE", session.set_local_window_size, wrong)

    run(main())


@pytest.mark.row(
    "session.socket",
    "session.socket.remote_address",
    "session.socket.remote_port",
    "session.socket.local_address",
    "session.socket.local_port",
    "session.socket.encrypted",
    "session.socket.get_extra_info",
    "session.socket.set_timeout",
    "session.socket.unbound",
    "session.socket.destroy",
    "session.socket.emit",
    "session.socket.end",
    "session.socket.pause",
    "session.socket.read",
    "session.socket.resume",
    "session.socket.write",
)
def test_socket(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (server, port):
            sessions = Sessions(server)
            async with await RawPeer.connect(port) as peer:
                session = await sessions.next()
                sock = session.socket
                mine = peer.writer.get_extra_info("sockname")
                assert (sock.remote_address, sock.remote_port) == mine[:2]
                assert (sock.local_address, sock.local_port) == ("127.0.0.1", port)
                assert sock.encrypted is False
                assert sock.get_peer_certificate() is None
                assert sock.get_extra_info("peername") == mine
                assert sock.get_extra_info("nonsense", 5) == 5
                sock.set_no_delay()
                sock.set_keep_alive(True)
                for name in ("destroy", "emit", "end", "pause", "read", "resume", "write"):
                    refused("ERR_HTTP2_NO_SOCKET_MANIPULATION", getattr(sock, name))
                    refused("ERR_HTTP2_NO_SOCKET_MANIPULATION", getattr(sock, name), b"x")
                fired = asyncio.Event()
                sock.set_timeout(0.02, fired.set)
                await fired.wait()
                sock.set_timeout(0)
                peer.send(raw.get())
                assert await peer.body(1) == b"hello"
                closing = session.close()
                await peer.rest()
                peer.finish()
                await closing
                refused("ERR_HTTP2_SOCKET_UNBOUND", sock.get_extra_info, "peername")
                # its address is still known
                assert (sock.remote_address, sock.remote_port) == mine[:2]

    run(main())


# --- pings and goaways ------------------------------------------------------------------------


@pytest.mark.row("rule.callbacks", "session.ping", "server.option.max_outstanding_pings")
def test_pings_that_are_never_answered(run: Run) -> None:
    async def main() -> None:
        async with serving(hello, max_outstanding_pings=2) as (server, port):
            sessions = Sessions(server)
            async with await RawPeer.connect(port) as peer:
                session = await sessions.next()
                for wrong in (b"", b"1234567", b"123456789"):
                    refused("ERR_HTTP2_PING_LENGTH", session.ping, wrong)
                refused("ERR_INVALID_ARG_TYPE", session.ping, "12345678")
                first, second = session.ping(bytearray(b"11111111")), session.ping()
                with pytest.raises(http2.Http2Error) as failure:
                    await session.ping()
                assert failure.value.code == "ERR_HTTP2_PING_CANCEL"
                got = await peer.until(raw.PING)
                assert got.payload == b"11111111"
                peer.send(raw.ping(b"unasked!", ack=True), raw.ping(b"11111111", ack=True))
                duration, payload = await first
                assert payload == b"11111111"
                assert duration >= 0
                session.ping()  # it is not awaited, which causes no warning
                await peer.abort()
                with pytest.raises(http2.Http2Error) as failure:
                    await second
                assert failure.value.code == "ERR_HTTP2_PING_CANCEL"

    run(main())


def test_settings_that_are_never_acknowledged(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (server, port):
            sessions = Sessions(server)
            async with await RawPeer.connect(port) as peer:
                session = await sessions.next()
                refused("ERR_HTTP2_INVALID_SETTING_VALUE", session.settings, {"max_frame_size": 1})
                waiting = session.settings({"initial_window_size": 5})
                await peer.until(raw.SETTINGS, test=lambda got: got.settings == {4: 5})
                await peer.abort()
                with pytest.raises(http2.Http2Error) as failure:
                    await waiting
                assert failure.value.code == "ERR_HTTP2_SETTINGS_CANCEL"

    run(main())


@pytest.mark.row(
    "session.event.goaway", "session.goaway_code", "session.closed", "session.event.error"
)
@pytest.mark.parametrize("code", [0, 1, 11])
def test_goaway_of_the_client(run: Run, code: int) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.get())
            stream = await streams.get()
            session = stream.session
            assert session is not None
            events = Events()
            events.listen(session, "goaway", "error", "close")
            peer.send(raw.goaway(code, 0, b"bye"))
            await events.expect("goaway")
            assert events.seen[0] == ("goaway", code, 0, b"bye")
            if code == 0:
                # open streams are finished, and then it ends
                assert session.closed
                stream.respond()
                stream.end("last")
                assert await peer.body(1) == b"last"
            else:
                error = (await events.expect("error"))[1]
                assert isinstance(error, http2.GoAwayError)
                assert (error.code, error.error_code) == ("ERR_HTTP2_SESSION_ERROR", code)
                assert error.last_stream_id == 0
                assert stream.aborted
            last = (await peer.rest())[-1]
            assert (last.type, last.code) == (raw.GOAWAY, 0)
            peer.finish()
            await events.expect("close")
            assert events.names == ["goaway", *(["error"] if code else []), "close"]
            assert session.goaway_code == code

    run(main())


# --- timeouts ---------------------------------------------------------------------------------


@pytest.mark.row(
    "session.event.timeout",
    "session.set_timeout",
    "server.event.timeout",
    "server.set_timeout",
    "server.timeout",
)
def test_timeout_of_an_idle_session(run: Run) -> None:
    """Without a listener it is destroyed; with one, the listener decides."""

    async def main() -> None:
        async with serving(hello) as (server, port):
            server.set_timeout(0.03)
            assert server.timeout == 0.03
            sessions = Sessions(server)
            async with await RawPeer.connect(port) as peer:
                assert (await peer.rest())[-1].type == raw.GOAWAY
                assert (await sessions.next()).destroyed
            events = Events()
            server.set_timeout(0.03, lambda session: events.add("server", session))
            async with await RawPeer.connect(port) as peer:
                session = await sessions.next()
                assert (await events.expect("server"))[1] is session
                assert not session.destroyed
                session.on("timeout", lambda: events.add("session"))
                session.set_timeout(0.03)
                await events.expect("session")
                assert events.names.count("server") == 1
                peer.send(raw.get())
                assert await peer.body(1) == b"hello"

    run(main())


def test_activity_puts_the_timeout_off(run_asyncio: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (server, port):
            sessions = Sessions(server)
            async with await RawPeer.connect(port) as peer:
                session = await sessions.next()
                loop = asyncio.get_running_loop()
                fired: asyncio.Future[float] = loop.create_future()
                session.set_timeout(0.2, lambda: fired.set_result(loop.time()))
                for _ in range(5):
                    await asyncio.sleep(0.05)
                    last = loop.time()
                    await peer.answered()
                assert await fired - last >= 0.15

    run_asyncio(main())


@pytest.mark.row("stream.event.timeout", "stream.set_timeout")
def test_timeout_of_a_stream(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post())
            stream = await streams.get()
            events = Events()
            events.listen(stream, "timeout", "close")
            stream.set_timeout(0.02, lambda: events.add("callback"))
            await events.expect("callback")
            assert events.names == ["timeout", "callback"]
            assert not stream.destroyed  # the listener has to end it
            peer.send(raw.data(1, b"more", end_stream=True))
            assert await stream.read() == b"more"
            stream.set_timeout(0.02)
            stream.respond(end_stream=True)
            await events.expect("close")
            assert stream._timer is None

    run(main())


@pytest.mark.row("rule.time", "server.set_timeout", "server.timeout")
def test_timeout_arguments(run_asyncio: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        refused("ERR_INVALID_ARG_TYPE", server.set_timeout, 1, "no function")
        refused("ERR_INVALID_ARG_TYPE", server.set_timeout, "1")
        refused("ERR_OUT_OF_RANGE", server.set_timeout, -1)
        assert server.timeout == 0
        assert server.set_timeout(1, lambda session: None) is server
        assert server.set_timeout() is server
        assert server.timeout == 0

    run_asyncio(main())


@pytest.mark.row("rule.options")
def test_options() -> None:
    for options in (
        {"nonsense": 1},
        {"max_settings": "32"},
        {"max_outstanding_pings": True},
        {"settings": 5},
        {"strict_single_value_fields": 1},
    ):
        with pytest.raises(TypeError):
            http2.create_server(**options)
    for options in (
        {"max_settings": 0},
        {"padding_strategy": 3},
        {"stream_reset_rate": -1},
        {"settings": {"max_frame_size": 5}},
    ):
        with pytest.raises(ValueError, match=r"."):
            http2.create_server(**options)


@pytest.mark.row("server.option.padding_strategy")
@pytest.mark.parametrize("strategy", [0, 1, 2])
def test_padding(run: Run, strategy: int) -> None:
    async def main() -> None:
        async with (
            serving(hello, padding_strategy=strategy) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get())
            got = await peer.until(raw.DATA, 1)
            if strategy == 0:
                assert got.payload == b"hello"
                return
            padding = got.payload[0] if got.flags & raw.PADDED else 0
            start = 1 if got.flags & raw.PADDED else 0
            assert got.payload[start : len(got.payload) - padding] == b"hello"
            if strategy == 1:
                assert (9 + len(got.payload)) % 8 == 0
            else:
                assert padding == 255

    run(main())
