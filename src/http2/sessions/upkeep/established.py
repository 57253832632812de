"""The sessions whose connections are established, for observers in higher rooms."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..interfaces import SessionDoor

__all__ = ["established", "note_established", "observers"]

established: weakref.WeakKeyDictionary[SessionDoor, float] = weakref.WeakKeyDictionary()
"""Each session, and the time of its beginning."""

observers: list[Callable[[Any], object]] = []
"""Functions that are called with each session once its connection is established."""


def note_established(session: SessionDoor) -> None:
    """Record *session*, and pass it to the observers."""
    established[session] = time.monotonic()
    for observe in observers:
        observe(session)
