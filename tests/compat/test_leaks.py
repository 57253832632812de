"""Requests and responses leave nothing behind, whatever their end."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import eventually, listening

Request = http2.Http2ServerRequest
Response = http2.Http2ServerResponse

COUNT = 300


def plain(request: Request, response: Response) -> None:
    response.set_header("x", "1")
    response.end("plain")


async def coroutine(request: Request, response: Response) -> None:
    await request.read()
    await response.end("coroutine")


def everything(request: Request, response: Response) -> None:
    for event in ("aborted", "close", "data", "end", "error", "timeout"):
        request.on(event, lambda *_: None)
    for event in ("close", "drain", "error", "finish", "timeout"):
        response.on(event, lambda *_: None)
    assert request.socket is response.socket
    request.set_timeout(60)
    response.set_timeout(60, lambda: None)
    response.set_trailer("x-sum", "1")
    request.on("end", lambda: response.end("everything"))


def raising(request: Request, response: Response) -> None:
    raise ValueError("of ours")


def silent(request: Request, response: Response) -> None:
    """It never answers: the client disconnects."""


@pytest.mark.slow
@pytest.mark.row("server.event.request")
@pytest.mark.parametrize("handler", [plain, coroutine, everything, raising, silent])
def test_nothing_is_left(run: Run, handler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest's records of the log have tracebacks, which hold references to everything
    monkeypatch.setattr(logging.getLogger("http2"), "disabled", True)

    async def main() -> None:
        alive: set[weakref.ref[Any]] = set()

        def watched(request: Request, response: Response) -> Any:
            for thing in (request, response, request.stream):
                alive.add(weakref.ref(thing, alive.discard))
            return handler(request, response)

        async with (
            listening(http2.create_server(watched)) as port,
            await RawPeer.connect(port) as peer,
        ):
            for number in range(COUNT):
                stream_id = 2 * number + 1
                peer.send(raw.post(stream_id), raw.data(stream_id, b"body", end_stream=True))
                if handler is silent:
                    await peer.answered()
                    peer.send(raw.rst_stream(stream_id))
                else:
                    await peer.until(raw.HEADERS, stream_id)
            await eventually(lambda: gc.collect() >= 0 and len(alive) <= 9)

    run(main())


@pytest.mark.row("server.event.request")
@pytest.mark.parametrize("handler", [plain, coroutine])
def test_everyday_requests_need_no_collector(run: Run, handler: Any) -> None:
    """They are in no reference cycle: their memory is freed at once."""

    async def main() -> None:
        alive: set[weakref.ref[Any]] = set()

        def watched(request: Request, response: Response) -> Any:
            for thing in (request, response):
                alive.add(weakref.ref(thing, alive.discard))
            return handler(request, response)

        async with (
            listening(http2.create_server(watched)) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            gc.collect()
            gc.disable()
            try:
                for _ in range(20):
                    assert (await session.request().read()).decode() == handler.__name__
                await eventually(lambda: len(alive) <= 2)
            finally:
                gc.enable()

    run(main())


@pytest.mark.row("response.bodiless", "response.end")
@pytest.mark.parametrize("method", ["HEAD", "GET", "POST"])
def test_waiting_for_the_end_of_what_has_no_body(run: Run, method: str) -> None:
    """`finish` is emitted with the headers, whether or not the request is complete."""

    async def main() -> None:
        told: asyncio.Queue[Any] = asyncio.Queue()

        async def handler(request: Request, response: Response) -> None:
            response.on("finish", lambda: told.put_nowait("finish"))
            response.status_code = 200 if method == "HEAD" else 204
            await response.end("dropped")
            told.put_nowait(response.writable_finished)

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            fields = raw.request_fields(method)
            peer.send(raw.headers(1, fields, end_stream=method != "POST"))
            async with asyncio.timeout(raw.PATIENCE):
                assert [await told.get(), await told.get()] == ["finish", True]
            assert (await peer.until(raw.HEADERS, 1)).ends_stream

    run(main())
