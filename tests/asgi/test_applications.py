"""The kinds of applications, how each is called, and the handlers that call them."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
from collections.abc import Callable
from typing import Any

import pytest

import http2
import http2.asgi

from ..support.running import Run
from ..support.serving import listening
from .asking import handling

START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}
BODY: dict[str, Any] = {"type": "http.response.body", "body": b"x"}

seen: contextvars.ContextVar[str] = contextvars.ContextVar("seen", default="none")
PATHS = ["/at-once", "/later", "/fails", "/fails-later", "/nothing", "/result"]
EXPECTED = [200, 200, 500, 500, 500, 200]


async def app(scope: Any, receive: Any, send: Any) -> object:
    """Answer, or fail, at once or later, in a task and a context of its own."""
    path = scope["path"]
    assert seen.get() in ("none", "called")
    seen.set(path)
    task = asyncio.current_task()
    if "later" in path:
        await asyncio.sleep(0)
        assert asyncio.current_task() is task
        assert seen.get() == path
    if "fails" in path:
        raise LookupError(path)
    if path != "/nothing":
        await send(START)
        await send(BODY)
    return "done" if path == "/result" else None


class Instance:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> object:
        return await app(scope, receive, send)

    async def method(self, scope: Any, receive: Any, send: Any) -> object:
        return await app(scope, receive, send)


def plain(scope: Any, receive: Any, send: Any) -> Any:
    """Run code, in the context of the request, before there is a coroutine."""
    assert seen.get() == "none"
    seen.set("called")
    assert asyncio.current_task() is not None
    return app(scope, receive, send)


class Awaited:
    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.work = app(scope, receive, send)

    def __await__(self) -> Any:
        return self.work.__await__()


KINDS: dict[str, Any] = {
    "function": app,
    "instance": Instance(),
    "method": Instance().method,
    "partial": functools.partial(app),
    "plain": plain,
    "class": Awaited,
}


async def statuses(url: str, *paths: str) -> list[int]:
    """Return the statuses of the responses to *paths*, all requested at once."""
    async with http2.connect(url) as session:
        streams = [session.request({":path": path}) for path in paths]
        found = []
        for stream in streams:
            found.append((await stream.response())[":status"])
            await stream.read()
        return found


def check_log(caplog: pytest.LogCaptureFixture) -> None:
    """Check that each failure was logged once, with the application's exception."""
    failed = {record.getMessage(): record.exc_info for record in caplog.records}
    assert len(failed) == len(caplog.records) == 4
    for path in ("/fails", "/fails-later"):
        found = [info for text, info in failed.items() if f" '{path}'," in text]
        assert found[0] is not None
        assert isinstance(found[0][1], LookupError)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(run: Run, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    async def main() -> None:
        async with handling(KINDS[kind]) as (_, url):
            assert await statuses(url, *PATHS) == EXPECTED
        check_log(caplog)
        caplog.clear()

    with caplog.at_level(logging.ERROR, "http2.asgi"):
        run(main())


def test_a_loop_with_a_task_factory(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """It makes the tasks of applications itself."""
    made: list[Any] = []

    def factory(loop: Any, work: Any, **options: Any) -> Any:
        made.append(asyncio.Task(work, loop=loop, **options))
        return made[-1]

    async def main() -> None:
        async with handling(app) as (_, url):
            asyncio.get_running_loop().set_task_factory(factory)
            try:
                assert await statuses(url, *PATHS) == EXPECTED
            finally:
                asyncio.get_running_loop().set_task_factory(None)
        assert len(made) >= len(PATHS)
        check_log(caplog)
        caplog.clear()

    with caplog.at_level(logging.ERROR, "http2.asgi"):
        run(main())


def test_an_application_with_other_arguments(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def wrong(scope: Any) -> None: ...

    async def main() -> None:
        async with handling(wrong) as (_, url):
            assert await statuses(url, "/") == [500]
        (record,) = caplog.records
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], TypeError)
        caplog.clear()

    with caplog.at_level(logging.ERROR, "http2.asgi"):
        run(main())


def test_a_task_that_is_kept(run: Run) -> None:
    """It is over when the application is, with its exception handled."""
    kept: list[Any] = []

    async def keeping(scope: Any, receive: Any, send: Any) -> None:
        kept.append(asyncio.current_task())
        await app(scope, receive, send)

    async def main() -> None:
        async with handling(keeping) as (_, url):
            assert await statuses(url, "/at-once", "/later") == [200, 200]
        for task in kept:
            assert await task is None
        kept.clear()

    run(main())


@pytest.mark.parametrize("way", ["method", "class", "second"])
def test_requests_are_created_where_a_program_sees_them(run: Run, way: str) -> None:
    """Otherwise a handler gets only the streams."""
    made: list[object] = []

    class Own(http2.asgi.Handler):
        def __call__(self, request: Any, response: Any) -> None:
            made.append(request)
            super().__call__(request, response)

    class Created(http2.Http2ServerRequest):
        def __init__(self, *args: Any) -> None:
            made.append(self)
            super().__init__(*args)

    kind: Callable[[Any], Any] = Own if way == "method" else http2.asgi.Handler
    options: Any = {"http2_server_request_class": Created} if way == "class" else {}

    async def main() -> None:
        server = http2.create_server(kind(app), **options)
        if way == "second":
            server.prepend_listener("request", lambda request, response: made.append(request))
        async with listening(server) as port:
            assert await statuses(f"http://127.0.0.1:{port}", *PATHS[:2]) == [200, 200]
        assert len(made) == 2
        made.clear()

    run(main())
