"""Frames that cross on the way are no violation: honest programs as peers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import http2
from http2.constants import NGHTTP2_CANCEL

from ...support.peers import Start, start_node
from ...support.running import Run, execute, node
from ...support.serving import serving


def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> Any:
    """Answer early, reset, or read everything, as the path says."""
    stream.on("error", lambda error: None)
    path = headers[":path"]
    if path == "/reset":
        stream.close(NGHTTP2_CANCEL)
    elif path == "/whole":
        return whole(stream)
    else:
        stream.respond({":status": 413 if path == "/early" else 200})
        stream.end("answer")
    return None


async def whole(stream: http2.ServerHttp2Stream) -> None:
    """Read a request to its end."""
    await stream.read()
    stream.respond()
    stream.end("answer")


def watched(server: http2.Http2Server) -> list[Any]:
    """Record the errors of *server*'s sessions."""
    errors: list[Any] = []
    server.on("session_error", lambda error, session: errors.append(error))
    return errors


def test_curl_uploads_that_are_answered_early(
    run_asyncio: Run, file: Callable[[int], Path]
) -> None:
    async def main() -> None:
        async with serving(answer) as (server, port):
            errors = watched(server)
            path = str(file(3_000_000))
            url = f"http://127.0.0.1:{port}/early"
            for _ in range(4):
                # one on each connection: curl 7.88 cannot handle a second one after such an answer
                out = await execute(
                    "curl", "-sS", "--http2-prior-knowledge", "-w", " %{http_code}",
                    "-H", "expect:", "-T", path, url,
                )  # fmt: skip
                assert out == b"answer 413"
            assert errors == []

    run_asyncio(main())


def test_h2load_uploads_that_are_reset(run_asyncio: Run, file: Callable[[int], Path]) -> None:
    async def main() -> None:
        async with serving(answer) as (server, port):
            errors = watched(server)
            for path, succeeded in (("/reset", 0), ("/early", 0), ("/whole", 300)):
                out = (
                    await execute(
                        "h2load", "-n", "300", "-c", "3", "-m", "20", "-d", str(file(50_000)),
                        f"http://127.0.0.1:{port}{path}",
                    )
                ).decode()  # fmt: skip
                assert "300 total, 300 started, 300 done" in out, out
                assert f"{succeeded} 2xx" in out, out
            # it disconnects after its last response, though it has not sent all of the body
            assert [
                error for error in errors if not isinstance(error, http2.ConnectionClosed)
            ] == []

    run_asyncio(main())


def test_node_client(run_asyncio: Run) -> None:
    async def main() -> None:
        async with serving(answer) as (server, port):
            errors = watched(server)
            report = await node("client/races.js", str(port), "150")
            assert report == {"closed": 150, "goaway": None, "error": None, "last": 200}
            assert errors == []

    run_asyncio(main())


def test_node_server(run_asyncio: Run, background: Start) -> None:
    """Downloads that the client cancels at any moment, while their DATA is on its way."""
    peer = start_node(background)

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            errors: list[Any] = []
            session.on("error", errors.append)

            async def give_up(number: int) -> None:
                stream = session.request({":path": "/body?size=30000"})
                stream.on("error", lambda error: None)
                await stream.response()
                if number % 2:
                    await stream.readexactly(1 + number * 100)
                stream.close(NGHTTP2_CANCEL)

            for start in range(0, 120, 20):
                await asyncio.gather(*(give_up(start + i) for i in range(20)))
            last = session.request({":path": "/body?size=10"})
            assert len(await last.read()) == 10
            assert errors == []

    run_asyncio(main())
