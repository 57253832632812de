"""Output to the socket: directly as far as the socket accepts it, and the rest in order."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from asyncio import selector_events
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events, check_serves, eventually, hello, serving

MIB = 2**20
# More than the kernel's buffers of both sides hold.
BODY = os.urandom(MIB) * 24
WIDE = {4: 2**30}


def send_body(stream: http2.ServerHttp2Stream) -> None:
    stream.respond({":status": 200})
    stream.end(BODY)


@asynccontextmanager
async def asked(server: http2.Http2Server, reader: Any, writer: Any) -> AsyncIterator[RawPeer]:
    """A client that has requested BODY and reads nothing, until the server waits for it."""
    async with RawPeer(reader, writer) as peer:
        # read nothing of the response until the test does
        writer.transport.pause_reading()
        peer.send(raw.PREFACE, raw.settings(WIDE), raw.window_update(0, 2**30), raw.get())
        await eventually(lambda: any(session.write_paused for session in server._sessions))
        yield peer
        writer.transport.close()


async def all_of_it(peer: RawPeer) -> bytes:
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
    parts = []
    while True:
        frame = await peer.frame()
        assert frame is not None
        if frame.type == raw.DATA:
            parts.append(frame.payload)
            if frame.ends_stream:
                return b"".join(parts)


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_a_peer_that_reads_late_gets_all_of_it_in_order(
    run: Run, tmp_path: Path, unix: bool
) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", send_body)
        path = str(tmp_path / "socket")
        async with server:
            if unix:
                await server.listen(path=path)
                ends = await asyncio.open_unix_connection(path, limit=65536)
            else:
                await server.listen(0, "127.0.0.1")
                ends = await asyncio.open_connection(*server.address(), limit=65536)
            async with asked(server, *ends) as peer:
                (session,) = server._sessions
                assert session.engine is not None
                # it waits: nothing is gathered or written
                gathered = session.engine.bytes_sent
                for _ in range(50):
                    await asyncio.sleep(0)
                assert session.engine.bytes_sent == gathered < len(BODY)
                assert await all_of_it(peer) == BODY
                assert not session.write_paused

    run(main())


def test_a_peer_that_leaves_while_it_is_written_to(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        events = Events()
        async with serving(send_body) as (server, port):
            server.on("session", lambda session: events.listen(session, "error", "close"))
            ends = await asyncio.open_connection("127.0.0.1", port)
            async with asked(server, *ends) as peer:
                await peer.abort()
                await events.expect("close")
            await asyncio.sleep(0)
            assert events.names.count("close") == 1
            assert events.names.count("error") <= 1
            assert not server._sessions

    with caplog.at_level(logging.WARNING):
        run(main())
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_what_a_socket_takes_is_no_business_of_its_transport(
    run_asyncio: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call of asyncio costs more than the write; with several chunks, 3.11 joins them."""
    written: list[int] = []
    kind = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    for name in ("write", "writelines"):
        was = getattr(kind, name)

        def counted(self: Any, data: Any, was: Any = was) -> None:
            if self.get_extra_info("sockname")[1] == port:
                written.append(1)
            was(self, data)

        monkeypatch.setattr(kind, name, counted)
    port = 0

    async def main() -> None:
        nonlocal port
        async with serving(hello) as (_, port):
            for _ in range(3):
                await check_serves(port)
            assert not written

    run_asyncio(main())


class Bottomless(asyncio.Transport):
    """Accepts everything."""

    taken = 0
    ended = False
    protocol: Any = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: Any) -> None:
        self.taken += len(data)

    def writelines(self, list_of_data: Any) -> None:
        for data in list_of_data:
            self.write(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.ended

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        self.ended = True

    abort = close


def test_a_peer_that_reads_as_fast_leaves_others_a_turn(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", send_body)
        transport = Bottomless()
        begun = raw.PREFACE + raw.settings(WIDE) + raw.window_update(0, 2**30) + raw.get()
        server.take_over(transport, begun)
        for turns in range(1, 100):
            # 16 batches of 256 KiB, and up to one frame more in each
            assert transport.taken < turns * 16 * (256 + 20) * 1024
            if transport.taken >= len(BODY):
                break
            await asyncio.sleep(0)
        assert transport.taken >= len(BODY)
        transport.protocol.connection_lost(None)
        await server.close()

    run(main())


@pytest.mark.parametrize("how", ["port", "every address", "socket"])
def test_small_writes_are_not_held_back(run: Run, how: str) -> None:
    """TCP_NODELAY: otherwise a frame may wait 40 ms for an acknowledgement of the previous one."""

    async def main() -> None:
        found = []
        server = http2.create_server()
        server.on(
            "connection",
            lambda transport: found.append(
                transport.get_extra_info("socket").getsockopt(
                    socket.IPPROTO_TCP, socket.TCP_NODELAY
                )
            ),
        )
        server.on("stream", hello)
        async with server:
            if how == "port":
                await server.listen(0, "127.0.0.1")
            elif how == "every address":
                await server.listen(0)
            else:
                await server.listen(sock=socket.create_server(("127.0.0.1", 0)))
            await check_serves(server.address()[1])
        assert found
        assert all(found)

    run(main())


def test_small_writes_to_a_given_socket_are_not_held_back(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port):
            sock = socket.socket()  # without its protocol number, which asyncio checks
            sock.connect(("127.0.0.1", port))
            async with http2.connect(
                "http://localhost", create_connection=lambda *_: sock
            ) as session:
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert await session.request().read() == b"hello"

    run(main())
