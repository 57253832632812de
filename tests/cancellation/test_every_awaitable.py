"""No awaitable of the public API is without a scenario that cancels it everywhere."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from docs.rows import CLASSES, internal, listed_names

import http2

from .client_scenarios import SCENARIOS
from .server_scenarios import COMPAT, CORE
from .websocket_scenarios import WEBSOCKETS

# What an awaitable looks like in an annotation.
AWAITABLE = re.compile(r"\b(Completion|Task|Future|Awaitable|Coroutine)\b")
DUNDERS = {"__await__", "__aiter__", "__anext__", "__aenter__", "__aexit__"}


def is_awaited(name: str, function: Any) -> bool:
    """Whether what *function* returns is to be awaited."""
    if not inspect.isfunction(function) or (name.startswith("_") and name not in DUNDERS):
        return False
    annotation = str(function.__annotations__.get("return", ""))
    return (
        name in DUNDERS
        or inspect.iscoroutinefunction(function)
        or inspect.isasyncgenfunction(function)
        or bool(AWAITABLE.search(annotation))
    )


def awaitables() -> Iterator[str]:
    """Every awaitable of the public classes and functions, by the class that defines it."""
    public = {value for value in vars(http2).values() if inspect.isclass(value)}
    doors = internal() - listed_names()
    public |= {value for value in CLASSES.values() if inspect.isclass(value)}
    for base in {base for cls in public for base in cls.__mro__}:
        if base.__module__.partition(".")[0] != "http2" or issubclass(base, BaseException):
            continue
        for name, value in vars(base).items():
            # the others only say that there is one
            abstract = getattr(value, "__isabstractmethod__", False)
            if is_awaited(name, value) and not abstract and name not in doors:
                yield f"{base.__name__}.{name}"
    for name in http2.__all__:
        value = getattr(http2, name)
        returned = str(getattr(value, "__annotations__", {}).get("return", ""))
        if inspect.isfunction(value) and (is_awaited(name, value) or "Session" in returned):
            yield name


@pytest.mark.row("habit.cancelled_anywhere")
def test_every_awaitable_has_its_scenario() -> None:
    names = (*SCENARIOS, *CORE, *COMPAT, *WEBSOCKETS)
    covered = {re.match(r"[\w.]+", name)[0] for name in names}  # type: ignore[index]
    assert set(awaitables()) - covered == set()


def test_the_list_is_not_empty() -> None:
    """What is looked for is found: each kind of awaitable there is."""
    assert set(awaitables()) >= {
        "connect",  # a session that is awaited
        "pipe",  # a task
        "Duplex.read",  # a coroutine
        "Http2Session.ping",  # a future
        "Http2Stream.close",  # what waits for the end
        "ServerResponse.__await__",
        "Duplex.__anext__",
    }
