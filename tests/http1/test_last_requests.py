"""HTTP/1 on a closing server: last responses have `connection: close`, and no request is lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import http2
from http2.http1 import connection as http1

from ..support.filing import pattern
from ..support.http1 import Http1Peer, get, request
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import Events, listening
from ..support.slow_path import slowed
from ..support.tls import trusting

TLS = pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
SIZE = 500_000
PLAIN = pytest.mark.parametrize("timeout", [None, 20], ids=["plain", "deadline"])


@asynccontextmanager
async def answering(
    on_request: Any, certificate: Certificate | None = None
) -> AsyncIterator[tuple[http2.Http2Server, int]]:
    """A server of HTTP/1."""
    if certificate is None:
        server = http2.create_server(on_request, allow_http1=True)
    else:
        server = http2.create_secure_server(
            on_request, cert=certificate.cert, key=certificate.key, allow_http1=True
        )
    async with listening(server) as port:
        yield server, port


def hello(request: Any, response: Any) -> None:
    """Answer at once."""
    response.end("hello")


@TLS
def test_request_that_crosses_the_end_is_served(
    run: Run, certificate: Certificate, tls: bool
) -> None:
    """On a connection that was idle when the server began to close."""

    async def main() -> None:
        context = trusting(certificate, "http/1.1") if tls else None
        async with (
            answering(hello, certificate if tls else None) as (server, port),
            await Http1Peer.dial(port, context) as peer,
            await Http1Peer.dial(port, context) as idle,
        ):
            assert not (await peer.ask(get())).closes
            assert not (await idle.ask(get())).closes
            closing = server.close(timeout=20)
            await asyncio.sleep(http1.LAST_MOMENT / 5)
            got = await peer.ask(request("POST", "/", content_length="3") + "abc")
            assert (got.status, got.body, got.closes) == (200, b"hello", True)
            assert await peer.rest() == b""
            # the silent one is closed after half a second
            assert await idle.rest() == b""
            await asyncio.gather(peer.close(), idle.close())
            await closing

    run(main())


@PLAIN
def test_responses_of_a_closing_server_say_so(run: Run, timeout: float | None) -> None:
    """Responses that begin after `close`, to requests from before and after it."""

    async def main() -> None:
        requests: asyncio.Queue[Any] = asyncio.Queue()

        def handler(request: Any, response: Any) -> None:
            if request.url == "/wait":
                requests.put_nowait(response)
            else:
                response.end("hello")

        async with (
            answering(handler) as (server, port),
            await Http1Peer.dial(port) as waiting,
            await Http1Peer.dial(port) as idle,
        ):
            assert not (await idle.ask(get())).closes
            waiting.send(get("/wait"))
            response = await requests.get()
            closing = server.close(timeout=timeout)
            assert (await idle.ask(get())).closes
            response.end("late")
            got = await waiting.response()
            assert (got.body, got.closes) == (b"late", True)
            assert await waiting.rest() == await idle.rest() == b""
            await asyncio.gather(waiting.close(), idle.close())
            await closing

    run(main())


def test_response_that_promised_more(run: Run) -> None:
    """Its head was sent before `close`: the connection serves one more request."""

    async def main() -> None:
        responses: asyncio.Queue[Any] = asyncio.Queue()

        def handler(request: Any, response: Any) -> None:
            if request.url == "/long":
                response.write_head(200, {"content-length": "10"})
                response.write("begin")
                responses.put_nowait(response)
            else:
                response.end("hello")

        async with answering(handler) as (server, port), await Http1Peer.dial(port) as peer:
            peer.send(get("/long"))
            head = await peer.head()
            assert not head.closes
            closing = server.close(timeout=20)
            (await responses.get()).end("+ end")
            assert await peer.reader.readexactly(10) == b"begin+ end"
            got = await peer.ask(get())
            assert (got.body, got.closes) == (b"hello", True)
            assert await peer.rest() == b""
            await peer.close()
            await closing

    run(main())


def test_pipelined_requests_get_one_answer_more(run: Run) -> None:
    async def main() -> None:
        responses: asyncio.Queue[Any] = asyncio.Queue()

        def handler(request: Any, response: Any) -> None:
            if request.url == "/first":
                response.write_head(200, {"content-length": "5"})
                response.write("fi")
                responses.put_nowait(response)
            else:
                response.end(request.url)

        async with answering(handler) as (server, port), await Http1Peer.dial(port) as peer:
            peer.send(get("/first"), get("/second"), get("/third"))
            first = await peer.head()
            assert not first.closes
            closing = server.close(timeout=20)
            (await responses.get()).end("rst")
            assert await peer.reader.readexactly(5) == b"first"
            second = await peer.response()
            assert (second.body, second.closes) == (b"/second", True)
            assert await peer.rest() == b""
            await peer.close()
            await closing

    run(main())


@TLS
def test_last_bytes_over_a_slow_path(run_asyncio: Run, certificate: Certificate, tls: bool) -> None:
    """The client still sends while the last response is on its way."""

    async def main() -> None:
        given = asyncio.Event()

        def handler(request: Any, response: Any) -> None:
            response.end(pattern(SIZE))
            given.set()

        async with (
            answering(handler, certificate if tls else None) as (server, port),
            slowed(port) as slow,
            await Http1Peer.dial(slow, trusting(certificate, "http/1.1") if tls else None) as peer,
        ):
            peer.send(get())
            await given.wait()
            closing = server.close(timeout=20)
            response = asyncio.ensure_future(peer.response())
            while not response.done():
                peer.send(get("/behind"))
                await asyncio.sleep(0.1)
            assert (await response).body == pattern(SIZE)
            await peer.close()
            await closing

    run_asyncio(main())


def test_new_connections_at_the_end(run: Run) -> None:
    """Connections that the kernel has accepted are served, and get half a second."""

    async def main() -> None:
        events = Events()
        async with answering(hello) as (server, port):
            events.listen(server, "connection")
            accepted = await Http1Peer.dial(port)
            await events.expect("connection")
            waiting = []
            for _ in range(4):
                # Established by the kernel, without a turn of the loop in which the server accepts.
                sock = socket.create_connection(("127.0.0.1", port))
                sock.setblocking(False)
                waiting.append(sock)
            closing = server.close(timeout=20)
            late = [Http1Peer(*await asyncio.open_connection(sock=sock)) for sock in waiting]
            for peer in (accepted, *late):
                got = await peer.ask(get())
                assert (got.body, got.closes) == (b"hello", True)
                await peer.close()
            await closing

    run(main())
