"""TLS after the handshake: records in any pieces, new keys, forged records, and both ends."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import http2
from http2.tls import transport as tls_transport

from ..support.dialled import PATIENCE
from ..support.filing import pattern
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import eventually, listening
from ..support.tls import ByHand, trusting

UPGRADE = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: mine\r\n\r\n"


@asynccontextmanager
async def served(
    certificate: Certificate, handler: Any = None
) -> AsyncIterator[tuple[http2.Http2SecureServer, int]]:
    """A secure server that also supports HTTP/1, and its port."""
    server = http2.create_secure_server(
        handler, cert=certificate.cert, key=certificate.key, allow_http1=True
    )
    async with listening(server) as port:
        yield server, port


@asynccontextmanager
async def connected(
    port: int, certificate: Certificate, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncIterator[ByHand]:
    """A hand-written client whose handshake is done."""
    context = trusting(certificate, "http/1.1")
    context.minimum_version = context.maximum_version = version
    async with await RawPeer.dial(port) as peer:
        client = ByHand(peer, context)
        peer.send(client.begin())
        peer.send(await client.finish())
        yield client


async def to_the_end(client: ByHand) -> bytes:
    """Return all data of the server, which must end with close_notify."""
    got = b""
    while True:
        try:
            more = client.tls.read(65536)
        except ssl.SSLWantReadError:
            data = await client.peer.bytes(65536)
            assert data, "no close_notify"
            client._incoming.write(data)
        else:
            if not more:
                return got
            got += more


async def digest(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) -> None:
    """Answer with the request's body."""
    body = await request.read()
    response.end(f"{len(body)} {hashlib.sha256(body).hexdigest()}")


def post(body: bytes) -> bytes:
    head = f"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_records_in_any_pieces(run: Run, certificate: Certificate, version: Any) -> None:
    """One byte at a time, and a hundred records at once."""

    async def main() -> None:
        async with (
            served(certificate, digest) as (_, port),
            connected(port, certificate, version) as client,
        ):
            for size in (0, 100, 16383, 16384, 16385, 1_000_000):
                body = pattern(size)
                records = client.encrypt(post(body))
                if size < 1000:
                    for at in range(len(records)):
                        client.peer.send(records[at : at + 1])
                        await client.peer.flush()
                else:
                    client.peer.send(records)
                want = f"{size} {hashlib.sha256(body).hexdigest()}".encode()
                assert (await client.until(want)).endswith(want)

    run(main())


def test_large_responses(run: Run, certificate: Certificate) -> None:
    """The written data is larger than a record, a buffer, and what the client accepts."""

    def handler(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) -> None:
        response.write_head(200, {"connection": "close"})
        response.write(memoryview(pattern(100_000)))
        response.end(bytearray(pattern(3_000_000)))

    async def main() -> None:
        async with (
            served(certificate, handler) as (_, port),
            connected(port, certificate) as client,
        ):
            client.peer.send(client.encrypt(b"GET / HTTP/1.0\r\n\r\n"))
            body = (await to_the_end(client)).partition(b"\r\n\r\n")[2]
            assert body == pattern(100_000) + pattern(3_000_000)

    run(main())


def test_a_forged_record(run: Run, certificate: Certificate) -> None:
    """It gets an alert, and the connection ends; the current request is aborted."""
    aborted = []

    async def main() -> None:
        waiting = asyncio.Event()

        def handler(request: http2.Http2ServerRequest, response: Any) -> None:
            request.on("aborted", lambda: aborted.append(request.url))
            waiting.set()

        async with (
            served(certificate, handler) as (server, port),
            connected(port, certificate) as client,
        ):
            client.peer.send(client.encrypt(b"GET /unfinished HTTP/1.1\r\nhost: a\r\n\r\n"))
            await waiting.wait()
            client.peer.send(b"\x17\x03\x03\x00\x30" + bytes(0x30))
            with pytest.raises(ssl.SSLError, match=r"(?i)bad.record.mac"):
                await to_the_end(client)
            await eventually(lambda: not server._sessions)

    run(main())
    assert aborted == ["/unfinished"]


@pytest.mark.interop
def test_new_keys(run: Run, certificate: Certificate) -> None:
    """OpenSSL's client changes its keys during a request, and requests new ones."""

    async def main() -> None:
        begun = asyncio.Event()

        async def handler(request: http2.Http2ServerRequest, response: Any) -> None:
            begun.set()
            await digest(request, response)

        async with served(certificate, handler) as (_, port):
            client = await asyncio.create_subprocess_exec(
                *("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3"),
                *("-servername", "localhost", "-alpn", "http/1.1"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            assert client.stdin is not None
            assert client.stdout is not None
            assert client.stderr is not None
            try:
                async with asyncio.timeout(PATIENCE):
                    client.stdin.write(
                        b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
                        b"content-length: 5\r\n\r\n"
                    )
                    await begun.wait()
                    client.stdin.write(b"K\n")
                    await client.stderr.readuntil(b"KEYUPDATE")
                    client.stdin.write(b"hello")
                    out = await client.stdout.read()
            finally:
                if client.returncode is None:
                    client.kill()
                await client.communicate()
            assert f"5 {hashlib.sha256(b'hello').hexdigest()}".encode() in out

    run(main())


def test_close_while_the_client_still_sends(run: Run, certificate: Certificate) -> None:
    """Unread bytes must not reset the connection, and lose the last data with it."""

    async def main() -> None:
        async with served(certificate) as (server, port):
            closing: asyncio.Future[http2.RawSocket] = asyncio.get_running_loop().create_future()

            async def on_upgrade(request: Any, socket: http2.RawSocket, head: bytes) -> None:
                # the reader is full, the transport pauses
                await eventually(lambda: not socket._transport.is_reading())
                socket.writer.write(pattern(500_000))
                socket.writer.close()
                closing.set_result(socket)

            server.on("upgrade", on_upgrade)
            async with connected(port, certificate) as client:
                client.peer.send(client.encrypt(UPGRADE))
                client.peer.send(client.encrypt(bytes(1_000_000)))
                assert await to_the_end(client) == pattern(500_000)
                client.tls.unwrap()
                client.peer.send(client._outgoing.read())
                assert await client.peer.bytes(65536) == b""
                socket = await closing
                await eventually(lambda: socket._transport.get_write_buffer_size() == 0)

    run(main())


def test_an_end_without_close_notify(run: Run, certificate: Certificate) -> None:
    """Earlier data is not lost, even while reading is paused."""

    async def main() -> None:
        async with served(certificate) as (server, port):
            read: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            ended = asyncio.Event()

            async def on_upgrade(request: Any, socket: http2.RawSocket, head: bytes) -> None:
                await eventually(lambda: not socket._transport.is_reading())
                await ended.wait()
                read.set_result(await socket.reader.read())
                socket.writer.close()

            server.on("upgrade", on_upgrade)
            async with connected(port, certificate) as client:
                client.peer.send(client.encrypt(UPGRADE))
                client.peer.send(client.encrypt(pattern(250_000)))
                client.peer.finish()
                await client.peer.flush()
                ended.set()
                assert await read == pattern(250_000)

    run(main())


def test_who_does_not_answer_close_notify(
    run: Run, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_transport, "SHUTDOWN_TIMEOUT", 0.05)

    async def main() -> None:
        async with served(certificate) as (server, port):
            server.on("upgrade", lambda request, socket, head: socket.writer.close())
            async with connected(port, certificate) as client:
                client.peer.send(client.encrypt(UPGRADE))
                assert await to_the_end(client) == b""
                assert await client.peer.bytes(65536) == b""

    run(main())
