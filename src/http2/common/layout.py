"""How CPython lays out the objects that are made for each request."""

from __future__ import annotations

from typing import Any

__all__ = ["lay_out"]

# What CPython 3.11 to 3.13 share: 30, less one that the first instance takes away.
MOST = 29


def lay_out(kind: type[Any], *names: str) -> None:
    """Make room for the attributes *names* in every instance of *kind*, at most `MOST`.

    Instances of a class share one table of their attributes' names, and hold no more than an array
    of values. CPython closes the table as instances are made: a name that comes up only
    later, such as what is set when a stream ends, gives every instance a dict of its own then,
    which takes longer to make than all else that is set. So one instance, which nobody uses, gets
    them all first.
    """
    if len(names) > MOST:
        raise ValueError(f"{kind.__name__}: {len(names)} names, and CPython shares {MOST}")
    first = object.__new__(kind)
    for name in names:
        setattr(first, name, None)
