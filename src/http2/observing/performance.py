"""Implement Node's `PerformanceObserver` for its entry type ``'http2'``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from ..common.emitter import EventEmitter
from ..errors import new_error
from . import measuring
from .entries import Http2SessionEntry, Http2StreamEntry, PerformanceEntry

__all__ = [
    "Http2SessionEntry",
    "Http2StreamEntry",
    "PerformanceEntry",
    "PerformanceObserver",
    "PerformanceObserverEntryList",
]


# Node's entry types.
ENTRY_TYPES = frozenset(
    {"dns", "function", "gc", "http", "http2", "mark", "measure", "net", "node", "resource"}
)


class PerformanceObserverEntryList:
    """The entries for an observer's callback, in the order of their ends."""

    def __init__(self, entries: list[PerformanceEntry]) -> None:
        self._entries = entries

    def get_entries(self) -> list[PerformanceEntry]:
        """Return all entries."""
        return list(self._entries)

    def get_entries_by_name(self, name: str) -> list[PerformanceEntry]:
        """Return the entries of streams (``'Http2Stream'``) or of sessions (``'Http2Session'``)."""
        return [entry for entry in self._entries if entry.name == name]

    def get_entries_by_type(self, entry_type: str) -> list[PerformanceEntry]:
        """Return the entries of *entry_type*: all, if it is ``'http2'``."""
        return [entry for entry in self._entries if entry.entry_type == entry_type]


class PerformanceObserver:
    """Passes the measurements of streams and sessions to *callback*, in batches.

    ``callback(items, observer)`` gets a `PerformanceObserverEntryList`; it may take fewer
    arguments and may be a coroutine function. It is called in a separate turn of the
    sessions' event loop. Its exceptions are logged. Raises
    ERR_INVALID_ARG_TYPE if it is not callable. See Node's `perf_hooks` and "Collecting
    HTTP/2 performance metrics" of its http2 module.
    """

    def __init__(self, callback: Callable[..., object]) -> None:
        if not callable(callback):
            raise new_error("ERR_INVALID_ARG_TYPE", "callback", "a callable", callback)
        self._emitter = EventEmitter()
        self._emitter.on("entries", callback)
        self._entries: list[PerformanceEntry] = []
        self._observing = False

    def observe(self, entry_types: Iterable[str] = ("http2",)) -> None:
        """Start to observe every session and stream of the process.

        Established sessions are measured from now on, but the engine's counters
        (bytes, frames, streams) include their whole life; streams that are open now are not
        measured. Node's types other than ``'http2'`` have no entries here. A second call has
        no effect. Raises ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE for a type that
        Node does not have.
        """
        wrong = isinstance(entry_types, (str, bytes, Mapping))
        if wrong or not isinstance(entry_types, Iterable):
            raise new_error("ERR_INVALID_ARG_TYPE", "entry_types", "a list of str", entry_types)
        types = list(entry_types)
        for entry_type in types:
            if not isinstance(entry_type, str):
                raise new_error("ERR_INVALID_ARG_TYPE", "entry_types", "a list of str", entry_type)
            if entry_type not in ENTRY_TYPES:
                raise new_error("ERR_INVALID_ARG_VALUE", "entry_types", entry_type)
        if "http2" in types and not self._observing:
            self._observing = True
            measuring.begin(self._add)

    def disconnect(self) -> None:
        """Stop observing; entries that the callback has not got yet are dropped."""
        if self._observing:
            self._observing = False
            self._entries = []
            measuring.end(self._add)

    def take_records(self) -> list[PerformanceEntry]:
        """Return and remove the entries that the callback has not got yet."""
        entries, self._entries = self._entries, []
        return entries

    def _add(self, entry: PerformanceEntry, loop: asyncio.AbstractEventLoop) -> None:
        self._entries.append(entry)
        if len(self._entries) == 1:
            loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        entries = self.take_records()
        if entries:
            self._emitter.emit("entries", PerformanceObserverEntryList(entries), self)
