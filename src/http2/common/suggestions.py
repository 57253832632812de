"""Suggest the closest known name for Node's spelling and for misspelled names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

__all__ = ["did_you_mean", "nearest", "reject_unknown"]

# The minimum similarity of two names; 1 is equal.
ALIKE = 0.8
# Longer names are never misspellings.
LONGEST = 64


def nearest(name: str, known: Collection[str]) -> str | None:
    """Return the name in *known* that is closest to *name*; None if none is similar."""
    if len(name) > LONGEST:
        return None
    # camelCase, and two words that are one
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    if snake in known:
        return snake
    from difflib import get_close_matches  # only for a mistake

    found = get_close_matches(snake, known, 1, ALIKE)
    return found[0] if found else None


def did_you_mean(name: object, known: Collection[str]) -> str:
    """Return a suggestion for an error message about the unknown *name*, or an empty string."""
    meant = nearest(name, known) if isinstance(name, str) else None
    return f": did you mean {meant!r}?" if meant else ""


def reject_unknown(options: Mapping[str, object], function: str, known: Collection[str]) -> None:
    """Raise TypeError, as for an unexpected keyword argument, if *options* is not empty.

    *known* are the keywords of *function*, used for a suggestion.
    """
    for name in options:
        meant = did_you_mean(name, [other for other in known if other not in options])
        raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{meant}")
