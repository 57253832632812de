"""The last bytes of a connection arrive: its end must not discard them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2
from http2.net import lingering_close

from ..support import raw
from ..support.filing import pattern
from ..support.lingering import no_other_deadline
from ..support.raw import RawPeer
from ..support.running import Run, execute
from ..support.self_signed import Certificate
from ..support.serving import Events, listening
from ..support.slow_path import slowed
from ..support.tls import ByHand, trusting

# Not a multiple of half a window: the client sends WINDOW_UPDATE when everything was written, and
# much of it is still on its way.
SIZE = 1_000_000
WINDOW = 2**19
TLS = pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])


def made(certificate: Certificate, tls: bool, **options: Any) -> http2.Http2Server:
    """A server in the clear or over TLS."""
    if tls:
        return http2.create_secure_server(cert=certificate.cert, key=certificate.key, **options)
    return http2.create_server(**options)


@pytest.mark.row("beyond.last_bytes")
@TLS
def test_response_under_way_at_close(run: Run, certificate: Certificate, tls: bool) -> None:
    """It arrives completely over a slow path, while the client still sends WINDOW_UPDATEs."""

    async def main() -> None:
        server = made(certificate, tls)
        given = asyncio.Event()

        @server.on("stream")
        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.respond({"content-length": SIZE})
            stream.end(pattern(SIZE))
            given.set()

        async with listening(server) as port, slowed(port) as slow:
            scheme = "https" if tls else "http"
            async with http2.connect(
                f"{scheme}://127.0.0.1:{slow}",
                settings={"initial_window_size": WINDOW},
                **({"ca": certificate.cert} if tls else {}),
            ) as session:
                session.set_local_window_size(WINDOW)
                stream = session.request()
                await given.wait()
                closing = server.close(timeout=20)
                assert (await stream.response())[":status"] == 200
                assert await stream.read() == pattern(SIZE)
                await closing

    run(main())


@pytest.mark.interop
@TLS
def test_nghttp_gets_the_rest(run_asyncio: Run, certificate: Certificate, tls: bool) -> None:
    async def main() -> None:
        server = made(certificate, tls)
        given = asyncio.Event()

        @server.on("stream")
        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.end(pattern(SIZE))
            given.set()

        async with listening(server) as port, slowed(port) as slow:
            url = f"{'https' if tls else 'http'}://127.0.0.1:{slow}/"
            client = asyncio.ensure_future(execute("nghttp", "-w19", "-W19", url))
            await given.wait()
            closing = server.close(timeout=20)
            assert await client == pattern(SIZE)
            await closing

    run_asyncio(main())


@pytest.mark.row("beyond.last_bytes")
@TLS
def test_upload_whose_client_closes(run: Run, certificate: Certificate, tls: bool) -> None:
    """The answer came first; the client's end waits for data that is on its way."""

    async def main() -> None:
        server = made(certificate, tls, settings={"initial_window_size": WINDOW})
        server.on("session", lambda session: session.set_local_window_size(WINDOW))
        received = asyncio.get_running_loop().create_future()

        @server.on("stream")
        async def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            stream.end("early")
            received.set_result(await stream.read())

        async with listening(server) as port, slowed(port, upwards=True) as slow:
            session = http2.connect(
                f"{'https' if tls else 'http'}://127.0.0.1:{slow}",
                **({"ca": certificate.cert} if tls else {}),
            )
            stream = session.request({":method": "POST"})
            stream.end(pattern(SIZE))
            assert await stream.read() == b"early"
            await session.close()
            assert session.transport is None
            assert await received == pattern(SIZE)

    run(main())


@TLS
@pytest.mark.parametrize("how", ["close", "destroy"])
def test_peer_that_ends_holds_up_nobody(
    run: Run, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, how: str, tls: bool
) -> None:
    """An idle peer closes its side when the server's has ended: no deadline is needed."""
    no_other_deadline(monkeypatch)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = made(certificate, tls)
        events = Events()
        events.listen(server, "session")
        async with listening(server) as port:
            for ending in ("server", "client"):
                client = http2.connect(
                    f"{'https' if tls else 'http'}://127.0.0.1:{port}",
                    **({"ca": certificate.cert} if tls else {}),
                )
                await client
                await client.ping()
                session = (await events.expect("session", 1 + (ending == "client")))[1]
                began = loop.time()
                ends = session if ending == "server" else client
                getattr(ends, how)()
                await asyncio.gather(session.close(), client.close())
                assert loop.time() - began < 20

    run(main())


@TLS
@pytest.mark.parametrize("how", ["close", "destroy"])
def test_peer_that_says_nothing_more_has_a_deadline(
    run: Run, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, how: str, tls: bool
) -> None:
    """Its bytes are read and dropped, then the socket is closed."""
    monkeypatch.setattr(lingering_close, "QUIET", 1)
    monkeypatch.setattr(lingering_close, "HURRY", 1)
    monkeypatch.setattr(lingering_close, "STEP", 0.02)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = made(certificate, tls)
        events = Events()
        events.listen(server, "session")
        async with listening(server) as port:
            peer = await RawPeer.dial(port)
            sealed = bytes
            if tls:
                # by hand: asyncio's own would answer close_notify
                handshake = ByHand(peer, trusting(certificate, "h2"))
                peer.send(handshake.begin())
                peer.send(await handshake.finish())
                sealed = handshake.encrypt
            peer.send(sealed(raw.PREFACE + raw.settings()))
            session = (await events.expect("session"))[1]
            getattr(session, how)()
            began = loop.time()
            for _ in range(3):
                peer.send(sealed(raw.ping()))
                await asyncio.sleep(0.1)
            assert session.transport is not None
            await session.close()
            assert 1.1 < loop.time() - began < 20
            await peer.close()

    run(main())


def test_peer_that_has_gone_already_is_no_error(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        events = Events()
        events.listen(server, "session", "session_error")
        async with listening(server) as port:
            for count in range(1, 6):
                peer = await RawPeer.connect(port)
                session = (await events.expect("session", count))[1]
                await peer.abort()
                await session.close()
        assert events.names == ["session"] * 5

    run(main())


def test_deadline_of_the_server_comes_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`close(timeout=…)` ends connections that only wait for their peer's end."""
    no_other_deadline(monkeypatch)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = http2.create_server()
        async with listening(server) as port:
            peer = await RawPeer.connect(port)
            began = loop.time()
            closing = server.close(timeout=0.3)
            ping = await peer.until(raw.PING)
            peer.send(raw.ping(ping.payload, ack=True))
            await peer.rest()
            await closing
            assert loop.time() - began < 20
            await peer.close()

    run(main())
