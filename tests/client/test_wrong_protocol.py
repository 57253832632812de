"""A server that does not use the protocol of the URL: the error names the mistake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import http2

from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import listening


@asynccontextmanager
async def answering(answer: bytes, *, after: int = 1) -> AsyncIterator[int]:
    """A server that sends *answer* after the first bytes, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(after)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def failure(url: str, **options: Any) -> BaseException:
    """Return the error of a request to it."""
    session = http2.connect(url, **options)
    stream = session.request()
    with pytest.raises((http2.Http2Error, OSError)) as failed:
        await stream.response()
    await session._wait_closed()
    error = failed.value
    # the error of an unsent request has it as its cause
    return error.__cause__ if "before it was sent" in str(error) and error.__cause__ else error


@pytest.mark.parametrize("split", [False, True])
def test_a_server_of_http1_in_the_clear(run: Run, split: bool) -> None:
    async def main() -> None:
        answer = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"
        async with answering(b"HT" if split else answer) as port:
            error = await failure(f"http://127.0.0.1:{port}")
        if split:
            assert isinstance(error, http2.Http2Error)
            return
        assert "HTTP/1" in str(error)
        assert "not HTTP/2" in str(error)
        assert "400 Bad Request" in str(error)

    run(main())


def test_http_to_a_port_of_tls(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        # from OpenSSL: a fatal alert, protocol_version
        async with answering(b"\x15\x03\x01\0\2\2\x46") as port:
            assert "https://" in str(await failure(f"http://127.0.0.1:{port}"))
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        async with listening(server) as port:
            assert "https://" in str(await failure(f"http://127.0.0.1:{port}"))

    run(main())


@pytest.mark.parametrize("kind", ["http2", "http1", "silent"])
def test_https_to_a_port_in_the_clear(run: Run, kind: str) -> None:
    async def main() -> None:
        async def check(port: int) -> None:
            error = await failure(f"https://127.0.0.1:{port}", reject_unauthorized=False)
            assert "http://" in str(error), error
            assert "TLS" in str(error)
            assert isinstance(error.__cause__, OSError)
            assert getattr(error, "retryable", False)

        if kind == "http2":
            async with listening(http2.create_server()) as port:
                await check(port)
        elif kind == "http1":
            async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
                await check(port)
        else:
            async with answering(b"") as port:
                error = await failure(f"https://127.0.0.1:{port}", reject_unauthorized=False)
                assert isinstance(error, http2.ConnectionClosed)
                assert "TLS handshake" in str(error)
                assert error.retryable

    run(main())


def test_a_server_that_closes_without_a_word(run: Run) -> None:
    async def main() -> None:
        async with answering(b"", after=24) as port:
            error = await failure(f"http://127.0.0.1:{port}")
        assert isinstance(error, http2.ConnectionClosed)
        assert "before sending any data" in str(error)

    run(main())
