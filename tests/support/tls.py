"""TLS at both ends of a test: servers, contexts, and hand-written ClientHellos."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import pytest

import http2

from . import raw
from .raw import RawPeer
from .self_signed import Certificate
from .serving import Events, hello, listening


@cache
def client_hello(*protocols: str, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> bytes:
    """Return the first flight of a TLS client that offers *protocols*."""
    context = ssl.create_default_context()
    context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(protocols)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def records(message: bytes, sizes: list[int]) -> bytes:
    """Return *message* in records of *sizes*, and the rest of it in one more."""
    out = b""
    for size in [*sizes, len(message)]:
        part, message = message[:size], message[size:]
        if part:
            out += b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
    return out


def message_of(hello: bytes) -> bytes:
    """Return a ClientHello without the header of its only record."""
    assert len(hello) == 5 + int.from_bytes(hello[3:5], "big")
    return hello[5:]


class ByHand:
    """A TLS client whose bytes the test sends."""

    def __init__(self, peer: RawPeer, context: ssl.SSLContext) -> None:
        self.peer = peer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")

    def begin(self) -> bytes:
        """Return the ClientHello."""
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self._outgoing.read()

    async def finish(self) -> bytes:
        """Process the server's part of the handshake; return this side's last part."""
        while True:
            more = await self.peer.bytes(65536)
            assert more, "the server has left"
            self._incoming.write(more)
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.peer.send(self._outgoing.read())
            else:
                return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """Return *data* in records."""
        self.tls.write(data)
        return self._outgoing.read()

    async def until(self, end: bytes) -> bytes:
        """Return the server's data, until *end*."""
        got = b""
        while end not in got:
            try:
                more = self.tls.read(65536)
                assert more, f"only {got!r} came"
                got += more
            except ssl.SSLWantReadError:
                self._incoming.write(await self.peer.bytes(65536))
        return got


@asynccontextmanager
async def told(
    certificate: Certificate, **options: Any
) -> AsyncIterator[tuple[http2.Http2SecureServer, Events, int]]:
    """A secure server, its events, and its port; at the end another client is served."""
    server = secure(cert=certificate.cert, key=certificate.key, **options)
    events = Events()
    events.listen(server, "connection", "session", "session_error", "unknown_protocol")
    events.listen(server, "tls_client_error")
    async with listening(server) as port:
        yield server, events, port
        await check_hello(port, trusting(certificate, "h2"))
    assert "session_error" not in events.names


def secure(**options: Any) -> http2.Http2SecureServer:
    """A secure server that answers "hello"."""
    server = http2.create_secure_server(**options)
    server.on("stream", hello)
    return server


def trusting(certificate: Certificate, *protocols: str) -> ssl.SSLContext:
    """Return a client's context that trusts *certificate*."""
    context = ssl.create_default_context(cafile=certificate.cert)
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


async def check_hello(port: int, context: ssl.SSLContext) -> None:
    """Check that a hand-written client is served over TLS."""
    async with await RawPeer.connect(port, context) as peer:
        peer.send(raw.get())
        assert await peer.body(1) == b"hello"
