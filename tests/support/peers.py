"""The peers of the tests: Node, nghttpd, and servers of this library, each on a free port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import http2

from .paths import NODE
from .running import free_port
from .self_signed import Certificate

Start = Callable[..., "subprocess.Popen[str]"]


@dataclass(frozen=True)
class Peer:
    """A server in another process."""

    process: subprocess.Popen[str]
    port: int
    scheme: str = "http"

    @property
    def origin(self) -> str:
        """The argument of `http2.connect`."""
        return f"{self.scheme}://127.0.0.1:{self.port}"


@contextlib.contextmanager
def starting() -> Iterator[Start]:
    """Start programs like the fixture `background`, for fixtures with a longer scope."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def first_line(process: subprocess.Popen[str], limit: float = 30) -> str:
    """Return the first line that *process* prints."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], limit)
    assert ready, f"{process.args} said nothing"
    return process.stdout.readline()


def start_node(start: Start, script: str = "server/peer.js", **options: Any) -> Peer:
    """Start ``tests/support/node/<script>``, which prints its port as JSON."""
    process = start("node", str(NODE / script), json.dumps(options))
    line = first_line(process)
    try:
        port = json.loads(line)["port"]
    except ValueError:
        assert process.stdout is not None
        raise AssertionError(line + process.stdout.read()) from None
    return Peer(process, port, "https" if options.get("cert") else "http")


def start_nghttpd(
    start: Start, root: Path, *options: str, certificate: Certificate | None = None
) -> Peer:
    """Start nghttpd with the document root *root*; in the clear without *certificate*."""
    port = free_port()
    identity = ["--no-tls"] if certificate is None else []
    command = ["nghttpd", *identity, "-a", "127.0.0.1", "-d", str(root), *options, str(port)]
    if certificate is not None:
        command += [certificate.key, certificate.cert]
    process = start(*command)
    wait_for_port(process, port)
    return Peer(process, port, "http" if certificate is None else "https")


def wait_for_port(process: subprocess.Popen[str], port: int, limit: float = 30) -> None:
    """Wait until a server listens on *port*, for programs that do not report it."""
    end = time.monotonic() + limit
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < end, f"{process.args} does not listen"
            time.sleep(0.01)
        else:
            return


@contextlib.asynccontextmanager
async def serving_url(
    on_stream: Callable[..., Any] | None = None,
    certificate: Certificate | None = None,
    **options: Any,
) -> AsyncIterator[tuple[Any, str]]:
    """A server of this library: yields ``(server, origin)``, and closes at the end."""
    server: http2.Http2Server
    if certificate is not None:
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key, **options)
    else:
        server = http2.create_server(**options)
    if on_stream is not None:
        server.on("stream", on_stream)
    await server.listen(0, "127.0.0.1")
    scheme = "http" if certificate is None else "https"
    origin = f"{scheme}://127.0.0.1:{server.address()[1]}"
    async with server:
        yield server, origin


async def report(session: http2.ClientHttp2Session, peer: Peer, **options: Any) -> Any:
    """Return what Node's peer has recorded of *session*, requested over another connection.

    ``closed=n`` first waits until *n* of its streams are closed, ``ended=True`` until the session
    has ended.
    """
    port = options.pop("port", None) or session.socket.local_port
    query = "&".join(f"{name}={value}" for name, value in options.items())
    async with http2.connect(peer.origin, **tls_options(peer)) as other:
        stream = other.request({":path": f"/report?port={port}&{query}"})
        await stream.response()
        return json.loads(await stream.read())


def tls_options(peer: Peer) -> dict[str, Any]:
    """Return the options of `http2.connect` for *peer*, whose certificate is not trusted."""
    return {"reject_unauthorized": False} if peer.scheme == "https" else {}


class Flag:
    """An event with a value: `set` keeps the first, awaiting returns it."""

    def __init__(self) -> None:
        self._future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def set(self, *values: Any) -> None:
        """Store *values*, unless that has been done already."""
        if not self._future.done():
            self._future.set_result(values)

    @property
    def done(self) -> bool:
        """Whether `set` was called."""
        return self._future.done()

    def __await__(self) -> Any:
        return self._future.__await__()


def happening(emitter: http2.Http2Session | http2.Http2Stream, event: str) -> Flag:
    """Return a `Flag` that is set with the arguments of *emitter*'s next *event*."""
    flag = Flag()
    emitter.once(event, lambda *values: flag.set(*values))
    return flag
