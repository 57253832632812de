"""Handlers of HTTP/1 requests: failures, informational responses, events, time and memory."""

from __future__ import annotations

import asyncio
import itertools
import tracemalloc
from typing import Any

import pytest

from ..support.http1 import Http1Peer, asking, echo, get, request, serving_http1
from ..support.running import Run
from ..support.serving import Events


@pytest.mark.parametrize("kind", ["function", "coroutine"])
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_handler_that_raises(
    run: Run, kind: str, begun: bool, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Status 500 if possible; a response that has begun is cut off, and the client notices."""

    async def main() -> None:
        def fail(request: Any, response: Any) -> None:
            if begun:
                response.write("x")
            raise LookupError("of the test")

        async def fail_later(request: Any, response: Any) -> None:
            if begun:
                response.write("x")
                await asyncio.sleep(0.01)
            raise LookupError("of the test")

        async with asking(fail if kind == "function" else fail_later) as peer:
            peer.send(get(version=version, connection="keep-alive"))
            if not begun:
                assert (await peer.response()).status == 500
                peer.send(get(connection="close"))
                assert (await peer.response()).status == 500
                return
            if version == "1.1":
                assert not (await peer.rest()).endswith(b"0\r\n\r\n")
            elif kind == "coroutine":
                # this client notices only a reset
                with pytest.raises(ConnectionResetError):
                    await peer.rest()

    run(main())
    assert "of the test" in caplog.text


@pytest.mark.row("server.event.check_expectation")
def test_expectations(run: Run) -> None:
    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.end("as always")

        async with serving_http1(on_request) as (server, port), await Http1Peer.dial(port) as peer:
            got = await peer.ask(get(expect="miracles"))
            assert got.status == 417

            def on_expectation(request: Any, response: Any) -> None:
                response.end(request.headers["expect"])

            server.on("check_expectation", on_expectation)
            assert (await peer.ask(get(expect="miracles"))).body == b"miracles"

    run(main())


def test_continue(run: Run) -> None:
    """100 automatically, before the handler; not if the client does not wait for it."""

    async def main() -> None:
        async with asking(echo) as peer:
            for _ in range(2):
                fields = {"expect": "100-Continue", "content_length": "5"}
                got = await peer.ask(request("POST", **fields))
                assert (got.status, got.reason, got.raw) == (100, "Continue", [])
                peer.send("hello")
                got = await peer.response()
                assert (got.status, got.body) == (200, b"hello")
            # there is no body; and HTTP/1.0 has no status 100
            assert (await peer.ask(get(expect="100-continue"))).status == 200
            peer.send(request("POST", "/", "1.0", expect="100-continue", content_length="5"))
            peer.send("hello")
            assert (await peer.response()).body == b"hello"

    run(main())


def test_check_continue(run: Run) -> None:
    """A handler that does not want the body answers at once, and the connection ends."""

    async def main() -> None:
        async def on_check(request: Any, response: Any) -> None:
            if request.url == "/no":
                response.write_head(413).end()
                return
            response.write_continue()
            response.end(await request.read())

        async with serving_http1(echo) as (server, port), await Http1Peer.dial(port) as peer:
            server.on("check_continue", on_check)
            fields = {"expect": "100-continue", "content_length": "5"}
            assert (await peer.ask(request("POST", **fields))).status == 100
            peer.send("hello")
            assert (await peer.response()).body == b"hello"
            got = await peer.ask(request("POST", "/no", **fields))
            assert (got.status, got.closes) == (413, True)
            assert await peer.rest() == b""

    run(main())


def test_early_hints(run: Run) -> None:
    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            sent = response.write_early_hints({"link": ["</a>; rel=preload", "</b>"], "x": "y"})
            assert sent
            response.end("page")

        async with asking(on_request) as peer:
            peer.send(get())
            got = await peer.head()
            assert (got.status, got.reason) == (103, "Early Hints")
            assert got.raw == [("link", "</a>; rel=preload"), ("link", "</b>"), ("x", "y")]
            assert (await peer.response()).body == b"page"
            # HTTP/1.0 has none
            assert (await peer.ask(get(version="1.0"))).body == b"page"

    run(main())


def test_events_and_awaiting(run: Run) -> None:
    async def main() -> None:
        events = Events()

        async def on_request(request: Any, response: Any) -> None:
            request.on("data", lambda chunk: events.add("data", chunk))
            request.on("end", lambda: events.add("end"))
            request.on("close", lambda: events.add("closed"))
            response.on("finish", lambda: events.add("finish"))
            response.on("close", lambda: events.add("never"))
            await events.expect("end")
            assert request.readable_ended
            await response.end("done")
            assert response.writable_finished
            events.add("awaited")

        async with asking(on_request) as peer:
            peer.send(request("POST", content_length="5"), "hello")
            assert (await peer.response()).body == b"done"
            await events.expect("awaited")
            await events.expect("closed")
            assert [e[0] for e in events.seen if e[0] != "closed"] == [
                "data", "end", "finish", "awaited",
            ]  # fmt: skip

    run(main())


def test_timeout_of_a_request(run: Run) -> None:
    async def main() -> None:
        events = Events()

        def on_request(request: Any, response: Any) -> None:
            request.set_timeout(0.05, lambda: events.add("timeout"))
            if request.url == "/alone":
                request.remove_all_listeners("timeout")

        async with asking(on_request) as peer:
            peer.send(get())
            await events.expect("timeout")

    run(main())


def test_many_requests_leave_nothing(run_asyncio: Run) -> None:
    """Served requests are not stored."""

    async def main() -> None:
        number = itertools.count()
        async with asking(echo) as peer:

            async def ask(count: int) -> None:
                for _ in range(count):
                    fields = {f"x-{next(number)}": "y" for _ in range(60)}
                    peer.send(request("POST", content_length="5", **fields), "hello")
                    await peer.response()

            await ask(20)
            tracemalloc.start()
            await ask(20)
            before, _ = tracemalloc.get_traced_memory()
            await ask(100)
            after, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert after - before < 200_000

    run_asyncio(main())
