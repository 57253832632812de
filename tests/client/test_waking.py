"""Tasks that wait for responses: those of one read are continued in one turn of the loop."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

import http2
from http2.common.waiter import Wakes

from ..support.peers import serving_url
from ..support.running import Run

NAME: ContextVar[int] = ContextVar("NAME")
COUNT = 20


def respond(stream: http2.ServerHttp2Stream) -> None:
    stream.respond()
    stream.end(str(stream.request_headers[":path"]))


def test_each_task_continues_in_its_context(run: Run) -> None:
    async def ask(session: http2.ClientHttp2Session, number: int) -> None:
        NAME.set(number)
        stream = session.request({":path": f"/{number}"})
        headers = await stream.response()
        assert headers[":status"] == 200
        assert NAME.get() == number
        assert asyncio.current_task() in tasks
        NAME.set(-number)
        assert await stream.text() == f"/{number}"
        assert NAME.get() == -number

    async def main() -> None:
        async with serving_url(respond) as (_, url), http2.connect(url) as session:
            for number in range(COUNT):
                tasks.append(asyncio.create_task(ask(session, number)))
            await asyncio.gather(*tasks)
            with pytest.raises(LookupError):
                NAME.get()

    tasks: list[asyncio.Task[None]] = []
    run(main())


def test_several_tasks_wait_for_one_response(run: Run) -> None:
    async def main() -> None:
        async with serving_url(respond) as (_, url), http2.connect(url) as session:
            stream = session.request()
            tasks = [asyncio.create_task(stream.response()) for _ in range(3)]
            await asyncio.sleep(0)
            tasks[1].cancel("enough")
            with pytest.raises(asyncio.CancelledError, match="enough"):
                await tasks[1]
            assert await tasks[0] is await tasks[2] is await stream.response()
            assert await stream.read() == b"/"

    run(main())


def test_one_error_for_all_that_wait(run: Run) -> None:
    async def main() -> None:
        released = asyncio.Event()

        async def handler(stream: http2.ServerHttp2Stream) -> None:
            await released.wait()
            stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)

        async with serving_url(handler) as (_, url), http2.connect(url) as session:
            stream = session.request()
            tasks = [asyncio.create_task(stream.response()) for _ in range(3)]
            await asyncio.sleep(0)
            released.set()
            errors = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(error) for error in errors] == [http2.StreamError] * 3
            assert errors[0] is errors[1] is errors[2] is stream.failure

    run(main())


@pytest.mark.parametrize("when", ["before", "after"])
def test_cancelled_in_the_turn_of_the_response(run: Run, when: str) -> None:
    """The task never sees a response that arrives in the turn in which it is cancelled."""

    async def main() -> None:
        async with serving_url(respond) as (_, url), http2.connect(url) as session:
            stream = session.request()
            waiting = asyncio.create_task(stream.response())
            await asyncio.sleep(0)
            if when == "before":
                stream.prepend_listener("response", lambda *_: waiting.cancel())
            else:
                stream.on("response", lambda *_: waiting.cancel())
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert stream.closed
            # the session is as before
            assert await session.request({":path": "/next"}).text() == "/next"

    run(main())


def test_the_loop_ends_among_the_tasks() -> None:
    """After an exception that ends the loop, the loop's next run continues the other tasks."""

    async def wait(wakes: Wakes, number: int) -> None:
        waiter = wakes.waiter()
        waiters.append(waiter)
        await waiter
        continued.append(number)
        if number == 1:
            raise SystemExit

    async def begin() -> None:
        wakes = Wakes(asyncio.get_running_loop())
        tasks.extend(asyncio.create_task(wait(wakes, number)) for number in range(4))
        await asyncio.sleep(0)
        for waiter in waiters:
            waiter.wake()
            waiter.wake()
        await asyncio.Event().wait()

    async def finish() -> None:
        await asyncio.wait(tasks)
        assert isinstance(tasks[1].exception(), SystemExit)

    continued: list[int] = []
    waiters: list[Any] = []
    tasks: list[asyncio.Task[None]] = []
    with asyncio.Runner() as runner:
        with pytest.raises(SystemExit):
            runner.run(begin())
        assert continued == [0, 1]
        runner.run(finish())
    assert continued == [0, 1, 2, 3]


def test_a_tool_looks_at_what_a_coroutine_waits_for(run_asyncio: Run) -> None:
    async def main() -> None:
        waiter = Wakes(asyncio.get_running_loop()).waiter()
        order: list[int] = []

        async def wait(number: int) -> None:
            await waiter
            order.append(number)

        tasks = [asyncio.create_task(wait(number)) for number in range(2)]
        waiter.add_done_callback(lambda _: order.append(-1))
        await asyncio.sleep(0)
        waiter.add_done_callback(lambda _: order.append(-2))
        assert not waiter.done()
        waiter.wake()
        waiter.add_done_callback(lambda _: order.append(-3))
        assert waiter.done()
        assert not waiter.cancel()
        assert not waiter.fail(ValueError())
        await asyncio.gather(*tasks)
        assert order == [-1, 0, 1, -2, -3]

    run_asyncio(main())


def test_many_requests_of_one_turn_are_sent_in_groups(run: Run) -> None:
    """The server gets the first ones before the program's turn of the loop has ended."""

    async def main() -> None:
        async with serving_url(respond) as (_, url), http2.connect(url) as session:
            await session.ping()
            streams = [session.request({":path": f"/{number}"}) for number in range(80)]
            assert [stream.is_unsent() for stream in streams] == [False] * 64 + [True] * 16
            # the others at the end of the turn
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not any(stream.is_unsent() for stream in streams)
            texts = await asyncio.gather(*(stream.text() for stream in streams))
            assert texts == [f"/{number}" for number in range(80)]

    run(main())


def test_few_requests_of_one_turn_are_sent_at_its_end(run: Run) -> None:
    async def main() -> None:
        async with serving_url(respond) as (_, url), http2.connect(url) as session:
            await session.ping()
            streams = [session.request({":path": f"/{number}"}) for number in range(31)]
            assert all(stream.is_unsent() for stream in streams)
            texts = await asyncio.gather(*(stream.text() for stream in streams))
            assert texts == [f"/{number}" for number in range(31)]

    run(main())
