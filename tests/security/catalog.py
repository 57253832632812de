"""The list of all attacks."""

from __future__ import annotations

from .attacks import ATTACKS
from .families import client, floods, http1, memory, resets, slow, websocket

__all__ = ["ATTACKS", "FAMILIES"]

FAMILIES = tuple(
    module.__name__.rpartition(".")[2]
    for module in (memory, resets, floods, slow, http1, client, websocket)
)
