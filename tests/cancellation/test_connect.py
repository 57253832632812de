"""A cancelled `connect` leaves no connection, whatever turn of the loop it is cancelled in."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import eventually, hello
from ..support.sessions import refused

WAYS = ("clear", "name", "tls", "unix", "pair", "socket")
# A connection in the clear needs up to 6 turns for most of its life; TLS needs more.
TURNS = 12

Connect = Callable[[], http2.ClientHttp2Session]


@contextlib.asynccontextmanager
async def reached(way: str, certificate: Certificate) -> AsyncIterator[tuple[Any, Connect]]:
    """A server, and a client that connects in that *way*."""
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {}
    server: http2.Http2Server
    if way == "tls":
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        options["ca"] = certificate.cert
    else:
        server = http2.create_server()
    server.on("stream", hello)
    folder = tempfile.TemporaryDirectory()
    if way == "unix":
        options["path"] = str(Path(folder.name) / "socket")
        await server.listen(path=options["path"])
        port = 0
    else:
        await server.listen(0, "127.0.0.1")
        port = server.address()[1]

    async def pair(url: Any, _: Any) -> Any:
        return await asyncio.open_connection("127.0.0.1", port)

    async def connected(url: Any, _: Any) -> Any:
        sock = socket.socket()
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, ("127.0.0.1", port))
        except BaseException:
            sock.close()
            raise
        return sock

    if way in ("pair", "socket"):
        options["create_connection"] = pair if way == "pair" else connected
    host = "localhost" if way == "name" else "127.0.0.1"
    scheme = "https" if way == "tls" else "http"
    with folder:
        try:
            yield server, lambda: http2.connect(f"{scheme}://{host}:{port}", **options)
        finally:
            await server.close(timeout=5)


async def block(connect: Connect) -> None:
    """Connect, and make a request."""
    async with connect() as session:
        await session.request().read()


async def awaited(connect: Connect) -> None:
    """Connect without a block."""
    session = await connect()
    try:
        await asyncio.sleep(3600)
    finally:
        session.destroy()


@pytest.mark.slow
@pytest.mark.row("beyond.cancelled_connect")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("life", [block, awaited])
def test_cancelled_lives(run: Run, certificate: Certificate, way: str, life: Any) -> None:
    async def main() -> None:
        async with reached(way, certificate) as (server, connect):
            before = asyncio.all_tasks()
            lives = []
            for turns in range(TURNS):
                for _ in range(3):
                    task = asyncio.ensure_future(life(connect))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    task.cancel()
                    lives.append(task)
                # what the handshake takes beyond turns of the loop
                await asyncio.sleep(0.0005 * turns)

            await asyncio.gather(*lives, return_exceptions=True)
            assert all(task.cancelled() or task.exception() is None for task in lives)
            # the server need not close: its clients have disconnected themselves
            await eventually(lambda: not server.open_connections and not server._sessions)
            await eventually(lambda: asyncio.all_tasks() == before)
            await block(connect)

    run(main())


@pytest.mark.parametrize("way", WAYS)
def test_timed_out_lives(run: Run, certificate: Certificate, way: str) -> None:
    async def main() -> None:
        async with reached(way, certificate) as (server, connect):
            for milliseconds in range(20):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(milliseconds / 5000):
                        await awaited(connect)
            await eventually(lambda: not server.open_connections and not server._sessions)

    run(main())


def test_nobody_else_is_disturbed(run: Run, certificate: Certificate) -> None:
    """One of several waiting callers is cancelled: the others get the session."""

    async def main() -> None:
        async def wait(session: http2.ClientHttp2Session) -> http2.ClientHttp2Session:
            return await session

        async with reached("clear", certificate) as (_, connect):
            for turns in range(8):
                session = connect()
                leaves, stays = (asyncio.ensure_future(wait(session)) for _ in range(2))
                for _ in range(turns):
                    await asyncio.sleep(0)
                leaves.cancel()
                assert await stays is session
                assert await session.request().read() == b"hello"
                # and a later cancellation does not end an established session
                late = asyncio.ensure_future(wait(session))
                await asyncio.sleep(0)
                late.cancel()
                assert await session.request().read() == b"hello"
                await session.close()

    run(main())


def test_what_a_handle_says_of_it(run: Run) -> None:
    """`wait_for` cancels the attempt; waiting requests fail and can be repeated."""

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
            port = silent.getsockname()[1]
            dialled = asyncio.get_running_loop().create_future()

            async def dial(url: Any, options: Any) -> Any:
                try:
                    await asyncio.sleep(3600)
                finally:
                    dialled.set_result("given up")

            session = http2.connect(f"http://127.0.0.1:{port}", create_connection=dial)
            request = session.request()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(session, 0.05)
            assert session.destroyed
            assert await dialled == "given up"
            with pytest.raises(http2.Http2Error) as caught:
                await request.response()
            assert caught.value.retryable
            refused("ERR_HTTP2_INVALID_SESSION", session.request)
            with pytest.raises(http2.Http2Error):
                await session
            await session.close()

    run(main())


def test_end_of_a_block_that_is_cancelled(run: Run) -> None:
    """An endless response keeps the block open until its deadline, and no longer."""

    async def main() -> None:
        server = http2.create_server()
        server.on("stream", lambda stream: stream.respond())
        await server.listen(0, "127.0.0.1")
        session = http2.connect(f"http://127.0.0.1:{server.address()[1]}")

        async def life() -> None:
            async with session:
                await session.request().response()

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(life(), 0.1)
        assert session.destroyed
        await session.close()
        await server.close(timeout=5)

    run(main())
