"""Data for a stream that was closed here is returned to the connection's window."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import http2
from http2.constants import NGHTTP2_CANCEL
from http2.engine.connection import Connection

from ..support import raw
from ..support.filing import pattern
from ..support.peers import Peer, start_nghttpd, starting, tls_options
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import hello, listening, serving

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module", params=["clear", "tls"])
def nghttpd(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    certificate: Certificate,
) -> Iterator[Peer]:
    """A file of 1 MiB behind nghttpd, in a separate process."""
    root: Path = tmp_path_factory.mktemp("root")
    (root / "file").write_bytes(pattern(MEGABYTE))
    with starting() as start:
        secure = request.param == "tls"
        yield start_nghttpd(start, root, certificate=certificate if secure else None)


async def check_whole(session: http2.ClientHttp2Session) -> None:
    """Check that the connection's window is complete for the next download."""
    stream = session.request({":path": "/file"})
    async with asyncio.timeout(30):
        assert await stream.read() == pattern(MEGABYTE)


@pytest.mark.interop
def test_downloads_that_are_given_up(run: Run, nghttpd: Peer) -> None:
    """A hundred reads that time out during a body, then a whole body."""

    async def main() -> None:
        async with http2.connect(nghttpd.origin, **tls_options(nghttpd)) as session:
            for _ in range(100):
                stream = session.request({":path": "/file"})
                try:
                    async with asyncio.timeout(0.003):
                        await stream.read()
                except TimeoutError:
                    await stream.close(NGHTTP2_CANCEL)
            await check_whole(session)

    run(main())


@pytest.mark.interop
def test_requests_that_run_out_of_time(run: Run, nghttpd: Peer) -> None:
    """The session itself resets them, because of `request_timeout`."""

    async def main() -> None:
        options = {"request_timeout": 0.005, **tls_options(nghttpd)}
        async with http2.connect(nghttpd.origin, **options) as session:
            # The first window of the body is not read; the data after it arrives too late.
            session.set_local_window_size(MEGABYTE)
            for _ in range(60):
                stream = session.request({":path": "/file"})
                with contextlib.suppress(http2.StreamTimeoutError):
                    await stream.read()
            await asyncio.sleep(0.05)
            state = session.state
            assert state.local_window_size > MEGABYTE // 2 - 20_000, state

    run(main())


@pytest.mark.parametrize("padding", [0, 200])
def test_uploads_that_a_server_gives_up(run: Run, certificate: Certificate, padding: int) -> None:
    """The client's data until it gets the reset is returned, including padding."""

    async def main() -> None:
        def refuse(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":method"] == "GET":
                hello(stream)
            else:
                stream.close(NGHTTP2_CANCEL)

        async with serving(refuse) as (_, port), await raw.RawPeer.connect(port) as peer:
            window = 65535
            received = 0
            for stream_id in range(1, 101, 2):
                peer.send(raw.post(stream_id))
                await peer.until(raw.RST_STREAM, stream_id)
                chunk = bytes(8000)
                if padding:
                    payload = bytes([padding]) + chunk + bytes(padding)
                    sent = raw.frame(raw.DATA, raw.PADDED, stream_id, payload)
                else:
                    sent = raw.data(stream_id, chunk)
                peer.send(sent)
                window -= len(sent) - 9
                await peer.answered()
                for got in peer.seen:
                    if got.type == raw.WINDOW_UPDATE and got.stream_id == 0:
                        received += int.from_bytes(got.payload)
                peer.seen.clear()
                assert window + received > 65535 // 2 - 2 * 8210  # data on its way
            peer.send(raw.get(201))
            assert (await peer.until(raw.HEADERS, 201)).status == 200

    run(main())


def test_pushes_that_a_client_refuses() -> None:
    """DATA of a cancelled pushed stream counts only for the connection's window."""
    server, client = Connection(False), Connection(True)
    server.submit_settings([])
    client.submit_settings([])

    def exchange() -> list[tuple[int, int, object, object]]:
        """Exchange data until neither side sends more; return what the client has received."""
        heard: list[tuple[int, int, object, object]] = []
        while True:
            to_server = b"".join(client.data_to_send())
            server.receive(to_server)
            to_client = b"".join(server.data_to_send())
            heard += client.receive(to_client)
            if not to_server and not to_client:
                return heard

    exchange()
    parent, _, _ = client.submit_request({}, "localhost", "http")
    exchange()
    server.submit_response(parent, {})
    for _ in range(50):
        promised, _ = server.submit_push_promise(parent, {":path": "/pushed"}, "localhost", "http")
        server.submit_response(promised, {})
        server.write(promised, bytes(5000), True)
        # the client resets it at once, but the body is already on its way
        on_its_way = b"".join(server.data_to_send())
        client.receive(on_its_way[: on_its_way.index(b"\x00\x13\x88\x00")])
        client.reset(promised, NGHTTP2_CANCEL)
        client.receive(on_its_way[on_its_way.index(b"\x00\x13\x88\x00") :])
        exchange()
        assert client.state()["local_window_size"] > 65535 // 2 - 1
    server.write(parent, bytes(40_000), True)
    exchange()


def test_an_unread_half_holds_the_sender_back(run: Run) -> None:
    """A cancelled stream is no exception: an unread body keeps its share of the window."""

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            stream.respond()
            stream.end(bytes(300_000))

        server = http2.create_server()
        server.on("stream", respond)
        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}", max_receive_window=0) as session,
        ):
            unread = session.request()
            await unread.response()
            for _ in range(20):
                stream = session.request()
                await stream.response()
                await stream.close(NGHTTP2_CANCEL)
                await session.ping()
            state = session.state
            assert state.effective_recv_data_length >= 65535 // 2
            assert state.effective_local_window_size == 65535
            assert len(await unread.read()) == 300_000

    run(main())


@pytest.mark.parametrize("code", [http2.constants.NGHTTP2_NO_ERROR, NGHTTP2_CANCEL])
@pytest.mark.parametrize("listening_too", [False, True])
def test_closing_a_complete_stream_waits_for_no_reader(
    run: Run, code: int, listening_too: bool
) -> None:
    """The whole response has arrived when `close` is called; a late reader still gets it."""

    async def main() -> None:
        async with (
            serving(hello) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request()
            closed = []
            if listening_too:
                stream.on("close", lambda: closed.append(stream))
            await stream.response()
            await session.ping()
            async with asyncio.timeout(30):
                await stream.close(code)
            assert stream.destroyed
            assert closed == [stream] * listening_too
            assert await stream.read() == b"hello"

    run(main())
