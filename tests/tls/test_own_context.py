"""`ssl_context`: the program's own context is used unchanged, or refused."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run, execute
from ..support.self_signed import Certificate
from ..support.serving import hello, listening

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Locked(ssl.SSLContext):
    """A context that cannot be changed any more, once it is `locked`."""

    locked = False

    def __setattr__(self, name: str, value: object) -> None:
        assert not self.locked, name
        super().__setattr__(name, value)

    def set_alpn_protocols(self, alpn_protocols: Any) -> None:
        assert not self.locked
        super().set_alpn_protocols(alpn_protocols)

    def set_ciphers(self, cipherlist: str, /) -> None:
        assert not self.locked
        super().set_ciphers(cipherlist)

    def load_verify_locations(self, *args: Any, **kwargs: Any) -> None:
        assert not self.locked
        super().load_verify_locations(*args, **kwargs)


def server_context(
    certificate: Certificate, *protocols: str, version: ssl.TLSVersion | None = None
) -> Locked:
    """Return a context for a server with *certificate*."""
    context = Locked(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


def client_context(certificate: Certificate, *protocols: str) -> Locked:
    """Return a context for a client that trusts *certificate*."""
    context = Locked(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate.cert)
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


def secure(context: ssl.SSLContext, **options: Any) -> http2.Http2SecureServer:
    server = http2.create_secure_server(ssl_context=context, **options)
    server.on("stream", hello)
    return server


def test_asking_changes_nothing(certificate: Certificate) -> None:
    """The properties of a context are the same before and after."""
    context = server_context(certificate, "h2")

    def said() -> list[Any]:
        return [
            context.options, context.verify_mode, context.verify_flags, context.check_hostname,
            context.minimum_version, context.maximum_version, context.get_ciphers(),
            context.sni_callback, context.cert_store_stats(), context.post_handshake_auth,
        ]  # fmt: skip

    before = said()
    context.locked = True
    http2.create_secure_server(ssl_context=context)
    assert said() == before


@pytest.mark.row("secure_server.option.ssl_context", "connect.option.ssl_context")
@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("protocols", [["h2"], ["h2", "http/1.1"]])
def test_contexts_are_used_as_they_are(
    run: Run, certificate: Certificate, version: ssl.TLSVersion, protocols: list[str]
) -> None:
    async def main() -> None:
        ours = server_context(certificate, *protocols, version=version)
        theirs = client_context(certificate, *protocols)
        ours.locked = theirs.locked = True
        async with listening(secure(ours)) as port:
            for _ in range(2):
                async with http2.connect(
                    f"https://localhost:{port}", ssl_context=theirs
                ) as session:
                    assert session.alpn_protocol == "h2"
                    assert await session.request().read() == b"hello"

    run(main())


@pytest.mark.row("secure_server.option.ssl_context")
def test_one_context_for_two_servers(run: Run, certificate: Certificate) -> None:
    """One of them with HTTP/1.1, which the other's clients must not be offered."""

    async def main() -> None:
        context = server_context(certificate, "h2", "http/1.1")
        context.locked = True
        only = client_context(certificate, "http/1.1")
        both = secure(context, allow_http1=True)
        both.on("request", lambda request, response: None)
        async with listening(both), listening(secure(context)) as port:
            with pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"):
                await asyncio.open_connection("localhost", port, ssl=only)

    run(main())


NOT_OFFERED = "ssl_context offers ALPN protocols without 'h2': add it with set_alpn_protocols"


@pytest.mark.row("secure_server.option.ssl_context", "connect.option.ssl_context")
@pytest.mark.parametrize("version", [V12, V13])
def test_contexts_without_alpn(run: Run, certificate: Certificate, version: ssl.TLSVersion) -> None:
    """The common contexts; they work, and still offer nothing afterwards."""

    async def main() -> None:
        ours = server_context(certificate, version=version)
        # the client has to send its ClientHello again (RFC 8446 section 4.1.4)
        ours.set_ecdh_curve("secp521r1")
        theirs = client_context(certificate)
        async with listening(secure(ours)) as port:
            for _ in range(2):
                async with http2.connect(
                    f"https://localhost:{port}", ssl_context=theirs
                ) as session:
                    assert session.alpn_protocol == "h2"
                    assert await session.request().read() == b"hello"
        chosen: list[str | None] = []

        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            chosen.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
            writer.close()

        # the same two, and each with another that would accept h2
        for ssl_context, client in (
            (ours, client_context(certificate, "h2")),
            (server_context(certificate, "h2"), theirs),
        ):
            server = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=ssl_context)
            async with server:
                port = server.sockets[0].getsockname()[1]
                _, writer = await asyncio.open_connection(
                    "127.0.0.1", port, ssl=client, server_hostname="localhost"
                )
                writer.close()
                await writer.wait_closed()
        assert chosen == [None, None]

    run(main())


@pytest.mark.interop
@pytest.mark.row("secure_server.option.ssl_context")
def test_http1_without_alpn(run: Run, certificate: Certificate) -> None:
    """With `allow_http1`, such a context offers both."""

    async def main() -> None:
        server = http2.create_secure_server(
            lambda request, response: response.end(request.http_version),
            ssl_context=server_context(certificate),
            allow_http1=True,
        )
        async with listening(server) as port:
            for flag, version in (("--http2", "2.0"), ("--http1.1", "1.1")):
                url = f"https://localhost:{port}/"
                out = await execute(
                    "curl", "-sS", "-m", "20", flag, "--cacert", certificate.cert, url
                )
                assert out == version.encode()

    run(main())


@pytest.mark.row("secure_server.option.ssl_context")
@pytest.mark.parametrize("verify", [ssl.CERT_NONE, ssl.CERT_REQUIRED])
@pytest.mark.parametrize("version", [V12, V13])
def test_a_server_without_h2(
    certificate: Certificate,
    version: ssl.TLSVersion,
    verify: ssl.VerifyMode,
) -> None:
    context = server_context(certificate, "http/1.1", version=version)
    context.verify_mode = verify
    with pytest.raises(http2.Http2ArgumentError, match=NOT_OFFERED) as caught:
        http2.create_secure_server(ssl_context=context)
    assert caught.value.code == "ERR_INVALID_ARG_VALUE"
    context.set_alpn_protocols(["http/1.1", "h2"])
    http2.create_secure_server(ssl_context=context)


def test_a_server_of_another_group(certificate: Certificate) -> None:
    """The client has to send its ClientHello again (RFC 8446 section 4.1.4)."""
    context = server_context(certificate, "http/1.1", version=V13)
    context.set_ecdh_curve("secp521r1")
    with pytest.raises(http2.Http2ArgumentError, match=NOT_OFFERED):
        http2.create_secure_server(ssl_context=context)
    context.set_alpn_protocols(["h2"])
    http2.create_secure_server(ssl_context=context)


@pytest.mark.row("connect.option.ssl_context")
def test_a_client_without_h2(run_asyncio: Run, certificate: Certificate) -> None:
    async def main() -> None:
        context = client_context(certificate, "http/1.1")
        with pytest.raises(http2.Http2ArgumentError, match=NOT_OFFERED) as caught:
            http2.connect("https://localhost:1", ssl_context=context)
        assert caught.value.code == "ERR_INVALID_ARG_VALUE"

    run_asyncio(main())


def test_contexts_for_the_other_side(run_asyncio: Run, certificate: Certificate) -> None:
    async def main() -> None:
        with pytest.raises(http2.Http2ArgumentError, match="is not usable for a client"):
            http2.connect("https://localhost:1", ssl_context=server_context(certificate, "h2"))
        with pytest.raises(http2.Http2ArgumentError, match="is not usable for a server"):
            http2.create_secure_server(ssl_context=client_context(certificate, "h2"))

    run_asyncio(main())


def test_a_context_without_a_certificate() -> None:
    """If it cannot be known before, clients get the error."""
    http2.create_secure_server(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


def test_renegotiation_before_openssl_3(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 9113 section 9.2.1: off. OpenSSL 3 has it off by default."""
    context = server_context(certificate, "h2")
    context.options &= ~ssl.OP_NO_RENEGOTIATION
    monkeypatch.setattr("ssl.OPENSSL_VERSION_INFO", (1, 1, 1, 23, 15))
    with pytest.raises(http2.Http2ArgumentError, match=r"add ssl\.OP_NO_RENEGOTIATION"):
        http2.create_secure_server(ssl_context=context)
    context.options |= ssl.OP_NO_RENEGOTIATION
    http2.create_secure_server(ssl_context=context)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Another certificate, for other.test."""
    return Certificate.make(tmp_path_factory.mktemp("other"), "other.test")


def choosing(second: ssl.SSLContext, names: list[str | None]) -> Callable[..., None]:
    """Return an `sni_callback` that selects *second* for other.test."""

    def choose(connection: Any, name: str | None, context: ssl.SSLContext) -> None:
        names.append(name)
        if name == "other.test":
            connection.context = second

    return choose


@pytest.mark.row("secure_server.option.ssl_context")
def test_sni(run: Run, certificate: Certificate, other: Certificate) -> None:
    """The program's own callback selects by name, and is called only for real clients."""

    async def main() -> None:
        names: list[str | None] = []
        default, second = server_context(certificate, "h2"), server_context(other, "h2")
        default.sni_callback = choosing(second, names)
        default.locked = second.locked = True
        async with listening(secure(default)) as port:
            for name, trusted in (("localhost", certificate), ("other.test", other)):
                async with http2.connect(
                    f"https://127.0.0.1:{port}", servername=name, ca=trusted.cert
                ) as session:
                    assert await session.request().read() == b"hello"
        assert names == ["localhost", "other.test"]

    run(main())


def test_a_chosen_context_without_h2(
    run: Run, certificate: Certificate, other: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    """It cannot be checked before; a line of the log describes the problem."""

    async def main() -> None:
        default = server_context(certificate, "h2")
        default.sni_callback = choosing(server_context(other), [])
        async with listening(secure(default)) as port:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=client_context(other, "h2"), server_hostname="other.test"
            )
            async with RawPeer(reader, writer):
                assert (await reader.readline()).startswith(b"HTTP/1.1 403")
            async with await RawPeer.connect(port, client_context(certificate, "h2")) as peer:
                peer.send(raw.get())
                assert await peer.body(1) == b"hello"

    with caplog.at_level(logging.WARNING, "http2"):
        run(main())
    (line,) = caplog.messages
    assert "selected none of the ALPN protocols that a client offers" in line
    assert "set_alpn_protocols(['h2'])" in line
