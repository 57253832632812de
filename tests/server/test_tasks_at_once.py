"""Tasks that begin in the call that starts them behave like others, on every Python."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

import http2
from http2.common.tasks import start

from ..support.raw import RawPeer, get
from ..support.running import Run
from ..support.serving import Events, serving

where: ContextVar[str] = ContextVar("where", default="nowhere")


def test_a_task_in_a_task(run: Run) -> None:
    """Each is the current task while it runs, in its own context."""

    async def main() -> None:
        outer = asyncio.current_task()
        where.set("outer")
        seen: list[Any] = []

        async def inner(name: str, depth: int) -> str:
            me = asyncio.current_task()
            seen.append((name, where.get(), me is not outer))
            where.set(name)
            deeper = start(inner(name + "+", depth - 1)) if depth else None
            assert asyncio.current_task() is me
            assert where.get() == name
            await asyncio.sleep(0)
            assert asyncio.current_task() is me
            assert where.get() == name
            if deeper is not None:
                assert await deeper == name + "+"
            return name

        tasks = [start(inner("a", 2)), start(inner("b", 0))]
        assert asyncio.current_task() is outer
        assert where.get() == "outer"
        assert seen == [
            ("a", "outer", True), ("a+", "a", True), ("a++", "a+", True), ("b", "outer", True)
        ]  # fmt: skip
        assert set(tasks) < asyncio.all_tasks()
        assert await asyncio.gather(*tasks) == ["a", "b"]

    run(main())


def test_a_task_has_the_name_of_its_function(run: Run) -> None:
    """In the first step, and later: a debugger shows the handler."""

    async def handler() -> list[str]:
        names = [current_name()]
        await asyncio.sleep(0)
        return [*names, current_name()]

    def current_name() -> str:
        task = asyncio.current_task()
        assert task is not None
        return task.get_name()

    async def main() -> None:
        expected = handler.__qualname__
        assert await start(handler()) == [expected, expected]

    run(main())


def test_one_that_never_waits(run: Run) -> None:
    """It has ended when the call returns: its value, error or cancellation is available."""

    async def main() -> None:
        async def value() -> asyncio.Task[Any] | None:
            return asyncio.current_task()

        async def error() -> None:
            raise LookupError("at once")

        async def cancelled() -> None:
            raise asyncio.CancelledError

        me = asyncio.current_task()
        task = start(value())
        assert task.done()
        assert task.result() is task
        failed = start(error())
        assert failed.done()
        assert isinstance(failed.exception(), LookupError)
        with pytest.raises(LookupError):
            await failed
        given_up = start(cancelled())
        assert given_up.cancelled()
        assert asyncio.current_task() is me
        assert asyncio.all_tasks() == {me}

    run(main())


def test_one_that_starts_where_no_task_is(run: Run) -> None:
    async def main() -> None:
        async def inner() -> asyncio.Task[Any] | None:
            me = asyncio.current_task()
            await asyncio.sleep(0)
            assert asyncio.current_task() is me
            return me

        loop = asyncio.get_running_loop()
        started: list[asyncio.Task[Any]] = []
        current: list[Any] = []
        done = asyncio.Event()

        def outside() -> None:
            current.append(asyncio.current_task())
            started.append(start(inner()))
            current.append(asyncio.current_task())
            done.set()

        loop.call_soon(outside)
        await done.wait()
        assert current == [None, None]
        assert await started[0] is started[0]

    run(main())


def test_time_outs_and_groups_in_the_first_step(run: Run) -> None:
    """`asyncio.timeout` and `TaskGroup` use the current task when they begin."""

    async def main() -> None:
        async def late() -> str:
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()
            except TimeoutError:
                return "timed out"
            return "went on"

        async def group() -> list[str]:
            async with asyncio.TaskGroup() as tasks:
                both = [tasks.create_task(late()) for _ in range(2)]
            return [task.result() for task in both]

        async def broken() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fail())
                await asyncio.Event().wait()

        async def fail() -> None:
            raise LookupError

        async def forever() -> None:
            await asyncio.Event().wait()

        assert await start(late()) == "timed out"
        assert await start(group()) == ["timed out"] * 2
        with pytest.raises(ExceptionGroup) as caught:
            await start(broken())
        assert isinstance(caught.value.exceptions[0], LookupError)
        # the task that starts others is not affected by their ends
        task = start(forever())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        me = asyncio.current_task()
        assert me is not None
        assert not me.cancelling()
        async with asyncio.timeout(30):
            assert await start(late()) == "timed out"

    run(main())


def test_handlers(run: Run) -> None:
    """The same on a server: two requests in one read, each with its own task and time-out."""

    async def main() -> None:
        events = Events()

        async def handle(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            me, path = asyncio.current_task(), headers[":path"]
            where.set(path)
            events.add("begun", path)
            try:
                async with asyncio.timeout(0.02), asyncio.TaskGroup() as tasks:
                    tasks.create_task(asyncio.Event().wait())
            except TimeoutError:
                events.add("timed out", where.get(), asyncio.current_task() is me)
            stream.respond()
            stream.end(path)

        async with serving(handle) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(get(1, "/1"), get(3, "/3"))
            await events.expect("timed out", 2)
            assert events.names == ["begun"] * 2 + ["timed out"] * 2
            assert sorted(events.seen[2:]) == [
                ("timed out", "/1", True), ("timed out", "/3", True)
            ]  # fmt: skip
            assert {await peer.body(1), await peer.body(3)} == {b"/1", b"/3"}

    run(main())
