"""Connections that another asyncio server has accepted, and their end in two steps."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, hello


class Accepting(asyncio.Protocol):
    """Passes its connection to *server*: over TLS at once, in the clear with its first bytes."""

    def __init__(self, server: http2.Http2Server, sessions: list[Any]) -> None:
        self.server = server
        self.sessions = sessions
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Handle a connected client."""
        self.transport = transport
        if transport.get_extra_info("ssl_object") is not None:
            self.sessions.append(self.server.take_over(self.transport))

    def data_received(self, data: bytes) -> None:
        """Handle its first bytes."""
        self.sessions.append(self.server.take_over(self.transport, data))


@asynccontextmanager
async def accepting(
    certificate: Certificate | None = None,
) -> AsyncIterator[tuple[http2.Http2Server, list[Any], str]]:
    """An asyncio server whose connections a server of this library takes over."""
    server = http2.create_server()
    server.on("stream", hello)
    sessions: list[Any] = []
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        context.set_alpn_protocols(["h2"])
    loop = asyncio.get_running_loop()
    theirs = await loop.create_server(
        lambda: Accepting(server, sessions), "127.0.0.1", 0, ssl=context
    )
    port = theirs.sockets[0].getsockname()[1]
    async with theirs:
        yield server, sessions, f"http{'s' if context else ''}://127.0.0.1:{port}"
        await server.close(timeout=5)


@pytest.mark.row("server.take_over")
@pytest.mark.parametrize("secure", [False, True])
def test_take_over(run: Run, certificate: Certificate, secure: bool) -> None:
    async def main() -> None:
        events = Events()
        async with accepting(certificate if secure else None) as (server, sessions, url):
            events.listen(server, "session")
            options = {"reject_unauthorized": False} if secure else {}
            async with http2.connect(url, **options) as client:
                assert await client.request().text() == "hello"
                [session] = sessions
                assert (await events.expect("session"))[1] is session
                assert session.server is server
                assert session.alpn_protocol == ("h2" if secure else "h2c")
                assert session.socket.remote_port == client.socket.local_port
                assert server.connections == 1
            await eventually(lambda: server.connections == 0)
            assert session.destroyed

    run(main())


def test_first_bytes_of_any_length(run: Run) -> None:
    """An incomplete preface, whose rest arrives later; and more than one read."""

    async def main() -> None:
        async with accepting() as (_, _, url):
            port = int(url.rpartition(":")[2])
            async with await raw.RawPeer.dial(port) as peer:
                peer.send(raw.PREFACE[:10])
                await peer.flush()
                await asyncio.sleep(0.02)
                peer.send(raw.PREFACE[10:], raw.settings(), raw.get())
                assert (await peer.until(raw.HEADERS, 1)).status == 200
            server = http2.create_server()
            server.on("stream", count)
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_connection(Keeping, "127.0.0.1", port)
            sent = raw.PREFACE + raw.settings() + raw.post()
            sent += b"".join(raw.data(1, bytes(1000)) for _ in range(60))
            # frames of an unknown type
            sent += raw.frame(0xFA, 0, 0, bytes(16_000)) * 20 + raw.data(1, b"", end_stream=True)
            assert len(sent) > 256 * 1024
            server.take_over(transport, sent)
            async with asyncio.timeout(30):
                await done.wait()
            assert counted == [60_000]
            transport.abort()
            await server.close(timeout=1)

    counted: list[int] = []
    done = asyncio.Event()

    class Keeping(asyncio.Protocol):
        pass

    async def count(stream: http2.ServerHttp2Stream) -> None:
        counted.append(len(await stream.read()))
        done.set()
        stream.end()

    run(main())


@pytest.mark.row("server_session.shut_down")
def test_shut_down(run: Run) -> None:
    """RFC 9113 section 6.8: requests that cross the first GOAWAY are served."""

    async def main() -> None:
        async with accepting() as (_, sessions, url):
            async with await raw.RawPeer.connect(int(url.rpartition(":")[2])) as peer:
                done = sessions[0].shut_down()
                first = await peer.until(raw.GOAWAY)
                assert (first.code, first.last_stream_id) == (0, 2**31 - 1)
                peer.send(raw.get())
                notice = await peer.until(raw.PING)
                peer.send(raw.ping(notice.payload, ack=True))
                assert (await peer.until(raw.HEADERS, 1)).status == 200
                last = await peer.until(raw.GOAWAY)
                assert (last.code, last.last_stream_id) == (0, 1)
                await peer.rest()
            await done
            assert sessions[0].destroyed
            await sessions[0].shut_down()  # no effect the second time

    run(main())


def test_close_does_not_wait_for_the_answer(run: Run) -> None:
    async def main() -> None:
        async with accepting() as (_, sessions, url):
            async with await raw.RawPeer.connect(int(url.rpartition(":")[2])) as peer:
                done = sessions[0].shut_down()
                await peer.until(raw.PING)
                sessions[0].close()
                goaway = await peer.until(raw.GOAWAY)
                assert goaway.last_stream_id == 0
                await peer.rest()
            await done

    run(main())
