"""Every awaitable of the public API has a scenario that cancels it at every point."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from docs.rows import CLASSES, internal, is_function, listed_names

import http2

from .client_scenarios import SCENARIOS
from .server_scenarios import COMPAT, CORE
from .websocket_scenarios import WEBSOCKETS

# The forms of awaitables in annotations.
AWAITABLE = re.compile(r"\b(Completion|Task|Future|Awaitable|Coroutine)\b")
DUNDERS = {"__await__", "__aiter__", "__anext__", "__aenter__", "__aexit__"}


def is_awaited(name: str, function: Any) -> bool:
    """Return whether the result of *function* is an awaitable."""
    if not is_function(function) or (name.startswith("_") and name not in DUNDERS):
        return False
    annotation = str(function.__annotations__.get("return", ""))
    return (
        name in DUNDERS
        or inspect.iscoroutinefunction(function)
        or inspect.isasyncgenfunction(function)
        or bool(AWAITABLE.search(annotation))
    )


def awaitables() -> Iterator[str]:
    """Return every awaitable of the public classes and functions, by the class that defines it."""
    public = {value for value in vars(http2).values() if inspect.isclass(value)}
    doors = internal() - listed_names()
    public |= {value for value in CLASSES.values() if inspect.isclass(value)}
    for base in {base for cls in public for base in cls.__mro__}:
        if base.__module__.partition(".")[0] != "http2" or issubclass(base, BaseException):
            continue
        for name, value in vars(base).items():
            # the others only declare one
            abstract = getattr(value, "__isabstractmethod__", False)
            if is_awaited(name, value) and not abstract and name not in doors:
                yield f"{base.__name__}.{name}"
    for name in http2.__all__:
        value = getattr(http2, name)
        returned = str(getattr(value, "__annotations__", {}).get("return", ""))
        if is_function(value) and (is_awaited(name, value) or "Session" in returned):
            yield name


@pytest.mark.row("habit.cancelled_anywhere")
def test_every_awaitable_has_its_scenario() -> None:
    names = (*SCENARIOS, *CORE, *COMPAT, *WEBSOCKETS)
    covered = {re.match(r"[\w.]+", name)[0] for name in names}  # type: ignore[index]
    assert set(awaitables()) - covered == set()


def test_the_list_is_not_empty() -> None:
    """The search finds each kind of awaitable."""
    assert set(awaitables()) >= {
        "connect",  # a session that is awaited
        "pipe",  # a task
        "Duplex.read",  # a coroutine
        "Http2Session.ping",  # a future
        "Http2Stream.close",  # a future that waits for the end
        "ServerResponse.__await__",
        "Duplex.__anext__",
    }
