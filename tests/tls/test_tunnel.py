"""HTTP/2 over TLS inside a CONNECT tunnel: the proxy cannot read it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_CONNECT_ERROR
from http2.tunnels import tls as tls_carrier

from ..support.filing import pattern
from ..support.peers import Peer, Start, start_node, starting, wait_for_port
from ..support.running import Run, free_port
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, listening, serving
from ..support.tunnels import echo, tunnel

MIB = 2**20

Dial = Callable[[Any, dict[str, Any]], http2.ClientHttp2Stream]


@pytest.fixture(scope="module")
def node_server(certificate: Certificate) -> Iterator[Peer]:
    with starting() as start:
        yield start_node(start, cert=certificate.cert, key=certificate.key)


def through(outer: http2.ClientHttp2Session) -> Dial:
    """Return a `create_connection` that opens a tunnel on *outer*."""
    return lambda url, options: outer.request({":method": "CONNECT", ":authority": url.netloc})


@pytest.mark.interop
@pytest.mark.row("connect.option.create_connection")
def test_a_secure_server_of_nodes(run: Run, node_server: Peer, certificate: Certificate) -> None:
    async def main() -> None:
        async with (
            serving(tunnel) as (_, proxy),
            http2.connect(f"http://127.0.0.1:{proxy}") as outer,
            http2.connect(
                node_server.origin, create_connection=through(outer), ca=certificate.cert
            ) as inner,
        ):
            assert (inner.encrypted, inner.alpn_protocol) == (True, "h2")
            assert inner.origin_set == [node_server.origin]
            found = inner.socket.get_peer_certificate()
            assert found is not None
            assert found["subject"] == ((("commonName", "localhost"),),)
            body = await inner.request({":path": f"/body?size={3 * MIB}"}).read()
            assert body == pattern(3 * MIB)

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("proxied_by", ["ours", "node"])
def test_a_secure_server_of_ours(
    run: Run, background: Start, certificate: Certificate, proxied_by: str
) -> None:
    """Large bodies in both directions at once; both ends of the tunnel get its end."""

    async def main() -> None:
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        server.on("stream", echo)
        async with listening(server) as port, serving(tunnel) as (_, ours):
            proxy = ours if proxied_by == "ours" else start_node(background, "server/proxy.js").port
            async with http2.connect(f"http://127.0.0.1:{proxy}") as outer:
                async with http2.connect(
                    f"https://localhost:{port}",
                    create_connection=lambda *_: outer.request(
                        {":method": "CONNECT", ":authority": f"127.0.0.1:{port}"}
                    ),
                    ca=certificate.cert,
                ) as inner:
                    streams = [inner.request({":method": "POST"}) for _ in range(3)]
                    body = pattern(3 * MIB)
                    _, *bodies = await asyncio.gather(
                        asyncio.gather(*(http2.pipe([body], stream) for stream in streams)),
                        *(stream.read() for stream in streams),
                    )
                    assert bodies == [body] * 3
                    info = inner.socket.get_extra_info
                    assert info("ssl_object").version() == "TLSv1.3"
                    assert info("cipher")[0].startswith("TLS_")
                    assert isinstance(info("sslcontext"), ssl.SSLContext)
                    assert info("peercert") == inner.socket.get_peer_certificate()
                    assert info("compression") is None
                    assert isinstance(info("stream"), http2.Http2Stream)
                    assert info("peername", "nobody") == "nobody"
                assert inner.destroyed
                await eventually(lambda: not outer.streams)
                await outer.ping()

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("options", [{}, {"servername": "elsewhere.test"}])
def test_a_certificate_that_nobody_vouches_for(
    run: Run, node_server: Peer, certificate: Certificate, options: dict[str, Any]
) -> None:
    if options:
        options = {**options, "ca": certificate.cert}

    async def main() -> None:
        async with (
            serving(tunnel) as (_, proxy),
            http2.connect(f"http://127.0.0.1:{proxy}") as outer,
        ):
            dial = through(outer)
            with pytest.raises(ssl.SSLCertVerificationError):
                await http2.connect(node_server.origin, create_connection=dial, **options)
            await eventually(lambda: not outer.streams)
            # a client without verification is accepted
            trusting = {**options, "reject_unauthorized": False}
            async with http2.connect(
                node_server.origin, create_connection=dial, **trusting
            ) as inner:
                assert len(await inner.request({":path": "/body?size=1000"}).read()) == 1000

    run(main())


@pytest.mark.interop
def test_a_server_that_does_not_agree_to_h2(
    run: Run, background: Start, certificate: Certificate
) -> None:
    port = free_port()
    process = background(
        "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate.cert,
        "-key", certificate.key, "-quiet",
    )  # fmt: skip
    wait_for_port(process, port)

    async def main() -> None:
        async with (
            serving(tunnel) as (_, proxy),
            http2.connect(f"http://127.0.0.1:{proxy}") as outer,
        ):
            with pytest.raises(http2.Http2Error, match="ALPN"):
                await http2.connect(
                    f"https://127.0.0.1:{port}",
                    create_connection=through(outer),
                    ca=certificate.cert,
                )
            await eventually(lambda: not outer.streams)

    run(main())


async def refuse(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """A proxy that refuses everything."""
    match headers[":authority"].partition(".")[0]:
        case "silently":
            stream.respond({":status": 403}, end_stream=True)
        case "wordily":
            stream.respond({":status": 407})
            stream.end("<h1>Who are you?</h1>" * 100)
        case "abruptly":
            stream.close(NGHTTP2_CONNECT_ERROR)
        case "emptily":
            stream.respond(end_stream=True)
        case "wrongly":
            stream.respond()
            stream.end("HTTP/1.1 400 Bad Request\r\n\r\n")


def test_tunnels_that_are_none(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(refuse) as (_, proxy),
            http2.connect(f"http://127.0.0.1:{proxy}") as outer,
        ):
            dial = through(outer)

            async def failure(host: str, kind: type[BaseException]) -> Any:
                with pytest.raises(kind) as caught:
                    await http2.connect(f"https://{host}.test", create_connection=dial)
                await eventually(lambda: not outer.streams)
                return caught.value

            assert "status 403" in str(await failure("silently", ConnectionRefusedError))
            assert "status 407" in str(await failure("wordily", ConnectionRefusedError))
            error = await failure("abruptly", http2.StreamError)
            assert error.error_code == NGHTTP2_CONNECT_ERROR
            await failure("emptily", ConnectionResetError)
            await failure("wrongly", ssl.SSLError)
            # a request that waited for such a connection may be repeated elsewhere
            session = http2.connect("https://silently.test", create_connection=dial)
            with pytest.raises(http2.Http2Error) as caught:
                await session.request().response()
            assert caught.value.retryable
            await session.close()

    run(main())


def test_a_handshake_that_does_not_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends after a while, or with its session."""

    async def main() -> None:
        begun = Events()

        async def hold(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            begun.add("bytes", await stream.read(1))

        async with (
            serving(hold) as (_, proxy),
            http2.connect(f"http://127.0.0.1:{proxy}") as outer,
        ):
            session = http2.connect("https://silent.test", create_connection=through(outer))
            # a record of TLS's handshake (RFC 8446 section 5.1)
            assert await begun.expect("bytes") == ("bytes", b"\x16")
            session.destroy()
            await eventually(lambda: not outer.streams)
            monkeypatch.setattr(tls_carrier, "HANDSHAKE_TIMEOUT", 0.05)
            with pytest.raises(ConnectionAbortedError, match="not complete within"):
                await http2.connect("https://silent.test", create_connection=through(outer))
            await eventually(lambda: not outer.streams)

    run(main())


@pytest.mark.interop
def test_a_tunnel_that_breaks(run: Run, node_server: Peer, certificate: Certificate) -> None:
    """An end without close_notify is not a normal end for the session."""

    async def main() -> None:
        async with (
            serving(tunnel) as (_, proxy),
            http2.connect(f"http://127.0.0.1:{proxy}") as outer,
        ):
            carrier = outer.request(
                {":method": "CONNECT", ":authority": f"127.0.0.1:{node_server.port}"}
            )
            inner = await http2.connect(
                node_server.origin, create_connection=lambda *_: carrier, ca=certificate.cert
            )
            waiting = inner.request({":path": f"/body?size={3 * MIB}"})
            await waiting.response()
            events = Events()
            events.listen(inner, "error", "close")
            carrier.close(http2.constants.NGHTTP2_CANCEL)
            # as when the network ends a connection
            with pytest.raises(http2.ConnectionClosed):
                await waiting.read()
            await events.expect("close")
            assert inner.destroyed

    run(main())


def test_what_options_of_tls_say_wrong(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(tunnel) as (_, proxy),
            http2.connect(f"http://127.0.0.1:{proxy}") as outer,
        ):
            with pytest.raises(http2.Http2TypeError) as caught:
                await http2.connect(
                    f"https://127.0.0.1:{free_port()}", create_connection=through(outer), ca=1
                )
            assert caught.value.code == "ERR_INVALID_ARG_TYPE"
            await eventually(lambda: not outer.streams)

    run(main())
