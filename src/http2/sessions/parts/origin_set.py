"""The origin set of a session (RFC 8336)."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["joined"]

# Number and total size of the announced origins that a client stores: it does not use the session
# for others, which is always allowed (RFC 8336 section 2).
MOST_ORIGINS = 1024
MOST_ORIGIN_CHARACTERS = 256 * 1024


def joined(known: tuple[str, ...], origins: Iterable[str]) -> tuple[str, ...]:
    """Return *known* and those of *origins* that are new, as long as there is room."""
    found = dict.fromkeys(known)
    space = MOST_ORIGIN_CHARACTERS - sum(map(len, known))
    for origin in origins:
        if origin not in found:
            space -= len(origin)
            if space < 0 or len(found) >= MOST_ORIGINS:
                break
            found[origin] = None
    return tuple(found)
