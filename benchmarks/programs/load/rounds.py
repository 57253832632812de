"""Rounds of the same requests, in the process of their server: what `benchmarks.budget` counts.

The clients write prepared bytes to Unix sockets, and throw away what comes back. So nearly all that
the process does is the server's work, or its loop's.
"""

import asyncio
import gc
import importlib
import os
import socket
import sys
from typing import Any

import http2
import http2.asgi
from benchmarks import frames
from benchmarks.bench import FILES
from benchmarks.programs.applications import asgi

# Requests of a round: as many streams of one connection, or as many connections of HTTP/1.1.
REQUESTS = 20
BODY = FILES["order.json"]
READ = 2**20
# Turns of the loop in which a server surely accepts connections, and answers the first requests.
TURNS = 100
# Rounds before the first that counts.
WARM = 20

# An entry of the dynamic table (RFC 7541 section 6.2.1), under a name of the static one.
AUTHORITY, CONTENT_TYPE, USER_AGENT = 0x41, 0x5F, 0x7A


class Fixed(asyncio.Protocol):
    """No HTTP at all: whatever comes is answered with the same bytes. What the loop costs."""

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self.transport.write(b"x" * 150)


async def listen(handler: str, path: str) -> None:
    """Serve the program or the application *handler* on the Unix socket *path*."""
    if handler == "loop":
        await asyncio.get_running_loop().create_unix_server(Fixed, path)
        return
    if handler.startswith("asgi:"):
        server = http2.create_server(
            http2.asgi.Handler(getattr(asgi, handler.removeprefix("asgi:"))), allow_http1=True
        )
    else:
        name, _, event = handler.partition("/")
        program = importlib.import_module(f"benchmarks.programs.servers.{name}")
        server = http2.create_server(allow_http1=True)
        server.on(event or "request", program.order if name == "json_post" else program.hello)
    await server.listen(path=path)


def dial(path: str) -> socket.socket:
    """Return a connection to the server at *path*."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, READ)
    client.connect(path)
    return client


class Http1Rounds:
    """A request on each of many connections."""

    def __init__(self, path: str, posts: bool) -> None:
        """Connect."""
        self.clients = [dial(path) for _ in range(REQUESTS)]
        head = (
            f"{'POST' if posts else 'GET'} / HTTP/1.1\r\nhost: localhost\r\nuser-agent: rounds\r\n"
        )
        if posts:
            head += f"content-type: application/json\r\ncontent-length: {len(BODY)}\r\n"
        self.request = head.encode() + b"\r\n" + (BODY if posts else b"")

    def send(self) -> None:
        """Send a round."""
        for client in self.clients:
            client.send(self.request)

    def receive(self) -> None:
        """Read the responses."""
        for client in self.clients:
            assert len(client.recv(READ)) > 100


class Http2Rounds:
    """As many streams of one connection."""

    def __init__(self, path: str, posts: bool, rounds: int) -> None:
        """Connect, and prepare so many *rounds*."""
        self.client = dial(path)
        # the first two begin the connection, and fill the peer's table
        first = b"\x86\x84" + text(AUTHORITY, b"localhost") + text(USER_AGENT, b"rounds")
        later = b"\x86\x84\xbf\xbe"
        if posts:
            first += text(CONTENT_TYPE, b"application/json")
            later = b"\x86\x84\xc0\xbf\xbe"
        self.rounds = [frames.WIDE_PREFACE, frames.SETTINGS_ACK + request(1, posts, first)]
        for number in range(rounds - 2):
            stream = 3 + number * 2 * REQUESTS
            ids = range(stream, stream + 2 * REQUESTS, 2)
            self.rounds.append(b"".join(request(each, posts, later) for each in ids))
        self.rounds.reverse()

    def send(self) -> None:
        """Send a round."""
        self.client.send(self.rounds.pop())

    def receive(self) -> None:
        """Read the responses."""
        assert len(self.client.recv(READ)) > 20


def text(prefix: int, value: bytes) -> bytes:
    """Return a field whose name *prefix* says, and which the peer's table takes."""
    return bytes([prefix, len(value)]) + value


def request(stream: int, posts: bool, fields: bytes) -> bytes:
    """Return the frames of a request with *fields*."""
    if not posts:
        return frames.frame(
            frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream, b"\x82" + fields
        )
    return frames.frame(
        frames.HEADERS, frames.END_HEADERS, stream, b"\x83" + fields
    ) + frames.frame(frames.DATA, frames.END_STREAM, stream, BODY)


def mark() -> None:
    """Call the function before which callgrind writes what it has counted."""
    os.sched_yield()


async def main(protocol: str, handler: str, rounds: int, path: str) -> None:
    """Run rounds that do not count, and *rounds* with the collector and without it."""
    posts = handler in ("json_post", "asgi:order")
    await listen(handler, path)
    load = (
        Http2Rounds(path, posts, WARM + 2 * rounds) if protocol == "2" else Http1Rounds(path, posts)
    )
    for kind in ("warm", "counted", "uncollected"):
        if kind != "warm":
            mark()
        for _ in range(WARM if kind == "warm" else rounds):
            load.send()
            for _ in range(TURNS if kind == "warm" else 3):
                await asyncio.sleep(0)
            load.receive()
        if kind == "counted":
            gc.disable()
    mark()
    # the end of the process does not count
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
