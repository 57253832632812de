"""`EventTable`: what happens in a session at each kind of event of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...engine.events import Handler, Handlers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EventTable", "with_handlers"]


def with_handlers(known: Handlers, own: dict[int, Handler]) -> Handlers:
    """Return *known*, the event handlers of a class, with those of a class derived from it."""
    return [own.get(kind, handler) for kind, handler in enumerate(known)]


class EventTable:
    """The handlers of a session: *own*, those of its class, under any number of layers."""

    __slots__ = ("_layers", "_own", "current")

    def __init__(self, own: Handlers) -> None:
        self._own = self.current = own
        """For each kind of event, its handler: see `http2.engine.events`."""
        self._layers: tuple[Callable[[Handlers], None], ...] = ()

    def add(self, layer: Callable[[Handlers], None]) -> None:
        """Change the handlers with *layer*, from the next batch of events on."""
        self._lay((*self._layers, layer))

    def remove(self, layer: Callable[[Handlers], None]) -> None:
        """Remove *layer*, from the next batch of events on."""
        self._lay(tuple(other for other in self._layers if other != layer))

    def _lay(self, layers: tuple[Callable[[Handlers], None], ...]) -> None:
        self._layers = layers
        self.current = list(self._own) if layers else self._own
        for layer in layers:
            layer(self.current)
