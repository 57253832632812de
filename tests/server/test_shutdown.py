"""`Http2Server.close` with a deadline: two GOAWAYs, no lost request, and an end in any case."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.lingering import no_other_deadline
from ..support.raw import RawPeer
from ..support.running import Run, node
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, hello
from ..support.sessions import refused
from ..support.tls import ByHand, trusting

NOTICE = 2**31 - 1


async def start(on_stream: Any, certificate: Certificate | None = None) -> tuple[Any, int]:
    server: http2.Http2Server
    if certificate is None:
        server = http2.create_server()
    else:
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
    server.on("stream", on_stream)
    await server.listen(0, "127.0.0.1")
    return server, server.address()[1]


def check_nothing_left(server: http2.Http2Server) -> None:
    assert not server._sessions
    assert not server.open_connections.transports
    assert not server._tasks


@pytest.mark.row("server.close.option.timeout", "beyond.shutdown")
def test_request_under_way_is_served(run: Run) -> None:
    """A request that crosses the first GOAWAY is accepted; the last GOAWAY includes it."""

    async def main() -> None:
        server, port = await start(hello)
        async with await RawPeer.connect(port) as peer:
            peer.send(raw.get(1))
            assert await peer.body(1) == b"hello"
            closed = asyncio.ensure_future(_wait(server.close(timeout=20)))
            notice = await peer.until(raw.GOAWAY)
            assert (notice.last_stream_id, notice.code) == (NOTICE, 0)
            ping = await peer.until(raw.PING, test=lambda got: not got.flags & raw.ACK)
            peer.send(raw.get(3))  # sent before the GOAWAY was read
            assert await peer.body(3) == b"hello"
            assert not closed.done()
            peer.send(raw.ping(ping.payload, ack=True))
            last = await peer.until(raw.GOAWAY)
            assert (last.last_stream_id, last.code) == (3, 0)
            await peer.rest()
        await closed
        check_nothing_left(server)

    run(main())


async def _wait(awaitable: Any) -> None:
    await awaitable


def test_streams_finish_and_new_ones_are_refused(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        server, port = await start(streams.put_nowait)
        session = http2.connect(f"http://127.0.0.1:{port}")
        request = session.request()
        stream = await streams.get()
        goaways: list[int] = []
        session.on("goaway", lambda code, last_stream_id: goaways.append(last_stream_id))
        closing = server.close(timeout=20)
        assert not server.listening
        await eventually(lambda: session.closed)
        refused("ERR_HTTP2_GOAWAY_SESSION", session.request)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        stream.end("to the end")
        assert await request.read() == b"to the end"
        await closing
        await session.close()
        assert goaways[0] == NOTICE
        assert set(goaways[1:]) <= {1}
        check_nothing_left(server)

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("how", ["idle", "active"])
def test_node_client_leaves_in_order(run: Run, how: str) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        server, port = await start(streams.put_nowait)
        events = Events()
        server.on("session", lambda session: events.listen(session, "ping"))
        client = asyncio.ensure_future(node("client/leaves.js", str(port), how))
        if how == "active":
            stream = await streams.get()
        else:
            await events.expect("ping")
        closing = server.close(timeout=20)
        if how == "active":
            stream.end("late")
        await closing
        seen = await client
        assert seen["events"][0] == ["goaway", 0, NOTICE]
        assert seen["events"][-1] == ["close"]
        assert all(event[0] != "error" for event in seen["events"])
        if how == "active":
            assert seen["stream"] == [["response"], ["end"], ["close"]]
        check_nothing_left(server)

    run(main())


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("how", ["idle", "unanswered", "silent", "stalled", "uploading"])
def test_deadline_ends_every_kind_of_client(
    run: Run, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, how: str, tls: bool
) -> None:
    """Handlers that do not answer, clients that do not read: the deadline ends them."""
    no_other_deadline(monkeypatch)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        events = Events()

        async def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            events.add("stream", stream)
            events.listen(stream, "aborted", "close")
            if how == "stalled":
                stream.end(bytes(20_000_000))
            elif how == "uploading":
                await stream.read()
            else:
                await asyncio.sleep(1000)

        server, port = await start(respond, certificate if tls else None)
        context = trusting(certificate, "h2") if tls else None
        if how == "silent":
            peer = await RawPeer.dial(port, context)
        else:
            values = {4: 2**31 - 1} if how == "stalled" else None
            peer = await RawPeer.connect(port, context, values)
            if how == "stalled":
                peer.send(raw.window_update(0, 2**31 - 1 - 65535))
                peer.writer.transport.pause_reading()
            if how != "idle":
                peer.send(raw.get(1) if how != "uploading" else raw.post(1))
                await events.expect("stream")
        began = loop.time()
        await server.close(timeout=0.2)
        assert loop.time() - began < 20
        check_nothing_left(server)
        if how not in ("idle", "silent"):
            assert "close" in events.names
            assert ("aborted" in events.names) is (how != "stalled")
        peer.writer.transport.abort()
        await peer.close()

    run(main())


def test_connection_during_the_shutdown(run: Run, certificate: Certificate) -> None:
    """A TLS handshake that ends meanwhile begins a session, which is closed at once."""

    async def main() -> None:
        server, port = await start(hello, certificate)
        holder = await RawPeer.connect(port, trusting(certificate, "h2"))
        late = await RawPeer.dial(port)
        silent = await RawPeer.dial(port)
        handshake = ByHand(late, trusting(certificate, "h2"))
        late.send(handshake.begin())
        await eventually(
            lambda: (
                len(server.open_connections.transports) == 3
                and len(server.open_connections.handshakes) == 1
            )
        )
        closing = asyncio.ensure_future(_wait(server.close(timeout=1)))
        await holder.until(raw.GOAWAY)
        assert await silent.bytes() == b""  # a client that has sent nothing loses nothing
        late.send(await handshake.finish())
        late.send(handshake.encrypt(raw.PREFACE + raw.settings()))
        goaway = bytes((0, 0, 8, raw.GOAWAY, 0, 0, 0, 0, 0)) + NOTICE.to_bytes(4, "big")
        await handshake.until(goaway)
        await closing
        check_nothing_left(server)
        await holder.close()
        await late.close()
        await silent.close()
        assert not server.open_connections.handshakes

    run(main())


def test_deadline_of_nothing_and_arguments(run: Run) -> None:
    async def main() -> None:
        server, port = await start(hello)
        for wrong in ("1", True):
            refused("ERR_INVALID_ARG_TYPE", server.close, timeout=wrong)
        refused("ERR_OUT_OF_RANGE", server.close, timeout=-1)
        assert server.listening
        async with await RawPeer.connect(port) as peer:
            waiting = server.close()  # would wait for ever
            await server.close(timeout=0)
            await waiting
            assert (await peer.rest())[-1].type == raw.GOAWAY
        await server.close(timeout=5)  # closed already
        check_nothing_left(server)

        # and it starts again
        await server.listen(0, "127.0.0.1")
        async with http2.connect(f"http://127.0.0.1:{server.address()[1]}") as session:
            assert await session.request().read() == b"hello"
        await server.close(timeout=5)

    run(main())


def test_handlers_that_go_on_after_their_streams(run: Run) -> None:
    async def main() -> None:
        cancelled = asyncio.Event()

        async def linger(stream: http2.ServerHttp2Stream) -> None:
            stream.end("done")
            try:
                await asyncio.sleep(1000)
            finally:
                cancelled.set()

        server, port = await start(linger)
        async with http2.connect(f"http://127.0.0.1:{port}") as session:
            assert await session.request().read() == b"done"
        await server.close(timeout=0.1)
        assert cancelled.is_set()
        check_nothing_left(server)

    run(main())


def test_reset_of_a_request_that_was_never_sent(run: Run) -> None:
    """As HAProxy does when GOAWAY crosses a request: no error, because nothing is lost."""

    async def main() -> None:
        server, port = await start(hello)
        events = Events()
        events.listen(server, "session", "session_error")
        async with await RawPeer.connect(port) as peer:
            session = (await events.expect("session"))[1]
            events.listen(session, "error")
            closing = server.close(timeout=20)
            ping = await peer.until(raw.PING)
            peer.send(raw.ping(ping.payload, ack=True), raw.rst_stream(1, 0))
            last = [got for got in await peer.rest() if got.type == raw.GOAWAY][-1]
            assert last.last_stream_id == 0
        await closing
        assert events.names == ["session"]
        check_nothing_left(server)

    run(main())


def test_reset_of_an_idle_stream_is_an_error_otherwise(run: Run) -> None:
    """RFC 9113 section 5.1."""

    async def main() -> None:
        server, port = await start(hello)
        events = Events()
        events.listen(server, "session_error")
        async with await RawPeer.connect(port) as peer:
            peer.send(raw.rst_stream(1, 0))
            assert (await peer.until(raw.GOAWAY)).code == http2.constants.NGHTTP2_PROTOCOL_ERROR
            peer.finish()
            await events.expect("session_error")
        await server.close(timeout=20)

    run(main())
