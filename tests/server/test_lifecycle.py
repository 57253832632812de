"""Clients that disconnect, in every phase and manner, and servers that close."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_CANCEL, NGHTTP2_NO_ERROR

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import (
    STREAM_EVENTS,
    Events,
    check_serves,
    eventually,
    hello,
    listening,
    serving,
)

SESSION_EVENTS = ("error", "close", "goaway", "frame_error")


class Vanishing:
    """A server that records its events about a client that is about to disconnect."""

    def __init__(self) -> None:
        self.session = Events()
        self.stream = Events()
        self.handler = Events()

    def watch(self, server: http2.Http2Server) -> None:
        """Record the events of the first session and its first stream."""
        server.once("session", self._session)
        self.session.listen(server, "session_error")
        server.once("stream", self._stream)

    def _session(self, session: http2.ServerHttp2Session) -> None:
        self.session.listen(session, *SESSION_EVENTS)

    def _stream(self, stream: http2.ServerHttp2Stream) -> None:
        self.stream.listen(stream, *STREAM_EVENTS)

    async def handle(self, stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
        """Read, or write, until the client disconnects; record the end."""
        path = headers[":path"]
        if path == "/hello":
            hello(stream)
            return
        self.handler.add("begun", stream)
        try:
            if path == "/read":
                await stream.read()
            else:
                stream.respond()
                while True:
                    stream.write(bytes(100_000))
                    await stream.drain()
        except asyncio.CancelledError:
            self.handler.add("cancelled")
            raise
        except Exception as error:
            self.handler.add("raised", error)
            raise


async def leave(peer: RawPeer, manner: str) -> None:
    """Disconnect: *manner* is ``reset`` (TCP RST), ``close`` or ``finish`` (FIN)."""
    await peer.flush()
    if manner == "reset":
        await peer.abort()
    elif manner == "close":
        await peer.close()
    else:
        peer.finish()
        await peer.bytes()  # HTTP/2 has no half-closed connection: the server ends it too
        await peer.close()


MANNERS = pytest.mark.parametrize("manner", ["reset", "close", "finish"])

# The client's data before it disconnects, after the exchange of SETTINGS.
EARLY = {
    "after SETTINGS": b"",
    "inside a frame header": raw.get()[:5],
    "inside HEADERS": raw.get()[:20],
    "between HEADERS and CONTINUATION": raw.headers(1, raw.request_fields(), end_headers=False),
    "inside a PING": raw.ping()[:12],
}


@pytest.mark.row("beyond.reset_kills_nothing")
@MANNERS
@pytest.mark.parametrize("sent", [0, 10], ids=["before the preface", "inside the preface"])
def test_gone_before_there_is_a_session(run: Run, manner: str, sent: int) -> None:
    async def main() -> None:
        vanishing = Vanishing()
        async with serving(vanishing.handle) as (server, port):
            vanishing.watch(server)
            peer = await RawPeer.dial(port)
            peer.send(raw.PREFACE[:sent])
            await eventually(lambda: len(server.open_connections.transports) == 1)
            await leave(peer, manner)
            await eventually(lambda: not server.open_connections.transports)
            assert vanishing.session.seen == []

    run(main())


@pytest.mark.row("beyond.reset_kills_nothing")
@MANNERS
@pytest.mark.parametrize("phase", EARLY)
def test_gone_before_the_first_request(run: Run, manner: str, phase: str) -> None:
    """Nothing is lost, so no error is emitted."""

    async def main() -> None:
        vanishing = Vanishing()
        async with serving(vanishing.handle) as (server, port):
            vanishing.watch(server)
            peer = await RawPeer.connect(port)
            peer.send(EARLY[phase])
            await leave(peer, manner)
            await vanishing.session.expect("close")
            assert vanishing.session.names == ["close"]
            assert vanishing.stream.seen == []

    run(main())


@pytest.mark.row("beyond.reset_kills_nothing")
@MANNERS
@pytest.mark.parametrize("partial", [False, True], ids=["between frames", "inside DATA"])
def test_gone_inside_the_request_body(run: Run, manner: str, partial: bool) -> None:
    async def main() -> None:
        vanishing = Vanishing()
        async with serving(vanishing.handle) as (server, port):
            vanishing.watch(server)
            peer = await RawPeer.connect(port)
            peer.send(raw.post(1, "/read"), raw.data(1, b"some"))
            if partial:
                peer.send(raw.data(1, bytes(100))[:50])
            stream = (await vanishing.handler.expect("begun"))[1]
            if not partial:
                await peer.answered()
            await leave(peer, manner)
            await check_ended(vanishing, stream, manner)
            assert vanishing.handler.names == ["begun", "cancelled"]
            await check_hello(port)

    run(main())


@pytest.mark.row("beyond.reset_kills_nothing", "stream.writable_length")
@MANNERS
def test_gone_inside_the_response_body(run: Run, manner: str) -> None:
    async def main() -> None:
        vanishing = Vanishing()
        async with serving(vanishing.handle) as (server, port):
            vanishing.watch(server)
            peer = await RawPeer.connect(port)
            peer.send(raw.get(1, "/write"))
            await peer.until(raw.DATA)
            stream = (await vanishing.handler.expect("begun"))[1]
            await leave(peer, manner)
            await check_ended(vanishing, stream, manner)
            await vanishing.handler.expect("cancelled")
            assert stream.writable_length == 0
            await check_hello(port)

    run(main())


async def check_ended(vanishing: Vanishing, stream: http2.ServerHttp2Stream, manner: str) -> None:
    """Stream and session have emitted their end: once, and in order."""
    await vanishing.session.expect("close")
    await vanishing.stream.expect("close")
    assert stream.aborted
    assert stream.destroyed
    assert stream.closed
    assert stream.session is None
    assert sorted(vanishing.session.names) == ["close", "error", "session_error"]
    error = (await vanishing.session.expect("error"))[1]
    assert isinstance(error, http2.ConnectionClosed)
    assert not error.retryable
    if error.__cause__ is None:
        # The kernel sends a reset if a socket with unread bytes is closed.
        assert manner != "reset"
        assert str(error) == "the peer closed the connection"
        assert stream.rst_code == NGHTTP2_CANCEL
        # Node's stream does not emit it
        assert sorted(vanishing.stream.names) == ["aborted", "close"]
    else:
        assert manner != "finish"
        assert isinstance(error.__cause__, ConnectionError)
        assert sorted(vanishing.stream.names) == ["aborted", "close", "error"]
        told = (await vanishing.stream.expect("error"))[1]
        assert isinstance(told, http2.ConnectionClosed)
        assert told.__cause__ is error.__cause__


async def check_hello(port: int) -> None:
    """Another client is served."""
    async with await RawPeer.connect(port) as peer:
        peer.send(raw.get(1, "/hello"))
        assert await peer.body(1) == b"hello"


@MANNERS
@pytest.mark.parametrize("how", ["read", "read(n)", "readexactly", "async for"])
def test_readers_are_told(run: Run, manner: str, how: str) -> None:
    """The reader of a body that ends early gets an error, never just an end."""

    async def read(stream: http2.ServerHttp2Stream) -> None:
        if how == "read":
            await stream.read()
        elif how == "read(n)":
            while await stream.read(3):
                pass
        elif how == "readexactly":
            await stream.readexactly(100)
        else:
            async for _ in stream:
                pass

    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port):
            peer = await RawPeer.connect(port)
            peer.send(raw.post(), raw.data(1, b"some"))
            stream = await streams.get()
            # a separate task of the test: the server does not cancel it
            reader = asyncio.ensure_future(read(stream))
            await peer.answered()
            await leave(peer, manner)
            with pytest.raises((http2.StreamError, ConnectionError)) as failure:
                await reader
            assert isinstance(failure.value, http2.ConnectionClosed)
            assert failure.value.error_code == NGHTTP2_CANCEL
            # later callers get the same
            with pytest.raises((http2.StreamError, ConnectionError)):
                await stream.read()

    run(main())


@MANNERS
def test_drain_is_told(run: Run, manner: str) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port):
            peer = await RawPeer.connect(port)
            peer.send(raw.get())
            stream = await streams.get()
            stream.respond()
            assert stream.write(bytes(1_000_000)) is False
            drained = asyncio.ensure_future(stream.drain())
            await peer.until(raw.DATA)
            await leave(peer, manner)
            with pytest.raises((http2.StreamError, ConnectionError)):
                await drained
            with pytest.raises(http2.Http2Error) as refused:
                stream.write(b"more")
            assert refused.value.code == "ERR_HTTP2_INVALID_STREAM"

    run(main())


@pytest.mark.parametrize("code", [0, 2, 7, 8])
def test_stream_reset_by_the_client(run: Run, code: int) -> None:
    async def main() -> None:
        vanishing = Vanishing()
        async with (
            serving(vanishing.handle) as (server, port),
            await RawPeer.connect(port) as peer,
        ):
            vanishing.watch(server)
            peer.send(raw.post(1, "/read"), raw.data(1, b"some"))
            stream = (await vanishing.handler.expect("begun"))[1]
            peer.send(raw.rst_stream(1, code))
            await vanishing.stream.expect("close")
            await vanishing.handler.expect("cancelled")
            assert stream.rst_code == code
            if code in (NGHTTP2_NO_ERROR, NGHTTP2_CANCEL):
                assert vanishing.stream.names == ["aborted", "close"]
            else:
                assert vanishing.stream.names == ["aborted", "error", "close"]
                assert vanishing.stream.seen[1][1].error_code == code
            # the connection continues
            peer.send(raw.get(3, "/hello"))
            assert await peer.body(3) == b"hello"
            # a reset gets no answer
            assert raw.RST_STREAM not in [got.type for got in peer.seen]

    run(main())


@pytest.mark.row("beyond.reset_kills_nothing")
def test_many_vanish_at_once(run: Run) -> None:
    async def main() -> None:
        vanishing = Vanishing()
        async with serving(vanishing.handle) as (server, port):
            peers = [await RawPeer.connect(port) for _ in range(30)]
            for index, peer in enumerate(peers):
                peer.send(raw.get(1, "/write"), raw.post(3, "/read"), raw.get(5, "/hello"))
                if index % 3:
                    await peer.until(raw.DATA)
            await vanishing.handler.expect("begun", 60)
            async with asyncio.TaskGroup() as group:
                for index, peer in enumerate(peers):
                    group.create_task(leave(peer, ["reset", "close", "finish"][index % 3]))
            await eventually(lambda: not server.open_connections and not server._sessions)
            await vanishing.handler.expect("cancelled", 60)
            await check_hello(port)

    run(main())


# --- servers that close ---------------------------------------------------------------------


@pytest.mark.row("server.close", "server.event.close")
def test_close_waits_for_sessions_and_takes_no_new_ones(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", hello)
        events = Events()
        events.listen(server, "listening", "close")
        async with listening(server) as port:
            assert server.listening
            peer = await RawPeer.connect(port)
            peer.send(raw.get())
            assert await peer.body(1) == b"hello"
            closing = asyncio.ensure_future(_awaited(server.close()))
            assert not server.listening
            assert server.address() is None
            # the other client is still served
            peer.send(raw.get(3))
            assert await peer.body(3) == b"hello"
            with pytest.raises(ConnectionRefusedError):
                await RawPeer.dial(port)
            assert not closing.done()
            assert events.names == ["listening"]
            await peer.close()
            await closing
            assert events.names == ["listening", "close"]
            await server.close()  # no effect the second time
            assert events.names == ["listening", "close"]

    run(main())


async def _awaited(completion: Any) -> None:
    await completion


@pytest.mark.row("rule.dispose", "server.dispose")
def test_async_with_says_goaway_and_lets_streams_finish(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        server = http2.create_server()
        server.on("stream", streams.put_nowait)
        await server.listen(0, "127.0.0.1")
        port = server.address()[1]
        async with server:
            idle = await RawPeer.connect(port)
            busy = await RawPeer.connect(port)
            busy.send(raw.get())
            stream = await streams.get()
            finishing = asyncio.ensure_future(finish_when_told(busy, stream))
            leaving = asyncio.ensure_future(leave_when_told(idle))
        await asyncio.gather(finishing, leaving)

    async def leave_when_told(peer: RawPeer) -> None:
        last = (await peer.rest())[-1]
        assert (last.type, last.code, last.last_stream_id) == (raw.GOAWAY, NGHTTP2_NO_ERROR, 0)
        await peer.close()

    async def finish_when_told(peer: RawPeer, stream: http2.ServerHttp2Stream) -> None:
        goodbye = await peer.until(raw.GOAWAY)
        assert (goodbye.code, goodbye.last_stream_id) == (NGHTTP2_NO_ERROR, 1)
        stream.respond()
        stream.end("finished")
        assert await peer.body(1) == b"finished"
        await peer.rest()
        await peer.close()

    run(main())


def test_async_with_does_not_wait_for_silent_connections(run: Run) -> None:
    """A client that has sent nothing loses nothing."""

    async def main() -> None:
        server = http2.create_server()
        await server.listen(0, "127.0.0.1")
        port = server.address()[1]
        async with asyncio.timeout(raw.PATIENCE):
            async with server:
                silent = await RawPeer.dial(port)
                slow = await RawPeer.dial(port)
                slow.send(raw.PREFACE[:7])
                await eventually(lambda: len(server.open_connections.transports) == 2)
        assert await silent.bytes() == b""
        await silent.close()
        await slow.close()

    run(main())


def test_async_with_that_fails_destroys_sessions(run: Run) -> None:
    async def main() -> None:
        handler = Vanishing()
        server = http2.create_server()
        server.on("stream", handler.handle)
        await server.listen(0, "127.0.0.1")
        peers: list[RawPeer] = []
        with pytest.raises(ZeroDivisionError):
            await fail_inside(server, handler, peers)
        [peer] = peers
        await peer.rest()
        await peer.close()
        assert handler.handler.names == ["begun", "cancelled"]

    run(main())


async def fail_inside(server: http2.Http2Server, handler: Vanishing, peers: list[RawPeer]) -> None:
    async with server:
        peer = await RawPeer.connect(server.address()[1])
        peers.append(peer)
        peer.send(raw.post(1, "/read"))
        await handler.handler.expect("begun")
        raise ZeroDivisionError


@pytest.mark.row("server.serve_forever")
def test_serve_forever_until_closed(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", hello)
        await server.listen(0, "127.0.0.1")
        forever = asyncio.ensure_future(server.serve_forever())
        await check_serves(server.address()[1])
        server.close()
        await forever

    run(main())


def test_serve_forever_until_cancelled(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", hello)
        events = Events()
        events.listen(server, "listening", "close")
        await server.listen(0, "127.0.0.1")
        forever = asyncio.ensure_future(server.serve_forever())
        peer = await RawPeer.connect(server.address()[1])
        silent = await RawPeer.dial(server.address()[1])
        await eventually(lambda: len(server.open_connections.transports) == 2)
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forever
        assert (await peer.rest())[-1].type == raw.GOAWAY
        assert await silent.bytes() == b""
        await events.expect("close")
        await peer.close()
        await silent.close()

    run(main())


def test_serve_forever_listens_by_itself(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        events = Events()
        events.listen(server, "listening", "close")
        forever = asyncio.ensure_future(server.serve_forever())
        await events.expect("listening")
        assert server.address()[1] > 0
        server.close()
        await forever
        assert events.names == ["listening", "close"]

    run(main())


def test_a_closed_server_listens_again(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", hello)
        for _ in range(2):
            await server.listen(0, "127.0.0.1")
            with pytest.raises(RuntimeError):
                await server.listen(0, "127.0.0.1")
            await check_serves(server.address()[1])
            await server.close()

    run(main())


def test_a_peer_that_reads_nothing_does_not_keep_a_closing_socket(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data that cannot be sent is dropped after a while, and the socket is closed."""
    monkeypatch.setattr("http2.net.lingering_close.STUCK", 0.05)

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            stream.end(bytes(30_000_000))

        async with serving(respond) as (server, port):
            sessions = Events()
            sessions.listen(server, "session")
            peer = await RawPeer.dial(port)
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            peer.send(raw.PREFACE, raw.settings({4: 2**31 - 1}))
            peer.send(raw.window_update(0, 2**31 - 1 - 65535), raw.get())
            session = (await sessions.expect("session"))[1]
            await eventually(lambda: session.write_paused)
            session.destroy()
            await eventually(lambda: not server.open_connections.transports)
            await peer.close()

    run(main())
