"""Control the memory layout of objects that are created for each request."""

from __future__ import annotations

__all__ = ["lay_out"]

# The number of shared keys in CPython 3.11 to 3.13: 30, less one for the first instance.
MOST = 29


def lay_out(kind: type[object], *names: str) -> None:
    """Reserve space for the attributes *names* in every instance of *kind*, at most `MOST`.

    Instances of a class share one table of their attribute names, and hold only an array
    of values, or a dict with such an array if the class is based on a compiled one. CPython stops
    extending the table as instances are created: a later name then gives every instance a table
    of its own, which takes longer to create than all other attributes. So one unused instance gets
    all names first. Each further instance takes one free place from the table; when there are
    none left, an instance's array has room for these names only.
    """
    if len(names) > MOST:
        raise ValueError(f"{kind.__name__}: {len(names)} names, and CPython shares {MOST}")
    first = kind.__new__(kind)
    for name in names:
        setattr(first, name, None)
    for _ in range(MOST):
        kind.__new__(kind)
