"""TLS inside a tunnel, record by record: the server at its other end does TLS by hand."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

import http2
from http2.constants import (
    NGHTTP2_CANCEL,
    NGHTTP2_NO_ERROR,
    NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
)

from ..support import raw
from ..support.dialled import PATIENCE
from ..support.filing import pattern
from ..support.running import Run, free_port
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, serving
from ..support.tunnels import tunnel

MIB = 2**20
# What OpenSSL's server says of one, sent or received.
KEY_UPDATE = b" TLS 1.3, Handshake [length 0005], KeyUpdate\n"


class ByHand:
    """A TLS server on a stream, whose bytes are sent as the test likes."""

    def __init__(self, stream: http2.ServerHttp2Stream, context: ssl.SSLContext) -> None:
        self.stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def shake_hands(self) -> bytes:
        """Perform the handshake; the last bytes, which are not sent."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.stream.write(self._outgoing.read())
                data = await self.stream.read(65536)
                assert data, "the client has left"
                self._incoming.write(data)
            else:
                return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """*data* in records."""
        self.tls.write(data)
        return self._outgoing.read()

    def goodbye(self) -> bytes:
        """A close_notify."""
        with suppress(ssl.SSLWantReadError):  # the client's is missing
            self.tls.unwrap()
        return self._outgoing.read()

    async def read(self) -> bytes:
        """What the client says next; empty at its close_notify, which has to come."""
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLZeroReturnError:
                return b""  # the test has sent its own
            except ssl.SSLWantReadError:
                data = await self.stream.read(65536)
                assert data, "no close_notify"
                self._incoming.write(data)

    async def to_the_end(self) -> bytes:
        """All that the client says until its close_notify."""
        got = b""
        while more := await self.read():
            got += more
        return got


Talk = Callable[[ByHand], Coroutine[Any, Any, None]]


@asynccontextmanager
async def tunnelled(
    certificate: Certificate,
    talk: Talk,
    *,
    protocols: tuple[str, ...] = ("h2",),
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> AsyncIterator[Callable[..., http2.ClientHttp2Session]]:
    """Opens sessions through a tunnel to a server that does *talk*; what it raises is raised."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(protocols)
    failures: list[BaseException] = []
    talked: list[bool] = []

    async def answer(stream: http2.ServerHttp2Stream) -> None:
        stream.respond()
        try:
            await talk(ByHand(stream, context))
        except BaseException as error:
            failures.append(error)
            stream.close(NGHTTP2_CANCEL)
        talked.append(True)

    async with (
        serving(answer) as (_, port),
        http2.connect(f"http://127.0.0.1:{port}") as outer,
    ):

        def connect(**options: Any) -> http2.ClientHttp2Session:
            return http2.connect(
                "https://localhost",
                create_connection=lambda *_: outer.request(
                    {":method": "CONNECT", ":authority": "localhost:443"}
                ),
                **{"ca": certificate.cert, **options},
            )

        yield connect
        await eventually(lambda: bool(talked))
        assert not failures, failures
        await eventually(lambda: not outer.streams)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_settings_right_behind_the_handshake(
    run: Run, certificate: Certificate, version: Any
) -> None:
    """They come with the server's Finished in TLS 1.2, and with its session tickets in 1.3."""

    async def talk(server: ByHand) -> None:
        last = await server.shake_hands()
        assert last
        settings = raw.settings({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS: 7})
        server.stream.write(last + server.encrypt(settings))
        got = await server.to_the_end()
        assert got.startswith(raw.PREFACE)
        assert raw.settings(ack=True) in got
        assert not await server.stream.read()
        server.stream.end(server.goodbye())

    async def main() -> None:
        async with tunnelled(certificate, talk, version=version) as connect:
            session = connect()
            events = Events()
            events.listen(session, "remote_settings")
            async with session:
                assert (await events.expect("remote_settings"))[1].max_concurrent_streams == 7
                tls = session.socket.get_extra_info("ssl_object")
                assert tls.version() == {771: "TLSv1.2", 772: "TLSv1.3"}[version]

    run(main())


def test_a_forged_record(run: Run, certificate: Certificate) -> None:
    """It gets an alert, and breaks the connection: the tunnel's end comes behind the alert."""

    async def talk(server: ByHand) -> None:
        server.stream.write(await server.shake_hands() + server.encrypt(raw.settings()))
        await server.read()
        server.stream.write(b"\x17\x03\x03\x00\x30" + bytes(0x30))
        with pytest.raises(ssl.SSLError, match=r"(?i)bad.record.mac"):
            await server.to_the_end()
        assert not await server.stream.read()
        server.stream.end()

    async def main() -> None:
        async with tunnelled(certificate, talk) as connect:
            session = connect()
            events = Events()
            events.listen(session, "close", "error")
            with pytest.raises(http2.ConnectionClosed):
                await session.request().response()
            await events.expect("close")
            assert session.destroyed

    run(main())


def test_a_certificate_that_is_refused(run: Run, certificate: Certificate) -> None:
    """The server is told why, by an alert, before the tunnel ends."""

    async def talk(server: ByHand) -> None:
        with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
            await server.shake_hands()
        assert not await server.stream.read()
        server.stream.end()

    async def main() -> None:
        async with tunnelled(certificate, talk) as connect:
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(servername="elsewhere.test")

    run(main())


def test_no_protocol_is_selected(run: Run, certificate: Certificate) -> None:
    """The session gives up the connection: the tunnel is reset with CANCEL."""

    async def talk(server: ByHand) -> None:
        with suppress(asyncio.CancelledError):
            # perhaps without the client's last words
            server.stream.write(await server.shake_hands())
            await server.read()
        assert server.stream.rst_code == NGHTTP2_CANCEL

    async def main() -> None:
        async with tunnelled(certificate, talk, protocols=()) as connect:
            with pytest.raises(http2.Http2Error, match="ALPN"):
                await connect()

    run(main())


@pytest.mark.parametrize("tunnel_ends", [True, False])
def test_the_server_ends_tls(run: Run, certificate: Certificate, tunnel_ends: bool) -> None:
    """A close_notify ends the connection, also if the tunnel stays open behind it."""

    async def talk(server: ByHand) -> None:
        server.stream.write(await server.shake_hands() + server.encrypt(raw.settings()))
        await server.read()
        server.stream.write(server.goodbye())
        if tunnel_ends:
            server.stream.end()
        await server.to_the_end()
        assert not await server.stream.read()
        await eventually(lambda: server.stream.closed)
        assert server.stream.rst_code == NGHTTP2_NO_ERROR

    async def main() -> None:
        async with tunnelled(certificate, talk) as connect:
            session = connect()
            with pytest.raises(http2.ConnectionClosed):
                await session.request().response()
            await eventually(lambda: session.destroyed)

    run(main())


def test_a_server_that_does_not_read(run: Run, certificate: Certificate) -> None:
    """The client waits, and holds little of the body meanwhile; then all of it arrives."""
    size = 6 * MIB
    held: list[int] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        full: asyncio.Future[None] = loop.create_future()

        async def talk(server: ByHand) -> None:
            settings = raw.settings({NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE: 2 * size})
            server.stream.write(
                await server.shake_hands()
                + server.encrypt(settings + raw.window_update(0, 2 * size))
            )
            await full
            got = 0
            while got < size:
                got += len(await server.read())
            response = raw.headers(1, [(":status", "204")], end_stream=True)
            server.stream.write(server.encrypt(response))
            await server.to_the_end()
            server.stream.end(server.goodbye())

        async with tunnelled(certificate, talk) as connect, connect() as session:
            stream = session.request({":method": "POST"})
            sending = asyncio.ensure_future(http2.pipe([pattern(MIB)] * 6, stream))
            await eventually(lambda: session.write_paused)
            assert session.transport is not None
            held.append(session.transport.get_write_buffer_size())
            full.set_result(None)
            await sending
            assert (await stream.response())[":status"] == 204

    run(main())
    assert all(0 < each < 2 * MIB for each in held)


@pytest.mark.interop
def test_new_keys(run: Run, certificate: Certificate) -> None:
    """OpenSSL's server changes its keys, and asks for new ones of the client."""

    async def main() -> None:
        port = free_port()
        server = await asyncio.create_subprocess_exec(
            *("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-alpn", "h2"),
            *("-cert", certificate.cert, "-key", certificate.key, "-tls1_3", "-msg"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                await server.stdout.readuntil(b"ACCEPT\n")
                async with (
                    serving(tunnel) as (_, proxy),
                    http2.connect(f"http://127.0.0.1:{proxy}") as outer,
                    http2.connect(
                        f"https://localhost:{port}",
                        create_connection=lambda *_: outer.request(
                            {":method": "CONNECT", ":authority": f"127.0.0.1:{port}"}
                        ),
                        ca=certificate.cert,
                    ) as inner,
                ):
                    await server.stdout.readuntil(raw.PREFACE)
                    server.stdin.write(raw.settings())
                    await server.stdout.readuntil(raw.settings(ack=True))
                    said = b""
                    for payload in (b"old keys", b"any keys", b"new keys"):
                        answer = asyncio.ensure_future(inner.ping(payload))
                        said += await server.stdout.readuntil(raw.ping(payload))
                        server.stdin.write(raw.ping(payload, ack=True))
                        await answer
                        if payload == b"old keys":
                            server.stdin.write(b"K\n")
                            said += await server.stdout.readuntil(b">>>" + KEY_UPDATE)
                    # OpenSSL sends the client's new keys before its next data
                    assert b"<<<" + KEY_UPDATE in said
                    inner.destroy()
        finally:
            if server.returncode is None:
                server.kill()
            await server.communicate()

    run(main())
