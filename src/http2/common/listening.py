"""Types of listeners, for type checkers; a running program never imports them.

A listener takes all of an event's arguments or the first few, and may be a coroutine function. Each
emitter class has a protocol in its room's ``listening``, the type of its `on`, `once`,
`add_listener`, `prepend_listener` and `prepend_once_listener`. For each event it has one overload
for a given listener and one for the decorator. The arguments of an application's own events are
unknown, so their listeners take ``object`` or ``Any``. The same applies to a misspelled name,
which is how a type checker finds it. This module has the common parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from ..headers import Headers

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")

# Each is written out: mypy matches a lambda with the member of a union that is not a union itself.
Listener0: TypeAlias = Callable[[], object]
Listener1: TypeAlias = Callable[[A], object] | Callable[[], object]
Listener2: TypeAlias = Callable[[A, B], object] | Callable[[A], object] | Callable[[], object]
Listener3: TypeAlias = (
    Callable[[A, B, C], object]
    | Callable[[A, B], object]
    | Callable[[A], object]
    | Callable[[], object]
)
Listener4: TypeAlias = (
    Callable[[A, B, C, D], object]
    | Callable[[A, B, C], object]
    | Callable[[A, B], object]
    | Callable[[A], object]
    | Callable[[], object]
)

Custom: TypeAlias = Listener4[object, object, object, object]
Function = TypeVar("Function", bound=Callable[..., object])

RawHeaders: TypeAlias = list[tuple[str, str]]

Plain: TypeAlias = Listener0
Error: TypeAlias = Listener1[Exception]
Data: TypeAlias = Callable[[bytes], object] | Callable[[str], object] | Callable[[], object]
FrameError: TypeAlias = Listener3[int, int, int]
Fields: TypeAlias = Listener2[Headers, int]

# The same for decorators, which return the same function.
OnPlain = TypeVar("OnPlain", bound=Plain)
OnError = TypeVar("OnError", bound=Error)
OnData = TypeVar("OnData", bound=Data)
OnFrameError = TypeVar("OnFrameError", bound=FrameError)
OnFields = TypeVar("OnFields", bound=Fields)
