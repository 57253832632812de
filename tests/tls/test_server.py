"""The secure server: ALPN, versions, identities, clients' certificates, and broken handshakes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_INADEQUATE_SECURITY

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run, execute, node
from ..support.self_signed import Certificate, lock_key, make_key
from ..support.serving import Events, listening
from ..support.tls import check_hello, secure, trusting


@pytest.mark.interop
@pytest.mark.row(
    "module.create_secure_server",
    "module.Http2SecureServer",
    "secure_server.option.cert",
    "secure_server.option.key",
    "secure_server.alpn",
)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl(run: Run, certificate: Certificate, version: str) -> None:
    async def main() -> None:
        async with listening(secure(cert=certificate.cert, key=certificate.key)) as port:
            out = await execute(
                "curl", "-sS", "--http2", f"--tlsv{version}", "--tls-max", version,
                "--cacert", certificate.cert, "-w", "\n%{http_version}",
                f"https://localhost:{port}/", "--resolve", f"localhost:{port}:127.0.0.1",
            )  # fmt: skip
            assert out == b"hello\n2"

    run(main())


@pytest.mark.interop
@pytest.mark.row("session.encrypted", "session.alpn_protocol", "secure_server.alpn")
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_node(run: Run, certificate: Certificate, version: str) -> None:
    async def main() -> None:
        server = secure(cert=certificate.cert, key=certificate.key)
        sessions: list[http2.ServerHttp2Session] = []
        server.on("session", sessions.append)
        async with listening(server) as port:
            seen = await node("tls/client.js", str(port), certificate.cert, version)
            assert seen == {
                "alpn": "h2", "encrypted": True, "protocol": version, "status": 200,
                "body": "hello", "origin": f"https://localhost:{port}",
            }  # fmt: skip
            [session] = sessions
            assert session.encrypted is True
            assert session.alpn_protocol == "h2"

    run(main())


def test_versions_below_1_2_are_refused(certificate: Certificate) -> None:
    server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
    context = server.tls_context
    assert context is not None
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256"])
def test_inadequate_security(run: Run, certificate: Certificate, cipher: str) -> None:
    """The application's own context may allow ciphers that RFC 9113 appendix A forbids."""

    async def main() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        context.set_ciphers(f"{cipher}:ECDHE+AESGCM")
        context.set_alpn_protocols(["h2"])
        events = Events()
        server = secure(ssl_context=context)
        events.listen(server, "session", "session_error")
        async with listening(server) as port:
            weak = trusting(certificate, "h2")
            weak.maximum_version = ssl.TLSVersion.TLSv1_2
            weak.set_ciphers(cipher)
            async with await RawPeer.dial(port, weak) as peer:
                peer.send(raw.PREFACE, raw.settings(), raw.get())
                frames = await peer.rest()
                assert [got.type for got in frames] == [raw.SETTINGS, raw.GOAWAY] or [
                    got.type for got in frames
                ] == [raw.GOAWAY]
                assert frames[-1].code == NGHTTP2_INADEQUATE_SECURITY
            error = (await events.expect("session_error"))[1]
            assert error.error_code == NGHTTP2_INADEQUATE_SECURITY
            assert events.names == ["session_error"]
            await check_hello(port, trusting(certificate, "h2"))

    run(main())


def test_client_without_alpn(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        events = Events()
        server = secure(cert=certificate.cert, key=certificate.key)
        events.listen(server, "session", "session_error")
        async with listening(server) as port:
            async with await RawPeer.dial(port, trusting(certificate)) as peer:
                peer.send(raw.PREFACE, raw.settings())
                assert (await peer.bytes()).startswith(b"HTTP/1.1 403 ")
            assert events.seen == []
            await check_hello(port, trusting(certificate, "h2"))

    run(main())


@pytest.mark.row("secure_server.alpn")
def test_client_of_another_protocol(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        events = Events()
        server = secure(cert=certificate.cert, key=certificate.key)
        events.listen(server, "session", "session_error")
        async with listening(server) as port:
            with pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"):
                await RawPeer.dial(port, trusting(certificate, "http/1.1"))
            assert events.seen == []
            await check_hello(port, trusting(certificate, "h2", "http/1.1"))

    run(main())


@pytest.mark.parametrize("manner", ["reset", "close", "garbage", "plain"])
def test_broken_handshake(run: Run, certificate: Certificate, manner: str) -> None:
    async def main() -> None:
        events = Events()
        server = secure(cert=certificate.cert, key=certificate.key)
        events.listen(server, "session", "session_error")
        async with listening(server) as port:
            hello_record = client_hello()
            peer = await RawPeer.dial(port)
            if manner == "garbage":
                peer.send(bytes(200))
                await peer.bytes()
            elif manner == "plain":
                peer.send(raw.PREFACE, raw.settings())
                await peer.bytes()
            else:
                peer.send(hello_record[: len(hello_record) // 2])
                await peer.flush()
            if manner == "reset":
                await peer.abort()
            else:
                await peer.close()
            await check_hello(port, trusting(certificate, "h2"))
            assert events.names == ["session"]

    run(main())


def test_handshake_that_outlives_the_server(run: Run, certificate: Certificate) -> None:
    """A closed server has no sessions, even of late clients."""

    async def main() -> None:
        events = Events()
        server = secure(cert=certificate.cert, key=certificate.key)
        events.listen(server, "session", "session_error")
        async with listening(server) as port:
            late = await RawPeer.dial(port)
            # later clients are served, so it was accepted
            await check_hello(port, trusting(certificate, "h2"))
        async with late:
            late.send(client_hello())
            assert await late.rest() == []
        assert events.names == ["session"]

    run(main())


def client_hello() -> bytes:
    """Return the first flight of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.row("beyond.reset_kills_nothing")
def test_connection_cut_after_the_handshake(run: Run, certificate: Certificate) -> None:
    """A TCP reset between the handshake and the preface, and inside a request."""

    async def main() -> None:
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        events = Events()

        @server.on("stream")
        async def wait(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            events.listen(stream, "aborted", "close")
            try:
                await stream.read()
            except asyncio.CancelledError:
                events.add("cancelled")
                raise

        events.listen(server, "session")
        server.on("session", lambda session: events.listen(session, "close", prefix="session "))
        async with listening(server) as port:
            context = trusting(certificate, "h2")
            early = await RawPeer.dial(port, context)
            await events.expect("session")
            await early.abort()
            await events.expect("session close")
            late = await RawPeer.connect(port, context)
            late.send(raw.post(), raw.data(1, b"some"))
            await late.answered()
            await late.abort()
            await events.expect("session close", 2)
            await events.expect("cancelled")
            assert events.names.count("aborted") == events.names.count("close") == 1

    run(main())


# --- identities -----------------------------------------------------------------------------


def protected(certificate: Certificate, folder: Path) -> str:
    """Return the key of *certificate*, with the passphrase ``secret``."""
    path = str(folder / "protected.pem")
    lock_key(certificate.key, path, b"secret")
    return path


def as_paths(certificate: Certificate, folder: Path) -> dict[str, Any]:
    return {"cert": certificate.cert, "key": Path(certificate.key)}


def as_pem(certificate: Certificate, folder: Path) -> dict[str, Any]:
    return {"cert": Path(certificate.cert).read_bytes(), "key": Path(certificate.key).read_bytes()}


def as_text(certificate: Certificate, folder: Path) -> dict[str, Any]:
    return {"cert": Path(certificate.cert).read_text(), "key": Path(certificate.key).read_text()}


def as_one_file(certificate: Certificate, folder: Path) -> dict[str, Any]:
    path = folder / "both.pem"
    path.write_bytes(Path(certificate.key).read_bytes() + Path(certificate.cert).read_bytes())
    return {"cert": path}


def with_passphrase(certificate: Certificate, folder: Path) -> dict[str, Any]:
    return {
        "cert": certificate.cert,
        "key": protected(certificate, folder),
        "passphrase": "secret",
    }


Identity = Callable[[Certificate, Path], dict[str, Any]]


@pytest.mark.row(
    "secure_server.option.cert", "secure_server.option.key", "secure_server.option.passphrase"
)
@pytest.mark.parametrize("identity", [as_paths, as_pem, as_text, as_one_file, with_passphrase])
def test_identity(run: Run, certificate: Certificate, tmp_path: Path, identity: Identity) -> None:
    async def main() -> None:
        async with listening(secure(**identity(certificate, tmp_path))) as port:
            await check_hello(port, trusting(certificate, "h2"))

    run(main())


def test_wrong_identities(certificate: Certificate, tmp_path: Path) -> None:
    files = {"cert": certificate.cert, "key": certificate.key}
    other = tmp_path / "other.pem"
    make_key(other)
    wrong: list[tuple[type[Exception], dict[str, Any]]] = [
        (TypeError, {}),
        (TypeError, {"key": certificate.key}),
        (TypeError, {"cert": 5, "key": certificate.key}),
        (TypeError, {"cert": certificate.cert, "key": 5}),
        (TypeError, files | {"ca": 5}),
        (TypeError, {"ssl_context": "context"}),
        (ValueError, files | {"ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}),
        (TypeError, files | {"nonsense": True}),
        (OSError, {"cert": str(tmp_path / "nowhere"), "key": certificate.key}),
        (ssl.SSLError, {"cert": b"no certificate", "key": b"no key"}),
        (ssl.SSLError, {"cert": certificate.cert}),
        (ssl.SSLError, {"cert": certificate.cert, "key": other}),
        (
            ssl.SSLError,
            {
                "cert": certificate.cert,
                "key": protected(certificate, tmp_path),
                "passphrase": "wrong",
            },
        ),
    ]
    for kind, options in wrong:
        with pytest.raises(kind):
            http2.create_secure_server(**options)


def test_pem_bytes_leave_no_file(
    certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    http2.create_secure_server(**as_pem(certificate, tmp_path))
    with pytest.raises(ssl.SSLError):
        http2.create_secure_server(cert=b"no certificate", key=b"no key")
    assert list(tmp_path.iterdir()) == []


# --- clients' certificates --------------------------------------------------------------------


@pytest.mark.row(
    "secure_server.option.ca",
    "secure_server.option.request_cert",
    "secure_server.option.reject_unauthorized",
    "session.socket.get_peer_certificate",
)
@pytest.mark.parametrize("strict", [True, False])
def test_client_certificate(run: Run, certificate: Certificate, strict: bool) -> None:
    async def main() -> None:
        seen: list[Any] = []
        server = secure(
            cert=certificate.cert, key=certificate.key, ca=certificate.cert,
            request_cert=True, reject_unauthorized=strict,
        )  # fmt: skip
        server.on("session", lambda session: seen.append(session.socket.get_peer_certificate()))
        async with listening(server) as port:
            context = trusting(certificate, "h2")
            context.load_cert_chain(certificate.cert, certificate.key)
            await check_hello(port, context)
            assert (("commonName", "localhost"),) in seen[0]["subject"]
            if strict:
                # with TLS 1.3 the refusal arrives after the client's side of the handshake
                with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
                    await check_hello(port, trusting(certificate, "h2"))
                assert len(seen) == 1
            else:
                await check_hello(port, trusting(certificate, "h2"))
                assert not seen[1]

    run(main())


def test_no_certificate_is_asked_for_by_default(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        seen: list[Any] = []
        server = secure(cert=certificate.cert, key=certificate.key, ca=certificate.cert)
        server.on("session", lambda session: seen.append(session.socket.get_peer_certificate()))
        async with listening(server) as port:
            context = trusting(certificate, "h2")
            context.load_cert_chain(certificate.cert, certificate.key)
            await check_hello(port, context)
        assert not seen[0]

    run(main())
