"""An endless response over HTTP/1: other clients are served, and its end is noticed."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest

import http2

from ..support.peers import Flag
from ..support.running import Run, execute
from ..support.self_signed import Certificate
from ..support.serving import listening

GET = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"
BLOCK = bytes(64 * 1024)
MANY = 2000


class Flood:
    """An endless response; `over` is set when it can no longer be written."""

    def __init__(self) -> None:
        self.over = Flag()
        self.written = 0

    async def pour(self, response: Any) -> None:
        """Write blocks, but at most MANY."""
        try:
            while self.written < MANY:
                self.written += 1
                if not response.write(BLOCK):
                    await response.drain()
        finally:
            self.over.set()


def test_a_client_that_has_gone(run: Run) -> None:
    """Writing to a closed connection takes no time: without a pause it would block the loop."""

    async def main() -> None:
        client = socket.socket()
        flood = Flood()

        async def on_request(request: Any, response: Any) -> None:
            # a reset, in the same turn of the loop
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            await flood.pour(response)

        server = http2.create_server(on_request, allow_http1=True)
        async with listening(server) as port:
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
            await asyncio.get_running_loop().sock_sendall(client, GET)
            await flood.over
            assert flood.written < 20

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("size", [100, 64 * 1024])
def test_others_have_their_turn(run: Run, size: int) -> None:
    """A client that reads everything at once does not delay others."""

    async def main() -> None:
        begun, stop = Flag(), Flag()

        async def on_request(request: Any, response: Any) -> None:
            if request.url == "/other":
                response.end("here")
                return
            begun.set()
            block, loop = bytes(size), asyncio.get_running_loop()
            end = loop.time() + 20
            while not stop.done and loop.time() < end:
                if not response.write(block):
                    await response.drain()
            stopped.set(stop.done)
            response.end()

        stopped = Flag()
        server = http2.create_server(on_request, allow_http1=True)
        async with listening(server) as port:
            url = f"http://127.0.0.1:{port}/"
            taking = asyncio.ensure_future(execute("curl", "-sS", "-o", "/dev/null", url))
            await begun
            assert await execute("curl", "-sS", f"{url}other") == b"here"
            stop.set()
            # not at its end
            assert await stopped == (True,)
            await taking

    run(main())


@pytest.mark.interop
def test_a_client_of_tls_that_has_gone(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        flood = Flood()

        async def on_request(request: Any, response: Any) -> None:
            await flood.pour(response)

        server = http2.create_secure_server(
            on_request, allow_http1=True, cert=certificate.cert, key=certificate.key
        )
        async with listening(server) as port:
            url = f"https://127.0.0.1:{port}/"
            process = await asyncio.create_subprocess_exec(
                "curl", "-skS", "-m", "20", url, stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout is not None
            await process.stdout.readexactly(100_000)
            process.kill()
            await process.communicate()
            await flood.over
            # what fits into the buffers in between
            assert flood.written < MANY

    run(main())
