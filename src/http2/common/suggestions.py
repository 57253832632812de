"""The name that was meant: Node's spelling, and what is mistyped."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

__all__ = ["did_you_mean", "nearest", "reject_unknown"]

# How alike two names are at least; 1 is equal.
ALIKE = 0.8
# What is longer is no name that was meant.
LONGEST = 64


def nearest(name: str, known: Collection[str]) -> str | None:
    """The one of *known* that *name* was meant to be; None when it is like none of them."""
    if len(name) > LONGEST:
        return None
    # camelCase, and two words that are one
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    if snake in known:
        return snake
    found = get_close_matches(snake, known, 1, ALIKE)
    return found[0] if found else None


def did_you_mean(name: object, known: Collection[str]) -> str:
    """What a message about the unknown *name* adds: the nearest of *known*, if there is one."""
    meant = nearest(name, known) if isinstance(name, str) else None
    return f": did you mean {meant!r}?" if meant else ""


def reject_unknown(options: Mapping[str, object], function: str, known: Collection[str]) -> None:
    """Raise TypeError, as a call with an unexpected keyword does, when *options* has any.

    *known* are the keywords of *function*, one of which may have been meant.
    """
    for name in options:
        meant = did_you_mean(name, [other for other in known if other not in options])
        raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{meant}")
