"""Counts of transfers and problems, with the full text of the first problems of each kind."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from typing import Any

from .faults import Planned

__all__ = ["Ledger", "Watch"]

# Problems of one kind that are reported in full; further ones are only counted.
TOLD = 5


class Ledger:
    """Counts of one process: transfers by kind, bytes, problems."""

    def __init__(self, who: str) -> None:
        self.who = who
        self.begin = time.monotonic()
        self.done: Counter[str] = Counter()
        self.bytes = 0
        self.warnings: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()
        self._fresh: list[str] = []

    def well(self, kind: str, size: int = 0) -> None:
        """Count a successful transfer of *kind* with *size* bytes of bodies."""
        self.done[kind] += 1
        self.bytes += size

    def problem(self, kind: str, what: str) -> None:
        """Record a problem."""
        self.problems[kind] += 1
        if self.problems[kind] <= TOLD:
            at = time.monotonic() - self.begin
            self._fresh.append(f"{at:8.1f} s  {self.who}: {kind}: {what}")

    def relay(self, problems: list[str]) -> None:
        """Add the problems that another process has reported and counted."""
        self._fresh += problems

    def told(self) -> dict[str, Any]:
        """Return all counts, and the problems that were not reported yet."""
        fresh, self._fresh = self._fresh, []
        return {
            "done": dict(self.done),
            "bytes": self.bytes,
            "warnings": dict(self.warnings),
            "problems": dict(self.problems),
            "fresh": fresh,
        }


class Watch(logging.Handler):
    """Records every log line: an unplanned error is a problem."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(logging.WARNING)
        self._ledger = ledger

    def emit(self, record: logging.LogRecord) -> None:
        """Count the record; deliberate aborts lead to warnings, which are shown at the end."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Planned):
            self._ledger.well("handler that fails")
        elif record.levelno >= logging.ERROR:
            detail = self.formatter or logging.Formatter()
            self._ledger.problem("logged", detail.format(record))
        else:
            self._ledger.warnings[_kind(record)] += 1


def _kind(record: logging.LogRecord) -> str:
    """Return the kind of a message: its text without numbers and names."""
    return re.sub(r"<[^<>]*>|\b\d+\b", "…", f"{record.name}: {record.getMessage()}")
