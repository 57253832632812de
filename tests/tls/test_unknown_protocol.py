"""Clients over TLS that did not negotiate HTTP/2: refused, or passed to a listener."""

from __future__ import annotations

import asyncio
import logging
import subprocess

import pytest

import http2

from ..support.raw import RawPeer
from ..support.running import Run, node
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, listening
from ..support.sessions import refused
from ..support.tls import check_hello, secure, trusting


@pytest.mark.interop
@pytest.mark.row("secure_server.event.unknown_protocol", "module.UnknownProtocolSocket")
def test_refused_without_a_listener(run: Run, certificate: Certificate) -> None:
    """In HTTP/1.1, and completely: Node and openssl both get a whole answer."""

    async def main() -> None:
        async with listening(secure(cert=certificate.cert, key=certificate.key)) as port:
            text = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"
            seen = await node("tls/no_alpn.js", str(port), certificate.cert, text)
            head, body = seen["got"].split("\r\n\r\n", 1)
            assert head.startswith("HTTP/1.1 403 Forbidden\r\n")
            assert f"content-length: {len(body)}" in head
            assert "h2" in body
            process = await asyncio.create_subprocess_exec(
                "openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            out, _ = await asyncio.wait_for(process.communicate(), 20)
            assert out.startswith(b"HTTP/1.1 403 ")
            await check_hello(port, trusting(certificate, "h2"))

    run(main())


@pytest.mark.interop
@pytest.mark.row(
    "secure_server.event.unknown_protocol",
    "unknown_protocol_socket.reader",
    "unknown_protocol_socket.writer",
    "unknown_protocol_socket.get_extra_info",
    "unknown_protocol_socket.destroyed",
)
def test_listener_speaks_its_own_protocol(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        events = Events()
        server = secure(cert=certificate.cert, key=certificate.key)

        @server.on("unknown_protocol")
        async def shout(socket: http2.UnknownProtocolSocket) -> None:
            events.add("socket", socket)
            assert socket.get_extra_info("ssl_object").selected_alpn_protocol() is None
            assert socket.get_extra_info("peername")[0] == "127.0.0.1"
            line = await socket.reader.readline()
            socket.writer.write(line.upper())
            await socket.writer.drain()
            assert not socket.destroyed
            socket.writer.close()
            await socket.writer.wait_closed()
            events.add("done")

        async with listening(server) as port:
            seen = await node("tls/no_alpn.js", str(port), certificate.cert, "hello\n")
            assert seen == {"got": "HELLO\n", "alpn": False}
            await events.expect("done")
            socket = (await events.expect("socket"))[1]
            assert socket.destroyed
            assert not server.open_connections.handed_over
            await check_hello(port, trusting(certificate, "h2"))

    run(main())


@pytest.mark.row("server.option.unknown_protocol_timeout", "unknown_protocol_socket.destroy")
def test_time_that_a_listener_has(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        sockets: asyncio.Queue[http2.UnknownProtocolSocket] = asyncio.Queue()
        server = secure(cert=certificate.cert, key=certificate.key, unknown_protocol_timeout=0.1)
        server.on("unknown_protocol", sockets.put_nowait)
        async with listening(server) as port:
            start = asyncio.get_running_loop().time()
            async with await RawPeer.dial(port, trusting(certificate)) as peer:
                socket = await sockets.get()
                assert not socket.destroyed
                assert await peer.frame() is None
                assert socket.destroyed
                assert asyncio.get_running_loop().time() - start >= 0.09
            async with await RawPeer.dial(port, trusting(certificate)) as peer:
                socket = await sockets.get()
                socket.destroy()
                assert await peer.frame() is None

    run(main())
    refused("ERR_INVALID_ARG_TYPE", http2.create_server, unknown_protocol_timeout="1")
    refused("ERR_OUT_OF_RANGE", http2.create_server, unknown_protocol_timeout=-1)


@pytest.mark.parametrize("manner", ["abort", "close"])
def test_unknown_client_that_vanishes(
    run: Run, certificate: Certificate, manner: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        sockets: asyncio.Queue[http2.UnknownProtocolSocket] = asyncio.Queue()
        server = secure(cert=certificate.cert, key=certificate.key, unknown_protocol_timeout=0)
        server.on("unknown_protocol", sockets.put_nowait)
        async with listening(server) as port:
            peer = await RawPeer.dial(port, trusting(certificate))
            socket = await sockets.get()
            await (peer.abort() if manner == "abort" else peer.close())
            await eventually(lambda: socket.destroyed)
            assert not server.open_connections.transports
            # the server's end does not wait for a client that stays
            peer = await RawPeer.dial(port, trusting(certificate))
            await sockets.get()
        async with peer:
            assert await peer.frame() is None

    with caplog.at_level(logging.WARNING, logger="http2"):
        run(main())
    assert not caplog.records


def test_listener_that_raises(
    run: Run, certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once, and its connection ends; the server continues."""

    async def main() -> None:
        server = secure(cert=certificate.cert, key=certificate.key)

        @server.on("unknown_protocol")
        def broken(socket: http2.UnknownProtocolSocket) -> None:
            raise ValueError("no idea")

        async with listening(server) as port:
            async with await RawPeer.dial(port, trusting(certificate)) as peer:
                assert await peer.frame() is None
            await check_hello(port, trusting(certificate, "h2"))

    with caplog.at_level(logging.WARNING, logger="http2"):
        run(main())
    assert len(caplog.records) == 1


def test_in_the_clear_there_is_no_such_event(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        events = Events()
        events.listen(server, "unknown_protocol")
        async with listening(server) as port, await RawPeer.dial(port) as peer:
            peer.send(b"GET / HTTP/1.1\r\n\r\n")
            assert (await peer.bytes()).startswith(b"HTTP/1.1 505 ")
            assert events.seen == []

    run(main())
