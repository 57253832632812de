"""How CPython lays out the objects that are made for each request."""

from __future__ import annotations

from typing import Any

__all__ = ["lay_out"]


def lay_out(kind: type[Any], *names: str) -> None:
    """Make room for the attributes *names* in every instance of *kind*, at most 30.

    Instances of a class share one table of their attributes' names, and hold no more than an array
    of values. CPython closes the table as instances are made: a name that comes up only
    later, such as what is set when a stream ends, gives every instance a dict of its own then,
    which takes longer to make than all else that is set. So one instance, which nobody uses, gets
    them all first.
    """
    first = object.__new__(kind)
    for name in names:
        setattr(first, name, None)
