"""Event emitters: the order of calls, the arguments, and failures of listeners."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

import http2
from http2.common.emitter import EventEmitter

from ..support.running import Run
from ..support.serving import Events, eventually, listening


@pytest.fixture
def calls() -> list[Any]:
    return []


@pytest.fixture
def note(calls: list[Any]) -> Callable[[str], Callable[..., None]]:
    """Create a listener that records its name and its arguments."""

    def make(name: str) -> Callable[..., None]:
        return lambda *args: calls.append((name, *args))

    return make


# --- the twelve methods ---------------------------------------------------------------------


@pytest.mark.row("emitter.on", "emitter.emit", "emitter.add_listener")
def test_on_and_emit(calls: list[Any], note: Any) -> None:
    emitter = EventEmitter()
    assert emitter.emit("x", 1) is False
    first, second = note("first"), note("second")
    assert emitter.on("x", first) is first
    assert emitter.add_listener("x", second) is second
    assert emitter.emit("x", 1, 2) is True
    assert emitter.emit("y") is False
    assert calls == [("first", 1, 2), ("second", 1, 2)]


@pytest.mark.row("emitter.once")
def test_once(calls: list[Any], note: Any) -> None:
    emitter = EventEmitter()
    listener = note("once")
    assert emitter.once("x", listener) is listener
    assert emitter.listeners("x") == [listener]
    assert emitter.emit("x", 1) is True
    assert emitter.emit("x", 2) is False
    assert calls == [("once", 1)]
    assert emitter.listener_count("x") == 0


def test_once_is_gone_before_it_is_called(calls: list[Any]) -> None:
    emitter = EventEmitter()

    def again() -> None:
        calls.append(emitter.listener_count("x"))
        emitter.emit("x")

    emitter.once("x", again)
    emitter.emit("x")
    assert calls == [0]


@pytest.mark.row("emitter.prepend_listener", "emitter.prepend_once_listener")
def test_prepend(calls: list[Any], note: Any) -> None:
    emitter = EventEmitter()
    emitter.on("x", note("a"))
    front, first = note("b"), note("c")
    assert emitter.prepend_listener("x", front) is front
    assert emitter.prepend_once_listener("x", first) is first
    emitter.emit("x")
    emitter.emit("x")
    assert [name for (name,) in calls] == ["c", "b", "a", "b", "a"]


def test_prepended_by_a_decorator(calls: list[Any], note: Any) -> None:
    emitter = EventEmitter()
    emitter.on("x", note("last"))
    always, once = note("always"), note("once")
    assert emitter.prepend_listener("x")(always) is always
    assert emitter.prepend_once_listener("x")(once) is once
    emitter.emit("x")
    emitter.emit("x")
    assert calls == [("once",), ("always",), ("last",), ("always",), ("last",)]


@pytest.mark.row("emitter.decorators")
def test_decorators(calls: list[Any]) -> None:
    emitter = EventEmitter()

    @emitter.on("x")
    def each(value: int) -> None:
        calls.append(("each", value))

    @emitter.once("x")
    def single(value: int) -> None:
        calls.append(("single", value))

    # the names are still bound to the functions
    assert emitter.listeners("x") == [each, single]
    emitter.emit("x", 1)
    emitter.emit("x", 2)
    assert calls == [("each", 1), ("single", 1), ("each", 2)]


@pytest.mark.row("emitter.off", "emitter.remove_listener", "emitter.listener_count")
def test_off_takes_the_latest_registration(calls: list[Any], note: Any) -> None:
    emitter = EventEmitter()
    twice, other = note("twice"), note("other")
    for listener in (twice, other, twice):
        emitter.on("x", listener)
    assert emitter.listener_count("x") == 3
    emitter.off("x", twice)
    assert emitter.listeners("x") == [twice, other]
    emitter.remove_listener("x", twice)
    emitter.remove_listener("x", twice)
    emitter.off("y", twice)
    emitter.emit("x")
    assert calls == [("other",)]


def test_off_knows_bound_methods_by_what_they_are(calls: list[Any]) -> None:
    class Owner:
        def method(self, value: int) -> None:
            calls.append(value)

    owner, emitter = Owner(), EventEmitter()
    emitter.on("x", owner.method)
    emitter.emit("x", 1)
    emitter.off("x", owner.method)
    assert emitter.emit("x", 2) is False
    assert calls == [1]


def test_the_same_listener_twice_is_called_twice(calls: list[Any], note: Any) -> None:
    emitter = EventEmitter()
    listener = note("twice")
    emitter.on("x", listener)
    emitter.once("x", listener)
    emitter.emit("x")
    emitter.emit("x")
    assert len(calls) == 3


@pytest.mark.row("emitter.remove_all_listeners", "emitter.event_names")
def test_remove_all_listeners_and_event_names(note: Any) -> None:
    emitter = EventEmitter()
    assert emitter.event_names() == []
    assert emitter.listeners("x") == []
    assert emitter.listener_count("x") == 0
    emitter.remove_all_listeners()
    emitter.remove_all_listeners("x")
    for event in ("x", "y", "z"):
        emitter.on(event, note(event))
    assert emitter.event_names() == ["x", "y", "z"]
    emitter.remove_all_listeners("y")
    assert emitter.event_names() == ["x", "z"]
    emitter.off("x", emitter.listeners("x")[0])
    assert emitter.event_names() == ["z"]
    emitter.remove_all_listeners()
    assert emitter.event_names() == []
    assert emitter.emit("z") is False


@pytest.mark.row("emitter.listeners")
def test_what_is_listed_is_a_copy(note: Any) -> None:
    emitter = EventEmitter()
    emitter.on("x", note("a"))
    emitter.listeners("x").clear()
    emitter.event_names().clear()
    assert emitter.listener_count("x") == 1


@pytest.mark.parametrize(
    "method", ["on", "once", "add_listener", "prepend_listener", "prepend_once_listener"]
)
@pytest.mark.parametrize("wrong", [5, "name", object()])
def test_what_cannot_be_called_is_no_listener(method: str, wrong: Any) -> None:
    emitter = EventEmitter()
    with pytest.raises(TypeError) as caught:
        getattr(emitter, method)("x", wrong)
    assert isinstance(caught.value, http2.Http2Error)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
    assert emitter.event_names() == []


def test_changes_while_an_event_is_emitted(calls: list[Any], note: Any) -> None:
    emitter = EventEmitter()
    late, removed = note("late"), note("removed")

    def changes() -> None:
        calls.append(("changes",))
        emitter.off("x", removed)
        emitter.on("x", late)

    emitter.on("x", changes)
    emitter.on("x", removed)
    # as in Node: listeners that are registered when the event is emitted are called
    emitter.emit("x")
    assert calls == [("changes",), ("removed",)]
    calls.clear()
    emitter.off("x", changes)
    emitter.emit("x")
    assert calls == [("late",)]


def test_emitters_do_not_share_listeners(note: Any) -> None:
    one, other = EventEmitter(), EventEmitter()
    one.on("x", note("a"))
    assert other.listener_count("x") == 0


# --- how many arguments a listener takes ----------------------------------------------------


class Callables:
    def none(self) -> str:
        return "none"

    def one(self, a: Any) -> Any:
        return a

    @staticmethod
    def static(a: Any, b: Any) -> Any:
        return (a, b)

    @classmethod
    def of_class(cls, a: Any) -> Any:
        return a

    def __call__(self, a: Any, b: Any) -> Any:
        return (a, b)


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


@pytest.mark.parametrize(
    "listener",
    [
        lambda: None,
        lambda a: None,
        lambda a, b, c: None,
        lambda a, b=2: None,
        lambda *args: None,
        lambda a, *args: None,
        lambda a, /, b: None,
        lambda a, *, key=None: None,
        lambda **named: None,
        Callables().none,
        Callables().one,
        Callables.static,
        Callables().static,
        Callables.of_class,
        Callables(),
        functools.partial(lambda a, b, c: None, 1),
        functools.partial(Callables().one),
        functools.partial(lambda a, b=None: None, b=5),
        decorated(lambda a: None),
        [].append,
        print,
        len,
        asyncio.Event().set,
        mock.Mock(return_value=None),
    ],
)
def test_listeners_get_as_many_arguments_as_they_take(
    listener: Any, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = EventEmitter()
    emitter.on("x", listener)
    with caplog.at_level(logging.ERROR, "http2"):
        assert emitter.emit("x", "first", {"second": 2}, "third") is True
    assert not caplog.records


def test_default_arguments_are_filled_too(calls: list[Any]) -> None:
    emitter = EventEmitter()
    emitter.on("x", lambda a, b="default": calls.append((a, b)))
    emitter.emit("x", 1)
    emitter.emit("x", 1, 2, 3)
    assert calls == [(1, "default"), (1, 2)]


def test_a_listener_that_needs_more_fails_like_any_other(
    caplog: pytest.LogCaptureFixture, calls: list[Any], note: Any
) -> None:
    emitter = EventEmitter()
    emitter.on("x", lambda a, b: None)
    emitter.on("x", note("next"))
    assert emitter.emit("x", 1) is True
    assert calls == [("next", 1)]
    (record,) = caplog.records
    assert record.name == "http2"
    assert record.exc_info is not None
    assert record.exc_info[0] is TypeError


# --- coroutines -----------------------------------------------------------------------------


@pytest.mark.row("rule.events", "emitter.coroutines")
def test_a_coroutine_listener_becomes_a_task(run: Run, calls: list[Any]) -> None:
    async def main() -> None:
        emitter = EventEmitter()
        done = asyncio.Event()

        @emitter.on("x")
        async def slow(value: int) -> None:
            calls.append(("begin", value))
            await asyncio.sleep(0)
            calls.append(("end", value))
            done.set()

        emitter.emit("x", 1)
        calls.append(("emitted",))
        await done.wait()
        # it has run to its first await at once
        assert calls == [("begin", 1), ("emitted",), ("end", 1)]

    run(main())


def test_a_coroutine_listener_that_raises_is_logged(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        emitter = EventEmitter()

        @emitter.on("x")
        async def fails() -> None:
            raise ValueError("from a coroutine")

        emitter.emit("x")
        await eventually(lambda: bool(caplog.records))

    run(main())
    (record,) = caplog.records
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "from a coroutine"


@pytest.mark.row("rule.events", "emitter.coroutines")
def test_tasks_end_with_their_stream(run: Run, calls: list[Any]) -> None:
    """A waiting handler is cancelled when its stream is reset."""

    async def main() -> None:
        server = http2.create_server()
        started, cancelled = asyncio.Event(), asyncio.Event()

        @server.on("stream")
        async def handler(stream: http2.ServerHttp2Stream) -> None:
            started.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                calls.append((stream.destroyed, stream.rst_code))
                cancelled.set()

        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request({":method": "POST"})
            await started.wait()
            stream.close(8)
            await cancelled.wait()
        assert calls == [(True, 8)]

    run(main())


def test_a_task_of_a_listener_on_the_client_ends_with_its_session(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        async with listening(server) as port:
            session = await http2.connect(f"http://127.0.0.1:{port}")
            started, ended = asyncio.Event(), asyncio.Event()

            @session.on("x")
            async def waits() -> None:
                started.set()
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    ended.set()

            session.emit("x")
            await started.wait()
            session.destroy()
            await ended.wait()
            await session.close()

    run(main())


# --- failures -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
@pytest.mark.parametrize("on_session", [False, True])
def test_a_stream_handler_that_raises_answers_500(
    run: Run, kind: str, on_session: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        server = http2.create_server()

        def plain(stream: Any, headers: Any) -> None:
            raise ValueError("in the handler")

        async def coroutine(stream: Any, headers: Any) -> None:
            await asyncio.sleep(0)
            raise ValueError("in the handler")

        handler = plain if kind == "plain" else coroutine
        if on_session:
            server.on("session", lambda session: session.on("stream", handler) and None)
        else:
            server.on("stream", handler)
        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            for _ in range(2):
                # the session continues
                stream = session.request({":path": "/"})
                assert (await stream.response())[":status"] == 500
                assert await stream.read() == b""

    run(main())
    errors = [r for r in caplog.records if r.name == "http2"]
    assert [str(r.exc_info[1]) for r in errors if r.exc_info] == ["in the handler"] * 2
    assert len(errors) == 2


def test_a_handler_that_raises_after_the_headers_resets(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        server = http2.create_server()

        @server.on("stream")
        def handler(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            stream.write("part")
            raise ValueError("too late")

        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request()
            with pytest.raises(http2.StreamError) as caught:
                await stream.read()
            assert caught.value.error_code == 2
            assert stream.rst_code == 2

    run(main())
    logged = [r for r in caplog.records if r.exc_info]
    assert len(logged) == 1


def test_a_listener_of_a_client_stream_that_raises_resets_it(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        server = http2.create_server()
        seen = Events()

        @server.on("stream")
        def handler(stream: http2.ServerHttp2Stream) -> None:
            seen.listen(stream, "close")
            stream.respond()

        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request({":method": "POST"})

            @stream.on("response")
            def fails(headers: Any) -> None:
                raise ValueError("in the listener")

            await seen.expect("close")
            await eventually(lambda: stream.destroyed)
            assert stream.rst_code == 2
            assert not session.destroyed

    run(main())
    logged = [r for r in caplog.records if r.exc_info]
    assert [str(r.exc_info[1]) for r in logged if r.exc_info] == ["in the listener"]


def test_a_listener_of_a_session_that_raises_ends_it(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        server = http2.create_server()

        @server.on("session")
        def session_begins(session: http2.ServerHttp2Session) -> None:
            @session.on("ping")
            def fails(payload: bytes) -> None:
                raise ValueError("in the listener")

        async with listening(server) as port:
            session = await http2.connect(f"http://127.0.0.1:{port}")
            seen = Events()
            seen.listen(session, "goaway", "error", "close")
            session.ping(b"12345678")
            assert (await seen.expect("goaway"))[1] == 2
            await seen.expect("close")

    run(main())
    logged = [r for r in caplog.records if r.exc_info]
    assert [str(r.exc_info[1]) for r in logged if r.exc_info] == ["in the listener"]


def test_an_error_that_nobody_listens_to_is_logged_once(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", lambda stream: stream.close(2))
        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            seen = Events()
            seen.listen(session.request(), "close")
            await seen.expect("close")

    run(main())
    logged = [r for r in caplog.records if r.name == "http2"]
    # once for each side's stream
    assert [record.levelno for record in logged] == [logging.WARNING] * 2
    told = [record.getMessage() for record in logged]
    assert ["Server" in told[0], "Client" in told[1]] == [True, True]
    assert all("ERR_HTTP2_STREAM_ERROR" in message for message in told)


def test_a_failing_error_listener_does_not_loop(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", lambda stream: stream.close(2))
        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request()
            seen = Events()
            seen.listen(stream, "close")

            @stream.on("error")
            def fails(error: Exception) -> None:
                raise ValueError("again")

            await seen.expect("close")
            assert not session.destroyed

    run(main())
    assert len([r for r in caplog.records if r.exc_info]) == 1
