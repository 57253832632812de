"""ALPN on a secure server: the selected protocol, and handshakes that fail."""

from __future__ import annotations

import asyncio
import operator
import ssl
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import http2

from ..support.raw import RawPeer
from ..support.running import Run, node
from ..support.self_signed import Certificate
from ..support.serving import listening
from ..support.tls import ByHand, client_hello, message_of, records, told, trusting


@pytest.fixture(scope="module")
def refusal(certificate: Certificate) -> dict[str, str]:
    """Return Node's name of the alert: 20.18 has none, 20.20 has one."""
    said: dict[str, str] = asyncio.run(node("tls/refusal.js", certificate.key, certificate.cert))
    assert said["code"] in ("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "ECONNRESET")
    return said


@pytest.mark.row("secure_server.alpn", "secure_server.event.tls_client_error")
@pytest.mark.parametrize("offer", [("http/1.1",), ("foo", "bar"), ("x" * 255,)])
def test_no_protocol_of_ours(run: Run, certificate: Certificate, offer: tuple[str, ...]) -> None:
    """RFC 7301 section 3.2: a fatal alert, no_application_protocol."""

    async def main() -> None:
        async with told(certificate) as (_, events, port):
            async with await RawPeer.dial(port) as peer:
                peer.send(client_hello(*offer))
                assert await peer.bytes() == b"\x15\x03\x03\x00\x02\x02\x78"
            _, error, sock = await events.expect("tls_client_error")
            assert isinstance(error, ssl.SSLError)
            said_as_openssl_does = operator.attrgetter("library", "reason")(error)
            assert said_as_openssl_does == ("SSL", "NO_APPLICATION_PROTOCOL")
            assert offer[0] in str(error)
            assert sock.destroyed
            assert events.names == ["connection", "tls_client_error"]

    run(main())


def crumbled(hello: bytes) -> bytes:
    """Return *hello* in more records than are joined here."""
    return records(message_of(hello), [1] * 20)


def overlong(hello: bytes) -> bytes:
    """Return *hello* with an unknown extension (RFC 8701), longer than the parser accepts."""
    message = message_of(hello)
    at = 4 + 2 + 32  # up to the session
    at += 1 + message[at]
    at += 2 + int.from_bytes(message[at : at + 2], "big")
    at += 1 + message[at]
    extensions = b"\x0a\x0a\x44\x44" + bytes(0x4444) + message[at + 2 :]
    body = message[4:at] + len(extensions).to_bytes(2, "big") + extensions
    return records(b"\x01" + len(body).to_bytes(3, "big") + body, [16384])


@pytest.mark.row("secure_server.alpn")
@pytest.mark.parametrize("change", [crumbled, overlong])
def test_hellos_that_only_openssl_reads(
    run: Run, certificate: Certificate, change: Callable[[bytes], bytes]
) -> None:
    """An attacker may split a ClientHello differently, but that does not bypass ALPN."""

    async def main() -> None:
        async with told(certificate) as (server, events, port):
            server.on("unknown_protocol", lambda socket: events.add("unknown", socket))
            for offer, names in (
                ("h2", ["connection", "session"]),
                ("foo", ["connection", "tls_client_error"]),
            ):
                first = len(events.seen)
                async with await RawPeer.dial(port) as peer:
                    client = ByHand(peer, trusting(certificate, offer))
                    hello = client.begin()
                    peer.send(change(hello))
                    if change is overlong:
                        # this client has no transcript of it: the test
                        # needs only the server's answer
                        assert (await peer.bytes(1)) == b"\x16"
                        continue
                    peer.send(await client.finish())
                    await events.expect(names[1])
                assert events.names[first:] == names
                if offer == "foo":
                    error = (await events.expect("tls_client_error"))[1]
                    assert error.reason == "NO_APPLICATION_PROTOCOL"

    run(main())


@pytest.mark.interop
@pytest.mark.row("secure_server.alpn", "secure_server.event.tls_client_error")
def test_no_protocol_of_ours_with_real_clients(
    run: Run, certificate: Certificate, refusal: dict[str, str]
) -> None:
    async def main() -> None:
        async with told(certificate) as (_, events, port):

            async def output(*command: str) -> tuple[int | None, str]:
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                )  # fmt: skip
                out, _ = await asyncio.wait_for(process.communicate(), 20)
                # an HTTP/2 connection is binary
                return process.returncode, out.decode(errors="replace")

            code, said = await output("curl", "-sSk", "--http1.1", f"https://127.0.0.1:{port}/")
            assert code == 35, said
            assert "no application protocol" in said
            address = f"127.0.0.1:{port}"
            _, said = await output("openssl", "s_client", "-alpn", "foo", "-connect", address)
            assert "alert number 120" in said
            for version in ("-tls1_2", "-tls1_3"):
                _, said = await output(
                    "openssl", "s_client", version, "-alpn", "foo,h2", "-connect", address
                )
                assert "ALPN protocol: h2" in said
            seen = await node("tls/alpn.js", str(port), certificate.cert, "foo", "http/1.1")
            assert seen == refusal
            seen = await node("tls/alpn.js", str(port), certificate.cert, "foo", "h2")
            assert seen == {"alpn": "h2"}
            with pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"):
                await RawPeer.dial(port, trusting(certificate, "http/1.1"))
            assert events.names.count("tls_client_error") == 4

    run(main())


@pytest.mark.interop
@pytest.mark.row("secure_server.alpn", "secure_server.option.allow_http1")
@pytest.mark.parametrize(
    ("allow", "offer", "expected"),
    [
        (True, ("http/1.1",), "http/1.1"),
        (True, ("foo", "http/1.0"), "http/1.0"),
        (True, ("http/1.1", "h2"), "h2"),
        (True, (), False),
        (True, ("foo",), None),
        (False, ("http/1.1",), None),
        (False, (), False),
    ],
)
def test_what_node_agrees_on(
    run: Run,
    certificate: Certificate,
    refusal: dict[str, str],
    allow: bool,
    offer: tuple[str, ...],
    expected: Any,
) -> None:
    """Connect with Node; None for a handshake that fails."""

    async def main() -> None:
        async with told(certificate, allow_http1=allow) as (_, events, port):
            seen = await node("tls/alpn.js", str(port), certificate.cert, *offer)
            if expected is None:
                assert seen == refusal
                await events.expect("tls_client_error")
            else:
                assert seen == {"alpn": expected}
                assert "tls_client_error" not in events.names

    run(main())


@pytest.mark.row("secure_server.alpn")
def test_http1_where_it_is_spoken(run: Run, certificate: Certificate) -> None:
    """An HTTP/1 service gets clients that offer HTTP/1, and those without ALPN."""

    async def main() -> None:
        async with told(certificate) as (server, events, port):
            assert server.tls_context is not None
            server.tls_context.set_alpn_protocols(["h2", "http/1.1"])

            def serve(_: Any, transport: asyncio.Transport, early: bytes, claimed: Any) -> None:
                tls = transport.get_extra_info("ssl_object")
                events.add("http1", tls.selected_alpn_protocol(), early)
                transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                transport.close()

            server.serves_http1 = serve
            for offer in (("http/1.1",), ("foo", "http/1.1"), ()):
                async with await RawPeer.dial(port, trusting(certificate, *offer)) as peer:
                    assert (await peer.bytes()).startswith(b"HTTP/1.1 204 ")
            assert [entry[1] for entry in events.seen if entry[0] == "http1"] == [
                "http/1.1", "http/1.1", None,
            ]  # fmt: skip
            with pytest.raises(ssl.SSLError):
                await RawPeer.dial(port, trusting(certificate, "foo"))

    run(main())


@pytest.mark.row("session.socket.alpn_protocol")
def test_alpn_protocol_of_a_socket(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        async with told(certificate) as (_, events, port):
            url = f"https://localhost:{port}"
            async with http2.connect(url, ca=certificate.cert) as session:
                assert session.socket.alpn_protocol == "h2"
                assert (await events.expect("session"))[1].socket.alpn_protocol == "h2"
        clear = http2.create_server()
        async with (
            listening(clear) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            assert session.socket.alpn_protocol is None

    run(main())
