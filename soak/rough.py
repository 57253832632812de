"""Clients on bare sockets, which disconnect where no library would.

Same form as `soak.scenes`.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import http2

from .payload import Wrong, check, path_of
from .scenes import Scene
from .targets import Target

__all__ = ["ROUGH"]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
GARBAGE = b"\x00\x01GET nonsense\r\n\r\n"


@asynccontextmanager
async def dialled(
    target: Target, reset: bool = False
) -> AsyncIterator[tuple[asyncio.AbstractEventLoop, socket.socket]]:
    """Yield a connection without TLS, also to a TLS server; *reset*: it ends with RST."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", target.port))
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        yield loop, sock


def client_hello() -> bytes:
    """Return the first flight of a TLS client that offers h2."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    outgoing = ssl.MemoryBIO()
    half = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    try:
        half.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


async def handshake_dropped(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Disconnect in the middle of the ClientHello, or after it."""
    hello = client_hello()
    async with dialled(target, choice.random() < 0.5) as (loop, sock):
        await loop.sock_sendall(sock, hello[: choice.randrange(len(hello) + 1)])
        await asyncio.sleep(choice.choice((0, 0.005)))
    return 0


async def preface_dropped(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Disconnect in the middle of the preface, or after it."""
    async with dialled(target, choice.random() < 0.5) as (loop, sock):
        await loop.sock_sendall(sock, PREFACE[: choice.randrange(len(PREFACE) + 1)])
        await asyncio.sleep(choice.choice((0, 0.005)))
    return 0


async def garbage(target: Target, session: http2.ClientHttp2Session, choice: random.Random) -> int:
    """Send bytes of no known protocol: the server must end the connection."""
    async with dialled(target) as (loop, sock):
        await loop.sock_sendall(sock, GARBAGE)
        try:
            while await loop.sock_recv(sock, 65_536):
                pass
        except ConnectionError:
            pass
    return 0


async def http1_kept_alive(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Make three requests over HTTP/1.1 on one connection, the last two pipelined."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    total = 0
    try:
        for batch in (1, 2):
            asked = [(choice.randrange(100_000), choice.randrange(50_000)) for _ in range(batch)]
            for at, size in asked:
                path = path_of("/bytes", at, size, length=1)
                writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
            for at, size in asked:
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 200 "):
                    raise Wrong(f"HTTP/1: {head!r}")
                total += check("HTTP/1", await reader.readexactly(size), at, size)
    finally:
        writer.close()
        await writer.wait_closed()
    return total


async def http1_dropped(
    target: Target, session: http2.ClientHttp2Session, choice: random.Random
) -> int:
    """Disconnect in the middle of a head, an upload or a download over HTTP/1.1."""
    at = path_of("/bytes", 0, 2_000_000)
    wire = choice.choice((
        b"GET / HTTP/1.1\r\nhost: loc",
        b"POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 90000\r\n\r\n" + bytes(40_000),
        b"POST /json HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        f"GET {at} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode(),
    ))  # fmt: skip
    async with dialled(target, choice.random() < 0.5) as (loop, sock):
        await loop.sock_sendall(sock, wire)
        await asyncio.sleep(choice.choice((0, 0.005)))
    return 0


_CLEAR: dict[Scene, int] = {preface_dropped: 1, garbage: 1}
_TLS: dict[Scene, int] = {handshake_dropped: 2, garbage: 1}
_HTTP1: dict[Scene, int] = {http1_kept_alive: 2, http1_dropped: 2}

# By the name of the target.
ROUGH: dict[str, dict[Scene, int]] = {
    "core": _CLEAR, "core-tls": _TLS, "compat": _CLEAR | _HTTP1, "compat-tls": _TLS,
}  # fmt: skip
