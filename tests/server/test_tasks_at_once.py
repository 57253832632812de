"""Tasks that begin in the call that starts them behave like others, on every Python."""

from __future__ import annotations

import asyncio
import gc
import logging
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest

import http2
from http2.common.tasks import run as run_step
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


def test_a_log_record_needs_no_task(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """From CPython 3.12 on, each record has the name of the current task."""
    begun: list[object] = []
    monkeypatch.setattr("http2.common.eager_task.begin", begun.append)

    async def handler() -> None:
        assert current_name() == handler.__qualname__
        logging.getLogger("mine").warning("seen")

    def current_name() -> str:
        task = asyncio.current_task()
        assert task is not None
        return task.get_name()

    async def main() -> None:
        assert run_step(handler()) is None

    run(main())
    assert begun == []
    assert [record.message for record in caplog.records] == ["seen"]


def test_one_that_never_waits(run: Run) -> None:
    """It has ended when the call returns; the task of `start` has its value or its error."""

    async def main() -> None:
        async def value() -> str:
            return "value"

        async def error() -> None:
            raise LookupError("at once")

        async def cancelled() -> None:
            raise asyncio.CancelledError

        me = asyncio.current_task()
        assert run_step(value()) is None
        with pytest.raises(LookupError, match="at once"):
            run_step(error())
        with pytest.raises(asyncio.CancelledError):
            run_step(cancelled())
        assert await start(value()) == "value"
        failed = start(error())
        with pytest.raises(LookupError, match="at once"):
            await failed
        assert isinstance(failed.exception(), LookupError)
        given_up = start(cancelled())
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert given_up.cancelled()
        assert asyncio.current_task() is me
        assert asyncio.all_tasks() == {me}

    run(main())


def test_one_that_keeps_its_task(run: Run) -> None:
    """A task that is used or kept in a coroutine that never waits has its result."""

    async def main() -> None:
        kept: list[asyncio.Task[Any]] = []

        async def keep(*, use: bool, error: Exception | None = None) -> str:
            me = asyncio.current_task()
            assert me is not None
            if use:
                assert not me.done()
                assert asyncio.all_tasks() > {me}
            kept.append(me)
            if error is not None:
                raise error
            return "ended"

        for use in (False, True):
            task = run_step(keep(use=use))
            assert task is kept.pop()
            assert isinstance(task, asyncio.Task)
            assert await task == "ended"
            failed = run_step(keep(use=use, error=LookupError("kept")))
            assert failed is kept.pop()
            assert failed is not None
            with pytest.raises(LookupError, match="kept"):
                await failed

    run(main())


def test_one_that_waits(run: Run) -> None:
    """What it waits for may be done, may fail, or may be a turn of the loop."""

    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def wait(*futures: asyncio.Future[Any]) -> list[object]:
            results: list[object] = []
            for future in futures:
                try:
                    results.append(await future)
                except LookupError as error:
                    results.append(error.args[0])
            await asyncio.sleep(0)
            return results

        def done(result: str | Exception) -> asyncio.Future[Any]:
            future = loop.create_future()
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
            return future

        def later(result: str | Exception) -> asyncio.Future[Any]:
            async def wait() -> str:
                await asyncio.sleep(0.001)
                if isinstance(result, Exception):
                    raise result
                return result

            return loop.create_task(wait())

        assert await start(wait(done("a"), done(LookupError("b")))) == ["a", "b"]
        for make in (done, later):
            assert await start(wait(later("a"), make("b"))) == ["a", "b"]
            assert await start(wait(later(LookupError("a")), make("b"))) == ["a", "b"]
            assert await start(wait(later(LookupError("a")), make(LookupError("b")))) == ["a", "b"]
        assert await start(wait()) == []
        # done before the task has its turn
        for result in ("a", LookupError("a")):
            future = loop.create_future()
            task = run_step(wait(future))
            assert task is not None
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
            assert await task == ["a"]

    run(main())


@pytest.mark.parametrize("when", ["in the first step", "at once", "later"])
@pytest.mark.parametrize("shield", [False, True])
def test_one_that_is_cancelled(run: Run, when: str, shield: bool) -> None:
    """What it waits for is cancelled first, as with every task."""

    async def main() -> None:
        seen: list[str] = []

        async def inner() -> str:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as error:
                seen.append(f"inner {error.args}")
                if not shield:
                    raise
            return "inner"

        async def outer() -> str:
            if when == "in the first step":
                me = asyncio.current_task()
                assert me is not None
                assert me.cancel("why")
            try:
                result = await asyncio.ensure_future(inner_task)
            except asyncio.CancelledError as error:
                seen.append(f"outer {error.args}")
                raise
            return f"outer, {result}"

        inner_task = asyncio.create_task(inner())
        await asyncio.sleep(0)
        task = run_step(outer())
        assert task is not None
        if when == "later":
            await asyncio.sleep(0.001)
        if when != "in the first step":
            assert task.cancel("why")
        assert task.cancelling() == 1
        if shield:
            assert await task == "outer, inner"
            assert seen == ["inner ('why',)"]
        else:
            with pytest.raises(asyncio.CancelledError):
                await task
            assert seen == ["inner ('why',)", "outer ('why',)"]

    run(main())


def test_one_that_is_cancelled_and_never_waits(run: Run) -> None:
    async def main() -> None:
        async def cancel() -> None:
            me = asyncio.current_task()
            assert me is not None
            me.cancel()

        task = run_step(cancel())
        assert task is not None
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    run(main())


def test_what_a_debugger_shows(run: Run) -> None:
    """The coroutine that was started, in the first step and later; not what continues it."""

    async def main() -> None:
        shown: list[str] = []

        async def handler() -> None:
            shown.append(repr(asyncio.current_task()))
            await asyncio.Event().wait()

        work = handler()
        task = run_step(work)
        assert task is not None
        await asyncio.sleep(0)
        shown.append(repr(task))
        for text in shown:
            assert (
                "pending name='test_what_a_debugger_shows.<locals>.main.<locals>.handler'" in text
            )
            assert "handler() running at" in text
        assert task.get_coro() is work
        assert [frame.f_code for frame in task.get_stack()] == [handler.__code__]
        task.cancel()
        await asyncio.wait([task])

    run(main())


def test_the_collector_finds_nothing(run: Run) -> None:
    """Neither a coroutine that ends at once nor one that fails leaves a cycle."""

    async def main() -> None:
        async def end() -> None:
            pass

        async def fail() -> None:
            raise LookupError

        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                run_step(end())
                with suppress(LookupError):
                    run_step(fail())
            assert gc.collect() == 0
        finally:
            gc.enable()

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
