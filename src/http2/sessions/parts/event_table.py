"""`EventTable`: what happens in a session at each kind of event of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...constants import NGHTTP2_NO_ERROR
from ...engine.events import DATA, LAST_DATA, STREAM_CLOSED, Handler, Handlers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EventTable", "one_after_another", "with_handlers"]


def with_handlers(known: Handlers, own: dict[int, Handler]) -> Handlers:
    """Return *known*, the event handlers of a class, with those of a class derived from it."""
    return [own.get(kind, handler) for kind, handler in enumerate(known)]


def one_after_another(on_data: Handler, on_stream_closed: Handler) -> Handler:
    """Return a handler of LAST_DATA that calls those of the two events that it stands for."""

    def on_last_data(session: Any, stream_id: int, data: bytes, _: object) -> None:
        on_data(session, stream_id, data, True)
        if not session.destroyed:
            on_stream_closed(session, stream_id, NGHTTP2_NO_ERROR, None)

    return on_last_data


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
        if layers:
            # layers know the two events that it stands for
            self.current[LAST_DATA] = one_after_another(
                self.current[DATA], self.current[STREAM_CLOSED]
            )
