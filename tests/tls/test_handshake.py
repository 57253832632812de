"""The handshakes of a secure server: the order of events, failures, and deadlines."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import ssl
from typing import Any

import pytest

import http2
from http2.tls import accept as tls_accept

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, listening
from ..support.tls import (
    ByHand,
    check_hello,
    client_hello,
    message_of,
    records,
    secure,
    told,
    trusting,
)

MESSAGE = "the connection was closed during the TLS handshake"


class Shout(asyncio.Protocol):
    """Sends its data back in upper case, and disconnects."""

    def __init__(self, server: http2.Http2Server, transport: asyncio.Transport) -> None:
        self.server, self.transport = server, transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end to the server, which waits for it when it closes."""
        self.server.open_connections.gone(self.transport)

    def data_received(self, data: bytes) -> None:
        """Handle received data."""
        if data:
            self.transport.write(data.upper())
            self.transport.close()


# --- the event connection ---------------------------------------------------------------------


@pytest.mark.row("server.event.connection")
def test_connection_comes_before_the_handshake(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        async with (
            told(certificate) as (server, events, port),
            await RawPeer.dial(port) as peer,
        ):
            sock = (await events.expect("connection"))[1]
            assert sock.get_extra_info("peername")[0] == "127.0.0.1"
            assert sock.get_extra_info("ssl_object") is None
            await peer.start_tls(trusting(certificate, "h2"))
            await events.expect("session")
            assert events.names == ["connection", "session"]
            assert len(server.open_connections.transports) == 1

    run(main())


def test_a_listener_of_connection_may_turn_a_client_away(
    run: Run, certificate: Certificate
) -> None:
    async def main() -> None:
        async with told(certificate) as (server, events, port):
            server.once("connection", lambda sock: sock.abort())
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await RawPeer.dial(port, trusting(certificate, "h2"))
            assert str((await events.expect("tls_client_error"))[1]) == MESSAGE

    run(main())


def broken_hello() -> bytes:
    """Return a ClientHello whose session identifier is longer than the message."""
    message = message_of(client_hello("h2"))
    at = 4 + 2 + 32
    return records(message[:at] + b"\xff" * 400 + message[at + 400 :], [])


# --- what fails ---------------------------------------------------------------------------------


@pytest.mark.row(
    "secure_server.event.tls_client_error",
    "module.HandshakeSocket",
    "handshake_socket.destroyed",
    "handshake_socket.destroy",
    "handshake_socket.get_extra_info",
)
@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (bytes(200), "WRONG_VERSION_NUMBER"),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "HTTP_REQUEST"),
        (raw.PREFACE + raw.settings(), "WRONG_VERSION_NUMBER"),
        (broken_hello(), "LENGTH_MISMATCH"),
    ],
    ids=["garbage", "http1", "h2c", "broken"],
)
def test_what_is_not_tls(
    run: Run, certificate: Certificate, first: bytes, reason: str | None
) -> None:
    """Listeners get OpenSSL's own error."""

    async def main() -> None:
        async with told(certificate) as (server, events, port):
            async with await RawPeer.dial(port) as peer:
                peer.send(first)
                _, error, sock = await events.expect("tls_client_error")
                assert isinstance(error, ssl.SSLError)
                assert reason in (error.reason, None)
                assert sock.get_extra_info("peername")[0] == "127.0.0.1"
                assert sock.get_extra_info("sockname")[1] == port
                assert sock.get_extra_info("nothing", 5) == 5
                assert "127.0.0.1" in repr(sock)
                assert sock.destroyed
                sock.destroy()
                await peer.bytes()
            assert not server.open_connections.transports
            assert events.names == ["connection", "tls_client_error"]

    run(main())


@pytest.mark.row("secure_server.event.tls_client_error")
@pytest.mark.parametrize("phase", ["silent", "half", "answered"])
@pytest.mark.parametrize("manner", ["close", "reset"])
def test_clients_that_leave(run: Run, certificate: Certificate, phase: str, manner: str) -> None:
    """Before the ClientHello, in the middle of it, and after the server's answer."""

    async def main() -> None:
        async with told(certificate) as (server, events, port):
            peer = await RawPeer.dial(port)
            await events.expect("connection")
            hello = client_hello("h2")
            if phase != "silent":
                peer.send(hello if phase == "answered" else hello[: len(hello) // 2])
                await peer.flush()
            if phase == "answered":
                await peer.bytes(1)
            await (peer.abort() if manner == "reset" else peer.close())
            _, error, sock = await events.expect("tls_client_error")
            assert isinstance(error, ConnectionError)
            assert str(error)
            assert sock.get_extra_info("peername")[0] == "127.0.0.1"
            assert sock.destroyed
            assert not server.open_connections.transports

    run(main())


@pytest.mark.row("secure_server.event.tls_client_error", "server.option.handshake_timeout")
@pytest.mark.parametrize("phase", ["silent", "half", "answered"])
def test_clients_that_take_their_time(run: Run, certificate: Certificate, phase: str) -> None:
    async def main() -> None:
        async with told(certificate, handshake_timeout=0.3) as (server, events, port):
            start = asyncio.get_running_loop().time()
            async with await RawPeer.dial(port) as peer:
                hello = client_hello("h2")
                if phase != "silent":
                    peer.send(hello if phase == "answered" else hello[: len(hello) // 2])
                _, error, sock = await events.expect("tls_client_error")
                assert 0.25 <= asyncio.get_running_loop().time() - start < 8
                assert isinstance(error, TimeoutError)
                assert "0.3 s" in str(error)
                assert sock.destroyed
                await peer.rest()
            assert not server.open_connections.transports

    run(main())


@pytest.mark.row("secure_server.event.tls_client_error", "server.option.handshake_timeout")
def test_a_client_that_dribbles(run: Run, certificate: Certificate) -> None:
    """Single bytes do not extend the deadline."""

    async def main() -> None:
        async with told(certificate, handshake_timeout=0.3) as (server, events, port):
            start = asyncio.get_running_loop().time()
            async with await RawPeer.dial(port) as peer:

                async def dribble() -> None:
                    for byte in client_hello("h2")[:-1]:
                        peer.send(bytes([byte]))
                        await asyncio.sleep(0.005)

                dribbling = asyncio.ensure_future(dribble())
                error = (await events.expect("tls_client_error"))[1]
                assert asyncio.get_running_loop().time() - start >= 0.25
                assert not dribbling.done()
                assert isinstance(error, TimeoutError)
                dribbling.cancel()
                await peer.rest()
            assert not server.open_connections.transports
            assert not server.open_connections.handshakes

    run(main())


@pytest.mark.parametrize("manner", ["garbage", "reset", "alpn", "time"])
def test_without_a_listener(
    run: Run, certificate: Certificate, manner: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One line at DEBUG."""

    async def main() -> None:
        server = secure(cert=certificate.cert, key=certificate.key, handshake_timeout=0.5)
        async with listening(server) as port:
            peer = await RawPeer.dial(port)
            if manner == "garbage":
                peer.send(bytes(100))
            elif manner == "alpn":
                peer.send(client_hello("foo"))
            elif manner == "reset":
                peer.send(client_hello("h2")[:50])
                await eventually(lambda: len(server.open_connections.transports) == 1)
                await peer.abort()
            if manner != "reset":
                await peer.rest()
                await peer.close()
            await eventually(lambda: not server.open_connections.transports)
            await check_hello(port, trusting(certificate, "h2"))

    with caplog.at_level(logging.DEBUG, logger="http2"):
        run(main())
    [record] = [record for record in caplog.records if record.name == "http2"]
    assert record.levelno == logging.DEBUG
    assert "127.0.0.1" in record.getMessage()


def test_handshakes_leave_nothing_behind(run: Run, certificate: Certificate) -> None:
    """Neither failed nor established handshakes: only the session remains of a connection."""

    def alive() -> list[str]:
        gc.collect()
        kinds = (http2.HandshakeSocket, http2.ServerHttp2Session)
        found = gc.get_objects()
        # uvloop has one, and it is empty
        assert sum(isinstance(each, tls_accept.TlsProtocol) for each in found) <= 1
        return [type(each).__name__ for each in found if isinstance(each, kinds)]

    async def main() -> None:
        before = alive()
        async with told(certificate) as (server, events, port):
            for first in (bytes(100), client_hello("foo"), client_hello("h2")[:50], b"") * 3:
                async with await RawPeer.dial(port) as peer:
                    peer.send(first)
                    await peer.flush()
            await events.expect("tls_client_error", 12)
            async with await RawPeer.connect(port, trusting(certificate, "h2")) as peer:
                await events.expect("session")
                events.seen.clear()
                assert sorted(alive()) == sorted([*before, "ServerHttp2Session"])
                assert len(server.open_connections.transports) == 1
                assert not server.open_connections.handshakes
                assert not server._tasks

    run(main())


def test_a_listener_that_raises(
    run: Run, certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with told(certificate) as (server, _, port):

            @server.on("tls_client_error")
            def broken(error: Exception) -> None:
                raise ValueError("no idea")

            async with await RawPeer.dial(port) as peer:
                peer.send(bytes(100))
                await peer.rest()

    with caplog.at_level(logging.WARNING, logger="http2"):
        run(main())
    assert len(caplog.records) == 1


def test_a_certificate_that_is_missing(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        options = {"ca": certificate.cert, "request_cert": True}
        server = secure(cert=certificate.cert, key=certificate.key, **options)
        events = Events()
        events.listen(server, "tls_client_error", "session")
        async with listening(server) as port:
            with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
                await check_hello(port, trusting(certificate, "h2"))
            error = (await events.expect("tls_client_error"))[1]
            assert error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
        assert events.names == ["tls_client_error"]

    run(main())


# --- bytes as they come -------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_a_hello_in_pieces(
    run: Run, certificate: Certificate, size: int, version: ssl.TLSVersion
) -> None:
    """And the first request in one piece with the end of the handshake."""

    async def main() -> None:
        async with told(certificate) as (_, events, port):
            async with await RawPeer.dial(port) as peer:
                context = trusting(certificate, "h2")
                context.maximum_version = version
                client = ByHand(peer, context)
                hello = client.begin()
                for at in range(0, len(hello), size):
                    peer.send(hello[at : at + size])
                    await peer.flush()
                    await asyncio.sleep(0)
                last = await client.finish()
                peer.send(last + client.encrypt(raw.PREFACE + raw.settings() + raw.get()))
                await client.until(b"hello")
            assert events.names[:2] == ["connection", "session"]

    run(main())


@pytest.mark.parametrize("serving_http1", [True, False])
def test_early_bytes_of_other_protocols(
    run: Run, certificate: Certificate, serving_http1: bool
) -> None:
    """Data in one piece with the end of the handshake reaches the next protocol."""

    async def main() -> None:
        async with told(certificate) as (server, _, port):
            if serving_http1:
                # on uvloop the bytes arrive later, at the new protocol
                def serve(
                    server: http2.Http2Server,
                    transport: asyncio.Transport,
                    early: bytes,
                    claimed: Any,
                ) -> None:
                    protocol = Shout(server, transport)
                    transport.set_protocol(protocol)
                    protocol.data_received(early)

                server.serves_http1 = serve
            else:

                @server.on("unknown_protocol")
                async def shout(socket: http2.UnknownProtocolSocket) -> None:
                    socket.writer.write((await socket.reader.readline()).upper())
                    socket.writer.close()

            async with await RawPeer.dial(port) as peer:
                client = ByHand(peer, trusting(certificate))
                peer.send(client.begin())
                last = await client.finish()
                peer.send(last + client.encrypt(b"hello\n"))
                assert b"HELLO\n" in await client.until(b"HELLO\n")

    run(main())


def test_a_client_that_leaves_with_the_end_of_its_handshake(
    run: Run, certificate: Certificate
) -> None:
    """A session begins, if only for a short time."""

    async def main() -> None:
        async with told(certificate) as (server, events, port):
            server.on("session", lambda session: events.listen(session, "close"))
            async with await RawPeer.dial(port) as peer:
                client = ByHand(peer, trusting(certificate, "h2"))
                peer.send(client.begin())
                last = await client.finish()
                with pytest.raises(ssl.SSLWantReadError):
                    client.tls.unwrap()
                peer.send(last + client._outgoing.read())
                peer.finish()
                await peer.bytes()
            await events.expect("close")
            assert events.names == ["connection", "session", "close"]

    run(main())


# --- the server's end ---------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["silent", "half", "answered"])
@pytest.mark.parametrize("manner", ["block", "failed block", "timeout"])
def test_the_server_ends_meanwhile(
    run: Run, certificate: Certificate, phase: str, manner: str
) -> None:
    """It does not wait for handshakes, and reports no client's error."""

    async def main() -> None:
        server = secure(cert=certificate.cert, key=certificate.key)
        events = Events()
        events.listen(server, "connection", "session", "tls_client_error", "close")
        loop = asyncio.get_running_loop()
        async with server:
            await server.listen(0, "127.0.0.1")
            peer = await RawPeer.dial(server.address()[1])
            hello = client_hello("h2")
            await events.expect("connection")
            if phase != "silent":
                peer.send(hello if phase == "answered" else hello[: len(hello) // 2])
            if phase == "answered":
                await peer.bytes(1)
            start = loop.time()
            if manner == "timeout":
                # a handshake that has begun may continue until then
                await eventually(
                    lambda: len(server.open_connections.handshakes) == (phase != "silent")
                )
                await server.close(timeout=5 if phase == "silent" else 0.3)
            elif manner == "failed block":
                server.end_now()
        assert loop.time() - start < 4.5
        assert not server.open_connections.transports
        assert not server.open_connections.handshakes
        assert not server._tasks
        async with peer:
            await peer.rest()
        assert events.names == ["connection", "close"]

    run(main())


def test_close_waits_for_a_handshake_that_goes_on(run: Run, certificate: Certificate) -> None:
    """Like established sessions: this one is served."""

    async def main() -> None:
        server = secure(cert=certificate.cert, key=certificate.key)
        events = Events()
        events.listen(server, "connection", "session", "close")
        await server.listen(0, "127.0.0.1")
        peer = await RawPeer.dial(server.address()[1])
        await events.expect("connection")
        closed = server.close()
        await asyncio.sleep(0.05)
        await peer.start_tls(trusting(certificate, "h2"))
        peer.send(raw.PREFACE, raw.settings(), raw.get())
        assert await peer.body(1) == b"hello"
        await peer.close()
        await closed
        assert events.names == ["connection", "session", "close"]

    run(main())


# --- sockets that the program has accepted --------------------------------------------------------


@pytest.mark.row("server.event.connection", "secure_server.event.tls_client_error")
def test_injected_sockets(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        async with told(certificate) as (server, events, _):
            first = len(events.seen)
            for offer in ("h2", "foo"):
                ours, theirs = socket.socketpair()
                assert server.emit("connection", ours)
                reader, writer = await asyncio.open_connection(sock=theirs)
                async with RawPeer(reader, writer) as peer:
                    if offer == "h2":
                        await peer.start_tls(trusting(certificate, "h2"))
                        peer.send(raw.PREFACE, raw.settings(), raw.get())
                        assert await peer.body(1) == b"hello"
                    else:
                        peer.send(client_hello("foo"))
                        assert (await peer.bytes()).endswith(b"\x02\x78")
            await events.expect("tls_client_error")
            assert events.names[first:] == [
                "connection", "session", "connection", "tls_client_error",
            ]  # fmt: skip

    run(main())
