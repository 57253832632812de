"""Peers that disconnect in the first and in the last phase: TLS's handshake, and the shutdown.

tests/properties/test_cut_anywhere.py tests the phases in between, tests/tls/test_handshake.py
clients that disconnect during the handshake with this library's server.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import Events, listening
from ..support.sessions import raw_server


class Server:
    """Accepts connections, begins the TLS handshake, and resets them in one phase of it."""

    def __init__(self, certificate: Certificate, phase: str) -> None:
        self._certificate = certificate
        self._phase = phase
        self.accepted = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        self.accepted += 1
        peer = RawPeer(reader, writer)
        if self._phase != "accepted":
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self._certificate.cert, self._certificate.key)
            context.set_alpn_protocols(["h2"])
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            incoming.write(await peer.bytes(65536))
            tls = context.wrap_bio(incoming, outgoing, server_side=True)
            with pytest.raises(ssl.SSLWantReadError):
                tls.do_handshake()
            flight = outgoing.read()
            if self._phase == "answering":
                peer.send(flight[: len(flight) // 2])
                await peer.flush()
            elif self._phase == "answered":
                peer.send(flight)
                await peer.flush()
                # the client's end of the handshake is on its way
                await peer.bytes(1)
        await peer.abort()


@pytest.mark.row("beyond.reset_kills_nothing")
@pytest.mark.parametrize("phase", ["accepted", "asked", "answering", "answered"])
def test_a_server_that_vanishes_in_the_handshake(
    run: Run, certificate: Certificate, phase: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Waiting callers get the error; unsent requests may be repeated."""

    async def main() -> None:
        script = Server(certificate, phase)
        server = await asyncio.start_server(script, "127.0.0.1", 0)
        async with server:
            origin = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            session = http2.connect(origin, ca=certificate.cert)
            request = session.request({":method": "POST"})
            request.write(b"a body")
            ends = await asyncio.gather(session, request.read(), return_exceptions=True)
            if phase == "answered":
                # in TLS 1.3 the client's part may be done, and its request sent
                assert isinstance(ends[0], (http2.ClientHttp2Session, OSError))
                assert isinstance(ends[1], (http2.Http2Error, OSError))
            else:
                assert isinstance(ends[0], OSError)
                assert isinstance(ends[1], http2.Http2Error)
                assert ends[1].retryable
            await session.close()
            assert session.destroyed
        assert script.accepted == 1

    with caplog.at_level(logging.INFO):
        run(main())
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []
    assert len([record for record in caplog.records if record.name == "http2"]) <= 1


@pytest.mark.row("beyond.reset_kills_nothing", "beyond.shutdown")
@pytest.mark.parametrize("step", ["begun", "first notice", "second notice"])
@pytest.mark.parametrize("body", ["waiting", "stuck"])
def test_a_client_that_vanishes_in_the_shutdown(
    run: Run, step: str, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The server does not wait for its deadline."""

    async def main() -> None:
        events = Events()

        async def respond(stream: http2.ServerHttp2Stream) -> None:
            events.listen(stream, "aborted", "close")
            stream.respond()
            if body == "stuck":
                stream.write(bytes(200_000))
                await stream.drain()
            else:
                await stream.read()

        server = http2.create_server()
        server.on("stream", respond)
        async with listening(server) as port:
            peer = await RawPeer.connect(port)
            peer.send(raw.post())
            await peer.until(raw.HEADERS, 1)
            started = asyncio.get_running_loop().time()
            closing = asyncio.ensure_future(_wait(server.close(timeout=40)))
            if step != "begun":
                await peer.until(raw.GOAWAY)
                ping = await peer.until(raw.PING)
                if step == "second notice":
                    peer.send(raw.ping(ping.payload, ack=True))
                    await peer.until(raw.GOAWAY)
            await peer.abort()
            await closing
            assert asyncio.get_running_loop().time() - started < 20
            await events.expect("close")
            assert events.names == ["aborted", "close"]

    with caplog.at_level(logging.INFO):
        run(main())
    assert len(caplog.records) <= 1
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []


async def _wait(done: Any) -> None:
    await done


@pytest.mark.row("beyond.reset_kills_nothing", "session.close")
def test_a_server_that_vanishes_while_a_session_closes(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async def script(peer: RawPeer) -> None:
            await peer.until(raw.HEADERS, 1)
            peer.send(raw.headers(1, [(":status", "200")]), raw.data(1, b"some"))
            await peer.until(raw.GOAWAY)
            await peer.abort()

        async with raw_server(script) as origin:
            session = await http2.connect(origin)
            request = session.request()
            assert await request.readexactly(4) == b"some"
            closing = session.close()
            with pytest.raises((http2.Http2Error, ConnectionError)) as failure:
                await request.read()
            assert not getattr(failure.value, "retryable", False)
            await closing
            assert session.destroyed

    with caplog.at_level(logging.INFO):
        run(main())
    assert len(caplog.records) <= 1
