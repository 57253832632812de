"""Details of Node's sessions: settings in one read, equal pings, deadlines."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.dialled import Dialled
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events, check_serves, hello, listening, serving
from ..support.sessions import raw_server


def test_each_settings_frame_of_a_read_is_told_with_its_values(run: Run) -> None:
    async def main() -> None:
        seen: list[http2.Settings] = []
        async with serving(hello, remote_custom_settings=[0x1234]) as (server, port):
            server.on("session", lambda session: session.on("remote_settings", seen.append))
            async with await RawPeer.connect(port) as peer:
                seen.clear()
                peer.send(
                    raw.settings({3: 7, 4: 100, 0x1234: 1}),
                    raw.settings({4: 200, 0x1234: 2}),
                    raw.settings({4: 300}),
                )
                await peer.answered()
        assert [
            (each.max_concurrent_streams, each.initial_window_size, each.custom_settings)
            for each in seen
        ] == [(7, 100, {0x1234: 1}), (7, 200, {0x1234: 2}), (7, 300, {0x1234: 2})]

    run(main())


def test_each_acknowledgement_of_a_read_is_told_with_its_values(run: Run) -> None:
    async def main() -> None:
        sessions: list[Any] = []
        told: list[int] = []
        async with serving(hello) as (server, port):
            server.on("session", sessions.append)
            async with await RawPeer.connect(port) as peer:
                await peer.answered()
                [session] = sessions
                session.on(
                    "local_settings", lambda settings: told.append(settings.initial_window_size)
                )
                waiting = [
                    session.settings({"initial_window_size": size}) for size in (1000, 2000, 3000)
                ]
                for _ in waiting:
                    await peer.until(raw.SETTINGS)
                peer.send(raw.settings(ack=True) * 3)
                sizes = [(await each)[0].initial_window_size for each in waiting]
                assert sizes == told == [1000, 2000, 3000]

    run(main())


def test_equal_pings_are_all_answered(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(hello, max_outstanding_pings=3) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}", max_outstanding_pings=3) as session,
        ):
            pings = [session.ping(b"the same") for _ in range(3)]
            with pytest.raises(http2.Http2Error) as refused:
                await session.ping(b"the same")
            assert refused.value.code == "ERR_HTTP2_PING_CANCEL"
            for ping in pings:
                duration, payload = await ping
                assert payload == b"the same"
                assert duration < 5
            # there is room again, and pending ones fail at the end of the session
            pings = [session.ping(b"the same") for _ in range(2)]
            session.destroy()
            for ping in pings:
                with pytest.raises(http2.Http2Error, match="ping"):
                    await ping

    run(main())


def test_answers_to_no_ping_do_no_harm(run: Run) -> None:
    async def main() -> None:
        sessions: list[Any] = []
        async with serving(hello) as (server, port):
            server.on("session", sessions.append)
            async with await RawPeer.connect(port) as peer:
                peer.send(raw.ping(b"answered", ack=True), raw.ping(bytes(8), ack=True))
                await peer.answered()
                [session] = sessions
                events = Events()
                events.listen(session, "error", "close", "ping")
                waiting = [session.ping(b"question") for _ in range(2)]
                # the wrong one, one of two, and one too many
                peer.send(raw.ping(b"no answr", ack=True), raw.ping(b"question", ack=True))
                assert (await waiting[0])[1] == b"question"
                assert not waiting[1].done()
                peer.send(raw.ping(b"question", ack=True), raw.ping(b"question", ack=True))
                await waiting[1]
                peer.send(raw.get())
                assert await peer.body(1) == b"hello"
                assert events.seen == []
            await check_serves(port)

    run(main())


def test_the_streams_of_a_violation_have_its_error(run: Run) -> None:
    async def main() -> None:
        heard: list[Any] = []

        async def hold(stream: http2.ServerHttp2Stream) -> None:
            stream.on("error", heard.append)
            stream.respond()
            try:
                await stream.read()
            except http2.Http2Error as error:
                heard.append(error)

        async with serving(hold) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post())
            await peer.until(raw.HEADERS, 1)
            peer.send(raw.frame(raw.PING, 0, 0, b"short"))
            await peer.rest()
        # the reader was cancelled with its stream, as listeners are
        assert [(error.code, error.errno) for error in heard] == [("ERR_HTTP2_ERROR", -522)]

        async def breaks(peer: RawPeer) -> None:
            await peer.until(raw.HEADERS, 1)
            peer.send(raw.frame(raw.PING, 0, 0, b"short"))
            await peer.rest()

        async with raw_server(breaks) as origin:
            session = http2.connect(origin)
            events = Events()
            events.listen(session, "error", "close")
            stream = session.request()
            with pytest.raises(http2.NghttpError) as failure:
                await stream.response()
            assert failure.value.errno == -522
            assert pickle.loads(pickle.dumps(failure.value)).errno == -522
            await events.expect("close")
            assert events.seen == [("error", failure.value), ("close",)]

    run(main())


def heard(log: list[str], emitter: Any, name: str, *events: str) -> None:
    for event in events:
        emitter.on(event, lambda *_, event=event: log.append(f"{name} {event}"))


@pytest.mark.parametrize("how", ["destroyed", "broken"])
@pytest.mark.parametrize("coroutine", [False, True], ids=["function", "coroutine"])
def test_a_server_hears_of_the_clients_end_in_order(run: Run, how: str, coroutine: bool) -> None:
    async def main() -> None:
        log: list[str] = []
        server = http2.create_server()

        def plain(stream: http2.ServerHttp2Stream) -> None:
            heard(log, stream, "stream", "aborted", "close")
            heard(log, stream.session, "session", "close")
            stream.respond()
            stream.write("a part")

        async def waits(stream: http2.ServerHttp2Stream) -> None:
            plain(stream)
            await asyncio.Event().wait()

        server.on("stream", waits if coroutine else plain)
        heard(log, server, "server", "close")
        await server.listen(0, "127.0.0.1")
        port = server.address()[1]
        if how == "destroyed":
            session = http2.connect(f"http://127.0.0.1:{port}")
            await session.request({":method": "POST"}).response()
            closed = server.close()
            session.destroy()
            await session.close()
        else:
            peer = await RawPeer.connect(port)
            peer.send(raw.post())
            await peer.until(raw.DATA, 1)
            closed = server.close()
            await peer.abort()
        await closed
        assert log == ["stream aborted", "stream close", "session close", "server close"]

    run(main())


@pytest.mark.parametrize("how", ["destroyed", "broken"])
def test_a_client_hears_of_the_servers_end_in_order(run: Run, how: str) -> None:
    async def main() -> None:
        log: list[str] = []

        async def script(peer: RawPeer) -> None:
            await peer.until(raw.HEADERS, 1)
            peer.send(raw.headers(1, [(":status", "200")]))
            await peer.answered()
            await peer.abort()

        def destroys(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            assert stream.session is not None
            asyncio.get_running_loop().call_later(0.02, stream.session.destroy)

        async with contextlib.AsyncExitStack() as stack:
            if how == "destroyed":
                _, port = await stack.enter_async_context(serving(destroys))
                origin = f"http://127.0.0.1:{port}"
            else:
                origin = await stack.enter_async_context(raw_server(script))
            session = http2.connect(origin)
            session.on("error", lambda error: None)
            heard(log, session, "session", "close")
            stream = session.request({":method": "POST"})
            stream.on("error", lambda error: None)
            heard(log, stream, "stream", "aborted", "close")
            await stream.response()
            await session.close()
            assert log == ["stream aborted", "stream close", "session close"]

    run(main())


@pytest.mark.parametrize("first", ["nothing", "a part of the preface", "a part of HTTP/1"])
@pytest.mark.parametrize("allow_http1", [False, True])
@pytest.mark.row("server.set_timeout")
def test_a_connection_that_says_nothing_is_timed_out(
    run: Run, first: str, allow_http1: bool
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = http2.create_server(allow_http1=allow_http1)
        server.on("stream", hello)
        server.set_timeout(0.4)
        async with listening(server) as port, await Dialled.dial(port) as peer:
            if first == "a part of the preface":
                await asyncio.sleep(0.1)
                peer.writer.write(raw.PREFACE[:10])
                began = loop.time()
            elif first == "a part of HTTP/1" and not allow_http1:
                await asyncio.sleep(0.1)
                peer.writer.write(b"GET / HT")
                began = loop.time()
            else:
                began = loop.time()
            assert await asyncio.wait_for(peer.reader.read(), 30) == b""
            # activity counts, and the default deadline is 10 s
            assert 0.35 < loop.time() - began < 8

    run(main())


def test_a_listener_decides_on_a_connection_that_says_nothing(run: Run) -> None:
    async def main() -> None:
        events = Events()
        server = http2.create_server()
        server.on("stream", hello)
        server.set_timeout(0.03)
        events.listen(server, "timeout", "session")
        async with listening(server) as port:
            async with await Dialled.dial(port) as peer:
                session = (await events.expect("timeout"))[1]
                assert isinstance(session, http2.ServerHttp2Session)
                # it is kept, and becomes that session
                server.set_timeout(0)
                peer.writer.write(raw.PREFACE + raw.settings())
                assert await asyncio.wait_for(peer.reader.read(9), 30)
                assert events.seen == [("timeout", session), ("session", session)]
            server.on("timeout", lambda session: session.destroy())
            server.set_timeout(0.03)
            async with await Dialled.dial(port) as peer:
                assert await asyncio.wait_for(peer.reader.read(), 30) == b""

    run(main())


@pytest.mark.parametrize("pairs", [0, 1, 3])
def test_the_least_number_of_header_pairs(run: Run, pairs: int) -> None:
    async def main() -> None:
        async with (
            serving(hello, max_header_list_pairs=pairs) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            # the four pseudo-headers, and not one more
            assert await session.request().read() == b"hello"
            with pytest.raises(http2.StreamError):
                await session.request({"x": "1"}).response()
        async with (
            serving(lambda stream: stream.respond(end_stream=True, send_date=False)) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}", max_header_list_pairs=0) as session,
        ):
            assert (await session.request().response())[":status"] == 200
        with pytest.raises(http2.Http2Error):
            http2.create_server(max_header_list_pairs=-1)

    run(main())


@pytest.mark.row("session.socket")
def test_differences_that_stay(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port):
            session = await http2.connect(f"http://127.0.0.1:{port}")
            socket: Any = session.socket
            for name in ("destroy", "write", "set_no_delay", "set_timeout", "remote_port"):
                with pytest.raises(AttributeError):
                    setattr(socket, name, None)
            with pytest.raises(http2.Http2Error) as caught:
                session.settings({"foo": 1})
            assert caught.value.code == "ERR_INVALID_ARG_VALUE"
            for size, fits in ((2**31 - 1, True), (2**31, False), (2**32 - 1, False)):
                if fits:
                    await session.settings({"initial_window_size": size})
                else:
                    with pytest.raises(ValueError, match="initial_window_size"):
                        session.settings({"initial_window_size": size})
            await session.close()
            for which in (socket, session.socket):
                assert which.remote_port == port  # for the log of a listener of `close`
                with pytest.raises(http2.Http2Error) as caught:
                    which.get_extra_info("peername")
                assert caught.value.code == "ERR_HTTP2_SOCKET_UNBOUND"

    run(main())
