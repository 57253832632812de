"""Timers that read the clock only when they are due, with a simulated clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from http2 import Http2Error
from http2.common.timers import IdleTimer, check_timeout


class Handle:
    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """The part of an event loop that a timer uses, with a clock that only `advance` moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.handles: list[Handle] = []
        self.made = 0

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], None]) -> Handle:
        assert delay >= 0
        self.made += 1
        self.handles.append(Handle(self.now + delay, call))
        return self.handles[-1]

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            due = [h for h in self.handles if not h.cancelled and h.when <= end]
            if not due:
                break
            first = min(due, key=lambda handle: handle.when)
            self.handles.remove(first)
            self.now = max(self.now, first.when)
            first.call()
        self.now = end

    @property
    def pending(self) -> int:
        return sum(not handle.cancelled for handle in self.handles)


@pytest.fixture
def loop() -> Any:
    return Loop()


@pytest.fixture
def fired() -> list[float]:
    return []


def timer(loop: Any, seconds: float, fired: list[float]) -> IdleTimer:
    return IdleTimer(loop, seconds, lambda: fired.append(loop.now))


def test_fires_once_when_nothing_happens(loop: Any, fired: list[float]) -> None:
    timer(loop, 5, fired)
    loop.advance(4.9)
    assert fired == []
    loop.advance(0.2)
    assert fired == [105.0]
    loop.advance(100)
    assert fired == [105.0]
    assert loop.pending == 0


def test_activity_puts_it_off(loop: Any, fired: list[float]) -> None:
    idle = timer(loop, 5, fired)
    for _ in range(10):
        loop.advance(3)
        idle.touch()
    assert fired == []
    loop.advance(10)
    assert fired == [135.0]


def test_activity_makes_no_timers(loop: Any, fired: list[float]) -> None:
    idle = timer(loop, 5, fired)
    for _ in range(1000):
        idle.touch()
        loop.advance(0.001)
    assert loop.made == 1
    assert loop.pending == 1


def test_counts_anew_after_it_has_fired(loop: Any, fired: list[float]) -> None:
    idle = timer(loop, 5, fired)
    loop.advance(6)
    idle.touch()
    loop.advance(4)
    assert fired == [105.0]
    loop.advance(2)
    assert fired == [105.0, 111.0]


def test_cancelled_it_never_fires(loop: Any, fired: list[float]) -> None:
    idle = timer(loop, 5, fired)
    idle.cancel()
    idle.cancel()
    loop.advance(100)
    assert fired == []
    assert loop.pending == 0


def test_it_may_be_cancelled_by_what_it_calls(loop: Any, fired: list[float]) -> None:
    made: list[IdleTimer] = []

    def fire() -> None:
        fired.append(loop.now)
        made[0].cancel()

    made.append(IdleTimer(loop, 1, fire))
    loop.advance(10)
    assert fired == [101.0]
    assert loop.pending == 0


def test_it_may_be_touched_by_what_it_calls(loop: Any, fired: list[float]) -> None:
    made: list[IdleTimer] = []

    def fire() -> None:
        fired.append(loop.now)
        made[0].touch()

    made.append(IdleTimer(loop, 2, fire))
    loop.advance(7)
    assert fired == [102.0, 104.0, 106.0]


@pytest.mark.row("rule.time")
def test_on_a_real_loop(run: Any) -> None:
    async def main() -> None:
        event = asyncio.Event()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        IdleTimer(loop, 0.02, event.set)
        await event.wait()
        # a loop may be early by its clock's resolution, and late by any time
        assert loop.time() - begin > 0.015

    run(main())


@pytest.mark.parametrize(("seconds", "expected"), [(0, 0.0), (1, 1.0), (0.5, 0.5), (1e9, 1e9)])
def test_check_timeout(seconds: float, expected: float) -> None:
    checked = check_timeout(seconds)
    assert checked == expected
    assert type(checked) is float


@pytest.mark.parametrize("wrong", ["1", None, True, [], 1j])
def test_a_timeout_of_the_wrong_type(wrong: Any) -> None:
    with pytest.raises(TypeError) as caught:
        check_timeout(wrong)
    assert isinstance(caught.value, Http2Error)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


@pytest.mark.parametrize("wrong", [-1, -0.001, float("inf"), float("nan")])
def test_a_timeout_out_of_range(wrong: float) -> None:
    with pytest.raises(ValueError, match="seconds") as caught:
        check_timeout(wrong)
    assert isinstance(caught.value, Http2Error)
    assert caught.value.code == "ERR_OUT_OF_RANGE"
