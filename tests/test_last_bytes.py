"""The last bytes of a connection arrive: what its end must not take away from its peer."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

import http2
from http2.core import farewell

from . import raw
from .conftest import Certificate, Run, execute
from .filing import pattern
from .raw import RawPeer
from .serving import Events, eventually, listening
from .slow_path import slowed
from .test_tls_server import trusting

# Not a multiple of half a window: the client says WINDOW_UPDATE when all has been written, and much
# of it is on its way.
SIZE = 1_000_000
WINDOW = 2**19
TLS = pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])


def made(certificate: Certificate, tls: bool, **options: Any) -> http2.Http2Server:
    """A server in the clear or over TLS."""
    if tls:
        return http2.create_secure_server(cert=certificate.cert, key=certificate.key, **options)
    return http2.create_server(**options)


@TLS
def test_response_under_way_at_close(run: Run, certificate: Certificate, tls: bool) -> None:
    """It arrives whole over a slow path, while the client's WINDOW_UPDATEs still come."""

    async def main() -> None:
        server = made(certificate, tls)
        given = asyncio.Event()

        @server.on("stream")
        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.respond({"content-length": SIZE})
            stream.end(pattern(SIZE))
            given.set()

        async with listening(server) as port, slowed(port) as slow:
            scheme = "https" if tls else "http"
            async with http2.connect(
                f"{scheme}://127.0.0.1:{slow}",
                settings={"initial_window_size": WINDOW},
                **({"ca": certificate.cert} if tls else {}),
            ) as session:
                session.set_local_window_size(WINDOW)
                stream = session.request()
                await given.wait()
                closing = server.close(timeout=20)
                assert (await stream.response())[":status"] == 200
                assert await stream.read() == pattern(SIZE)
                await closing

    run(main())


@TLS
def test_nghttp_gets_the_rest(run_asyncio: Run, certificate: Certificate, tls: bool) -> None:
    async def main() -> None:
        server = made(certificate, tls)
        given = asyncio.Event()

        @server.on("stream")
        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.end(pattern(SIZE))
            given.set()

        async with listening(server) as port, slowed(port) as slow:
            url = f"{'https' if tls else 'http'}://127.0.0.1:{slow}/"
            client = asyncio.ensure_future(execute("nghttp", "-w19", "-W19", url))
            await given.wait()
            closing = server.close(timeout=20)
            assert await client == pattern(SIZE)
            await closing

    run_asyncio(main())
