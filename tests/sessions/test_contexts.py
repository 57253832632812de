"""The context (`contextvars`) in which listeners run, which tracing needs."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

import http2

from ..support.http1 import asking
from ..support.running import Run
from ..support.serving import eventually, serving

where: ContextVar[str] = ContextVar("where", default="nowhere")


def answer(stream: http2.ServerHttp2Stream) -> None:
    stream.additional_headers({":status": 103})
    stream.respond({}, wait_for_trailers=True)
    stream.on("want_trailers", lambda: stream.send_trailers({"x": "1"}))
    stream.end("hello")


@pytest.mark.row("emitter.on")
def test_a_clients_listeners_see_the_context_of_their_request(run: Run) -> None:
    async def main() -> None:
        seen: list[tuple[str, str]] = []

        async with serving(answer) as (_, port):
            where.set("connect")
            session = http2.connect(f"http://127.0.0.1:{port}")
            where.set("between")

            async def one(name: str) -> None:
                where.set(name)
                stream = session.request()
                for event in ("headers", "response", "data", "trailers", "end", "close"):
                    stream.on(event, lambda *_: seen.append((name, where.get())))

                @stream.on("response")
                async def coroutine() -> None:
                    seen.append((name, where.get()))
                    await asyncio.sleep(0)
                    seen.append((name, where.get()))
                    where.set("elsewhere")  # its own context

                done = asyncio.Event()
                stream.on("close", done.set)
                await done.wait()

            # before the connection is established, and after
            await asyncio.gather(*(one(f"early {n}") for n in range(3)))
            await asyncio.gather(*(one(f"late {n}") for n in range(3)))
            await session.close()
            assert len(seen) == 6 * 8
            assert all(name == found for name, found in seen), seen
            assert where.get() == "between"

    run(main())


@pytest.mark.parametrize("api", ["stream", "request"])
@pytest.mark.parametrize("coroutine", [False, True], ids=["function", "coroutine"])
def test_a_servers_listeners_see_the_context_of_their_handler(
    run: Run, api: str, coroutine: bool
) -> None:
    async def main() -> None:
        began: list[str] = []
        seen: list[tuple[str, str]] = []

        def begin(emitter: Any, headers: http2.Headers, end: Any) -> None:
            name = headers[":path"]
            began.append(where.get())
            where.set(name)
            for event in ("data", "end", "close"):
                emitter.on(event, lambda *_: seen.append((name, where.get())))
            emitter.on("end", lambda: end(name))

        def on_stream(stream: Any, headers: http2.Headers) -> None:
            begin(stream, headers, stream.end)

        def on_request(request: Any, response: Any) -> None:
            begin(request, request.headers, response.end)

        async def on_stream_later(stream: Any, headers: http2.Headers) -> None:
            on_stream(stream, headers)

        async def on_request_later(request: Any, response: Any) -> None:
            on_request(request, response)

        handlers = {
            ("stream", False): on_stream,
            ("stream", True): on_stream_later,
            ("request", False): on_request,
            ("request", True): on_request_later,
        }
        where.set("server")
        async with serving() as (server, port):
            server.on(api, handlers[api, coroutine])
            where.set("client")
            async with http2.connect(f"http://127.0.0.1:{port}") as session:
                streams = [session.request({":method": "POST", ":path": f"/{n}"}) for n in range(3)]
                for stream in streams:
                    stream.write("body")
                await eventually(lambda: len(began) == 3)
                for stream in streams:
                    stream.end("more")
                for n, stream in enumerate(streams):
                    assert await stream.text() == f"/{n}"
            await eventually(lambda: len(seen) >= 9)
        if coroutine:
            # the next handler, which is a task, does not see what one sets
            assert len(set(began)) == 1, began
            assert not began[0].startswith("/")
        assert all(name == found for name, found in seen), seen

    run(main())


def test_listeners_over_http1_see_the_context_of_their_handler(run: Run) -> None:
    async def main() -> None:
        began: list[str] = []
        seen: list[tuple[str, str]] = []

        def on_request(request: Any, response: Any) -> None:
            began.append(where.get())
            where.set(request.url)
            request.on("data", lambda _: seen.append((request.url, where.get())))
            request.on("end", lambda: response.end(where.get()))

        async with asking(on_request) as peer:
            for path in ("/1", "/2"):
                text = f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n"
                peer.send(text)
                await asyncio.sleep(0.01)
                assert (await peer.ask("body")).body == path.encode()
        assert began == ["nowhere", "nowhere"]
        assert seen == [("/1", "/1"), ("/2", "/2")]

    run(main())


def test_a_listener_that_leads_to_itself(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(answer) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request()
            depths: list[int] = []

            def again(depth: int) -> None:
                depths.append(depth)
                if depth < 3:
                    stream.emit("mine", depth + 1)

            stream.on("mine", again)
            stream.emit("mine", 0)
            assert depths == [0, 1, 2, 3]
            assert await stream.text() == "hello"

    run(main())
