"""The lifespan of an application on this library's server."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

import http2.asgi
from http2.asgi import Handler, LifespanError

from ..support.running import Run
from .asking import ask, handling


class Application:
    """Records its messages; *say* has its answers, by message."""

    def __init__(self, **say: Any) -> None:
        self.say = say
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        if scope["type"] != "lifespan":
            self.seen.append(f"request {scope['state']}")
            await send({"type": "http.response.start", "status": 204})
            await send({"type": "http.response.body"})
            return
        assert scope["asgi"] == {"version": "3.0", "spec_version": "2.0"}
        scope["state"]["db"] = "open"
        try:
            while True:
                kind = (await receive())["type"]
                self.seen.append(kind)
                answer = self.say.get(kind.rpartition(".")[2], "complete")
                if isinstance(answer, Exception):
                    raise answer
                if answer == "nothing":
                    await asyncio.sleep(60)
                await send({"type": f"{kind}.{answer}", "message": "no disk"})
                if kind == "lifespan.shutdown":
                    return
        finally:
            self.seen.append("end")


@pytest.mark.interop
@pytest.mark.row("asgi.handler.lifespan", "asgi.LifespanError")
def test_lifespan(run: Run) -> None:
    async def main() -> None:
        app = Application()
        async with handling(app) as (handler, url), handler.lifespan() as state:
            assert state == {"db": "open"}
            await ask(url)
        assert app.seen == [
            "lifespan.startup", "request {'db': 'open'}", "lifespan.shutdown", "end",
        ]  # fmt: skip

    run(main())


def test_an_application_without_a_lifespan(run: Run) -> None:
    """An application that raises for this scope is served without a lifespan, unlogged."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"

    async def main() -> None:
        async with Handler(app).lifespan():
            pass

    run(main())


def test_a_startup_that_fails(run: Run) -> None:
    async def main() -> None:
        app = Application(startup="failed")
        with pytest.raises(LifespanError, match=r"^the application failed to start: no disk$"):
            async with Handler(app).lifespan():
                pytest.fail("it has not started")
        assert "lifespan.shutdown" not in app.seen
        assert app.seen[-1] == "end"

    run(main())


@pytest.mark.row(
    "asgi.handler.lifespan.option.startup_timeout", "asgi.handler.lifespan.option.shutdown_timeout"
)
@pytest.mark.parametrize("phase", ["startup", "shutdown"])
def test_a_lifespan_that_hangs(run: Run, phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2.asgi.lifespan, "PATIENCE", 0.05)

    async def main() -> None:
        app = Application(**{phase: "nothing"})
        said = f"^the application's {phase} took longer than 0.05 s$"
        with pytest.raises(LifespanError, match=said):
            async with Handler(app).lifespan(startup_timeout=0.05, shutdown_timeout=0.05):
                assert phase == "shutdown"
        assert app.seen[-1] == "end"

    run(main())


def test_a_shutdown_that_fails(run: Run) -> None:
    async def main() -> None:
        app = Application(shutdown="failed")
        with pytest.raises(LifespanError, match=r"^the application failed to shut down: no disk$"):
            async with Handler(app).lifespan():
                pass

    run(main())


def test_a_shutdown_that_raises(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        app = Application(shutdown=KeyError("of mine"))
        async with Handler(app).lifespan():
            pass
        assert app.seen[-1] == "end"

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "exception in the application's lifespan" in caplog.text
    assert "KeyError: 'of mine'" in caplog.text


def test_a_lifespan_that_ends_at_once(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "lifespan.startup"
        await send({"type": "lifespan.startup.complete"})

    async def main() -> None:
        async with Handler(app).lifespan():
            await asyncio.sleep(0)

    run(main())


@pytest.mark.interop
def test_requests_end_before_the_shutdown(run: Run) -> None:
    """Background tasks may still use the resources that the startup has opened."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            seen.append("shutdown")
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})
        await asyncio.sleep(0.05)
        seen.append("work")

    async def main() -> None:
        async with handling(app) as (handler, url), handler.lifespan():
            await ask(url)
        assert seen == ["work", "shutdown"]

    run(main())
