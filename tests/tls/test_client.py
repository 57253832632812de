"""The client over TLS: trusted authorities, its own certificate, and refusals."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support.peers import Peer, happening, serving_url, start_node, starting, wait_for_port
from ..support.running import Run, free_port
from ..support.self_signed import Certificate, lock_key


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("stranger"), "stranger.test")


@pytest.fixture(scope="module")
def peer(certificate: Certificate) -> Iterator[Peer]:
    with starting() as start:
        yield start_node(start, cert=certificate.cert, key=certificate.key)


async def status(session: http2.ClientHttp2Session) -> int:
    async with session:
        headers = await session.request({":path": "/headers-only"}).response()
        found: int = headers[":status"]
        return found


@pytest.mark.interop
@pytest.mark.row("connect.option.ca")
def test_forms_of_ca(run: Run, peer: Peer, certificate: Certificate, stranger: Certificate) -> None:
    pem = Path(certificate.cert).read_bytes()
    other = Path(stranger.cert).read_bytes()

    async def main() -> None:
        for ca in (
            certificate.cert,
            Path(certificate.cert),
            pem,
            bytearray(pem),
            pem.decode(),
            [stranger.cert, pem],
            other + pem,
        ):
            assert await status(http2.connect(peer.origin, ca=ca)) == 204

    run(main())


@pytest.mark.interop
@pytest.mark.row("connect.option.reject_unauthorized")
def test_nobody_vouches(run: Run, peer: Peer, stranger: Certificate) -> None:
    async def main() -> None:
        for options in ({}, {"ca": stranger.cert}):
            with pytest.raises(ssl.SSLCertVerificationError):
                await http2.connect(peer.origin, **options)
            # without an awaiting caller: the event, and the error for a caller that
            # waits for a response
            session = http2.connect(peer.origin, **options)
            error = happening(session, "error")
            closed = happening(session, "close")
            stream = session.request()
            with pytest.raises(http2.Http2Error) as caught:
                await stream.response()
            assert caught.value.retryable
            assert isinstance(caught.value.__cause__, ssl.SSLError)
            assert isinstance((await error)[0], ssl.SSLError)
            await closed
        insecure = http2.connect(peer.origin, reject_unauthorized=False)
        assert await status(insecure) == 204

    run(main())


@pytest.mark.interop
@pytest.mark.row("connect.option.servername")
def test_servername(run: Run, stranger: Certificate) -> None:
    async def main() -> None:
        names: list[Any] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(stranger.cert, stranger.key)
        context.set_alpn_protocols(["h2"])
        context.sni_callback = lambda connection, name, _: names.append(name)
        server = http2.create_secure_server(ssl_context=context)
        server.on("stream", lambda stream: stream.respond(end_stream=True))
        await server.listen(0, "127.0.0.1")
        async with server:
            origin = f"https://127.0.0.1:{server.address()[1]}"
            async with http2.connect(
                origin, ca=stranger.cert, servername="stranger.test"
            ) as session:
                stream = session.request()
                assert (await stream.response())[":status"] == 200
                sent = stream.sent_headers
                assert sent is not None
                assert sent[":authority"].startswith("stranger.test")
        assert names == ["stranger.test"]
        # without it, the certificate is for another name than the URL's
        with starting() as start:
            other = start_node(start, cert=stranger.cert, key=stranger.key)
            with pytest.raises(ssl.SSLCertVerificationError):
                await http2.connect(other.origin, ca=stranger.cert)
            named = http2.connect(other.origin, ca=stranger.cert, servername="stranger.test")
            assert await status(named) == 204

    run(main())


@pytest.mark.interop
@pytest.mark.row("connect.option.cert", "connect.option.key")
def test_client_certificate(run: Run, certificate: Certificate, stranger: Certificate) -> None:
    identities: tuple[tuple[Any, Any], ...] = (
        (stranger.cert, stranger.key),
        (Path(stranger.cert).read_bytes(), Path(stranger.key).read_bytes()),
        (Path(stranger.cert).read_text(), Path(stranger.key).read_text()),
    )

    async def main() -> None:
        with starting() as start:
            strict = start_node(
                start, cert=certificate.cert, key=certificate.key, ca=stranger.cert,
                requestCert=True,
            )  # fmt: skip
            for cert, key in identities:
                session = http2.connect(strict.origin, ca=certificate.cert, cert=cert, key=key)
                assert await status(session) == 204
            # without one, or with an untrusted one, the server disconnects
            for options in ({}, {"cert": certificate.cert, "key": certificate.key}):
                session = http2.connect(strict.origin, ca=certificate.cert, **options)
                session.on("error", lambda error: None)
                closed = happening(session, "close")
                stream = session.request()
                with pytest.raises((http2.Http2Error, OSError)):
                    await stream.response()
                await closed

    run(main())


@pytest.mark.row("connect.option.passphrase")
def test_passphrase(run_asyncio: Run, tmp_path: Path, stranger: Certificate) -> None:
    locked = tmp_path / "locked.key"
    lock_key(stranger.key, locked, b"secret")

    async def main() -> None:
        async with serving_url(lambda stream: stream.respond(end_stream=True), stranger) as (
            _,
            origin,
        ):
            session = http2.connect(
                origin, ca=stranger.cert, servername="stranger.test",
                cert=stranger.cert, key=str(locked), passphrase="secret",
            )  # fmt: skip
            async with session:
                assert (await session.request().response())[":status"] == 200
            with pytest.raises(ssl.SSLError):
                http2.connect(origin, cert=stranger.cert, key=str(locked), passphrase="wrong")

    run_asyncio(main())


@pytest.mark.interop
@pytest.mark.parametrize("alpn", [(), ("-alpn", "http/1.1")], ids=["no-alpn", "http1"])
def test_server_that_does_not_speak_http2(
    run: Run, background: Callable[..., Any], certificate: Certificate, alpn: tuple[str, ...]
) -> None:
    port = free_port()
    process = background(
        "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate.cert,
        "-key", certificate.key, "-quiet", *alpn,
    )  # fmt: skip
    wait_for_port(process, port)

    async def main() -> None:
        with pytest.raises((http2.Http2Error, ssl.SSLError)) as caught:
            await http2.connect(f"https://127.0.0.1:{port}", ca=certificate.cert)
        said = str(caught.value).lower().replace("_", " ")
        assert "alpn" in said or "application protocol" in said
        session = http2.connect(f"https://127.0.0.1:{port}", ca=certificate.cert)
        errors: list[Any] = []
        session.on("error", errors.append)
        closed = happening(session, "close")
        with pytest.raises(http2.Http2Error) as stream_caught:
            await session.request().response()
        assert stream_caught.value.retryable
        await closed
        assert len(errors) == 1

    run(main())


def test_server_that_speaks_no_tls(run: Run) -> None:
    async def main() -> None:
        async with serving_url() as (_, origin):
            with pytest.raises(http2.NghttpError, match="does not use TLS") as failed:
                await http2.connect(origin.replace("http:", "https:"))
        assert isinstance(failed.value.__cause__, ssl.SSLError)

        # and the reverse: a TLS server gets a connection in the clear
        async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1000)
            writer.write(b"\x15\x03\x03\x00\x02\x02\x0a")
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(alert, "127.0.0.1", 0)
        session = http2.connect(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        session.on("error", lambda error: None)
        closed = happening(session, "close")
        with pytest.raises((http2.Http2Error, OSError)):
            await session.request().response()
        await closed
        server.close()
        await server.wait_closed()

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_versions(run: Run, certificate: Certificate, version: str) -> None:
    async def main() -> None:
        with starting() as start:
            only = start_node(
                start, cert=certificate.cert, key=certificate.key, minVersion=version,
                maxVersion=version,
            )  # fmt: skip
            async with http2.connect(only.origin, ca=certificate.cert) as session:
                assert session.socket.get_extra_info("ssl_object").version() == version
                assert session.alpn_protocol == "h2"
                stream = session.request({":path": "/body?size=300000"})
                assert len(await stream.read()) == 300000

    run(main())


@pytest.mark.interop
@pytest.mark.row("connect.option.ssl_context")
def test_ssl_context(run: Run, peer: Peer, certificate: Certificate) -> None:
    async def main() -> None:
        context = ssl.create_default_context(cafile=certificate.cert)
        context.set_alpn_protocols(["h2"])
        assert await status(http2.connect(peer.origin, ssl_context=context)) == 204
        # one context for many sessions
        sessions = [http2.connect(peer.origin, ssl_context=context) for _ in range(5)]
        assert await asyncio.gather(*map(status, sessions)) == [204] * 5
        with pytest.raises(http2.Http2ValueError) as caught:
            http2.connect(peer.origin, ssl_context=context, ca=certificate.cert)
        assert caught.value.code == "ERR_INVALID_ARG_VALUE"

    run(main())


def test_files_that_are_not_there(run_asyncio: Run, tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "empty.pem").write_text("")
        missing = str(tmp_path / "missing.pem")
        for options in ({"ca": missing}, {"cert": missing}, {"cert": missing, "key": missing}):
            with pytest.raises(FileNotFoundError):
                http2.connect("https://127.0.0.1:1", **options)
        for options in ({"ca": str(tmp_path / "empty.pem")}, {"ca": b"-----BEGIN nothing"}):
            with pytest.raises(ssl.SSLError):
                http2.connect("https://127.0.0.1:1", **options)

    run_asyncio(main())


@pytest.mark.interop
@pytest.mark.row("session.socket.get_peer_certificate")
def test_peer_certificate(run: Run, peer: Peer, certificate: Certificate) -> None:
    async def main() -> None:
        async with http2.connect(peer.origin, ca=certificate.cert) as session:
            seen = session.socket.get_peer_certificate()
            assert seen is not None
            assert seen["subject"] == ((("commonName", "localhost"),),)
            assert session.socket.encrypted

    run(main())
