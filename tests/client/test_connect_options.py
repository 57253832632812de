"""Options of `connect`: addresses, sockets, names; and its limits with a raw server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.peers import happening
from ..support.raw import RawPeer
from ..support.running import Run, free_port
from ..support.self_signed import Certificate
from ..support.serving import hello, listening, serving
from ..support.tls import secure


async def fetch(session: http2.ClientHttp2Session) -> bytes:
    """The body of GET /."""
    stream = session.request()
    assert (await stream.response())[":status"] == 200
    return await stream.read()


# --- where to ------------------------------------------------------------------------------


@pytest.mark.row("connect.option.path", "server.listen.option.path")
def test_unix_socket(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", lambda stream, headers: stream.end(headers[":authority"]))
        path = str(tmp_path / "socket")
        await server.listen(path=path)
        assert server.address() == path
        async with server, http2.connect("http://example.org:81", path=path) as session:
            assert await fetch(session) == b"example.org:81"
            assert session.socket.remote_address == path
            assert session.socket.remote_port is None

    run(main())


@pytest.mark.row("connect.option.local_addr")
def test_local_addr(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port):
            mine = ("127.0.0.3", free_port())
            async with http2.connect(f"http://127.0.0.1:{port}", local_addr=mine) as session:
                socket = session.socket
                assert (socket.local_address, socket.local_port) == mine
                assert await fetch(session) == b"hello"

    run(main())


@pytest.mark.row("connect.option.family")
def test_family(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", hello)
        await server.listen(0, "::1")
        port = server.address()[1]
        async with server:
            url = f"http://localhost:{port}"
            async with http2.connect(f"http://[::1]:{port}", family=socket.AF_INET6) as session:
                assert session.socket.remote_address == "::1"
                assert await fetch(session) == b"hello"
            with pytest.raises(OSError, match=r"."):  # no server listens on IPv4
                await http2.connect(url, family=socket.AF_INET)

    run(main())


@pytest.mark.row("connect.option.happy_eyeballs_delay")
def test_happy_eyeballs_delay(run_asyncio: Run) -> None:
    """The first address never answers; the second one is tried after the delay."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        resolve = loop.getaddrinfo
        dead = socket.create_server(("127.0.0.1", 0), backlog=0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:  # its queue is full: further clients wait for ever
            filler.setblocking(False)
            filler.connect_ex(dead.getsockname())

        async with serving(hello) as (_, port):

            async def both(*_: Any, **__: Any) -> list[Any]:
                return [
                    (socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
                    for address in (dead.getsockname(), ("127.0.0.1", port))
                ]

            setattr(loop, "getaddrinfo", both)  # noqa: B010
            session = http2.connect(f"http://two.test:{port}", happy_eyeballs_delay=0.05)
            async with session:
                assert session.socket.remote_port == port
                assert await fetch(session) == b"hello"
            setattr(loop, "getaddrinfo", resolve)  # noqa: B010
        for each in (dead, *fillers):
            each.close()

    run_asyncio(main())  # on uvloop, names are resolved by the loop itself


@pytest.mark.row("connect.option.protocol")
def test_protocol(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        async with (
            serving(hello) as (_, port),
            http2.connect(f"127.0.0.1:{port}", protocol="http:") as session,
        ):
            assert not session.encrypted
            assert await fetch(session) == b"hello"
        async with (
            listening(secure(cert=certificate.cert, key=certificate.key)) as port,
            http2.connect(f"127.0.0.1:{port}", ca=certificate.cert) as session,
        ):
            assert session.encrypted  # https: is the default

    run(main())


# --- limits --------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def raw_server(values: dict[int, int] | None = None, **options: Any) -> AsyncIterator[Any]:
    """A session, and the raw server at its other end."""
    accepted: asyncio.Queue[RawPeer] = asyncio.Queue()
    server = await asyncio.start_server(
        lambda reader, writer: accepted.put_nowait(RawPeer(reader, writer)), "127.0.0.1", 0
    )
    session = http2.connect(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", **options)
    session.on("error", lambda error: None)
    await session
    peer = await accepted.get()
    assert await peer.reader.readexactly(len(raw.PREFACE)) == raw.PREFACE
    try:
        if values is not None:
            peer.send(raw.settings(values))
        yield session, peer
    finally:
        session.destroy()
        await peer.close()
        await session.close()
        server.close()
        await server.wait_closed()


def response(count: int) -> list[tuple[str, str]]:
    """Return the fields of a response, *count* of them."""
    return [(":status", "200"), *((f"x-{n}", "1") for n in range(count - 1))]


@pytest.mark.row("connect.option.settings")
def test_settings(run: Run) -> None:
    async def main() -> None:
        settings = {"enable_push": False, "initial_window_size": 100_000}
        async with raw_server({}, settings=settings) as (session, peer):
            assert (await peer.until(raw.SETTINGS)).settings == {2: 0, 4: 100_000}
            peer.send(raw.settings(ack=True))
            await happening(session, "local_settings")
            assert session.local_settings.initial_window_size == 100_000

    run(main())


@pytest.mark.row("connect.option.peer_max_concurrent_streams")
def test_peer_max_concurrent_streams(run: Run) -> None:
    """The limit applies until the server has announced its own."""

    async def main() -> None:
        async with raw_server(peer_max_concurrent_streams=2) as (session, peer):
            streams = [session.request() for _ in range(5)]
            await peer.until(raw.HEADERS, 3)
            session.ping(b"sent now")
            await peer.until(raw.PING)
            seen = [got.stream_id for got in peer.seen if got.type == raw.HEADERS]
            assert seen == [1, 3]
            peer.send(raw.settings({3: 100}))
            await peer.until(raw.HEADERS, 9)
            for stream in streams:
                peer.send(raw.headers(stream.id, response(1), end_stream=True))
                assert await stream.read() == b""

    run(main())


@pytest.mark.row("connect.option.padding_strategy")
@pytest.mark.parametrize("strategy", [0, 1, 2])
def test_padding_strategy(run: Run, strategy: int) -> None:
    async def main() -> None:
        async with raw_server({}, padding_strategy=strategy) as (session, peer):
            session.request({":method": "POST"}).end(b"hello")
            got = await peer.until(raw.DATA, 1)
            sizes = {0: 5, 1: 7, 2: 5 + 256}
            assert len(got.payload) == sizes[strategy]

    run(main())


@pytest.mark.row("connect.option.max_deflate_dynamic_table_size")
@pytest.mark.parametrize("size", [0, 4096])
def test_max_deflate_dynamic_table_size(run: Run, size: int) -> None:
    async def main() -> None:
        async with raw_server({}, max_deflate_dynamic_table_size=size) as (session, peer):
            session.request({"x-new": "is kept in the table"})
            await peer.until(raw.HEADERS, 1)
            assert (session.state.deflate_dynamic_table_size > 0) is (size > 0)

    run(main())
