"""The output of a run: a row every few seconds, problems as they occur, a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .children import Station
from .ledger import Ledger
from .measure import cpu_seconds, descriptors, resident

__all__ = ["Report"]

MIB = 1024 * 1024
PARTS = ("transfer", "abort", "connection", "rough", "foreign")
HEAD = (
    f"{'seconds':>8} {'transfers':>9} {'aborts':>7} {'lives':>7} {'rough':>6} {'foreign':>7}"
    f" {'MiB':>8} {'wrong':>5} | {'server MiB':>10} {'fds':>4} {'cpu':>5}"
    f" | {'client MiB':>10} {'fds':>4} {'cpu':>5}"
)


class Report:
    """Gathers and prints the reports of the processes, and checks the conditions at the end."""

    def __init__(self, seconds: float, growth: float, ledger: Ledger) -> None:
        self._seconds = seconds
        self._growth = growth
        self._ledger = ledger
        self._stations: Sequence[Station] = ()
        self._beginning: dict[str, dict[str, Any]] = {}
        self._end: dict[str, dict[str, Any]] = {}
        self._marks: dict[str, dict[float, int]] = {}
        self._busy: dict[str, list[int]] = {}
        self._cpu: dict[str, tuple[float, float]] = {}
        self._done: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()
        self._warnings: Counter[str] = Counter()
        self._bytes = 0

    def begin(self, stations: Sequence[Station], beginning: dict[str, dict[str, Any]]) -> None:
        """Begin with the *stations*; *beginning* has their measurements before the traffic."""
        self._stations = stations
        self._beginning = beginning
        self._cpu = {station.who: (0.0, cpu_seconds(station.pid)) for station in stations}
        print(HEAD, flush=True)

    def refresh(self) -> None:
        """Add the current ledgers of all processes, and print new problems."""
        own = self._ledger.told()
        for problem in own["fresh"]:
            print(f"WRONG {problem}", flush=True)
        told = [own, *(station.told for station in self._stations if station.told)]
        self._done = sum((Counter(one["done"]) for one in told), Counter())
        self._problems = sum((Counter(one["problems"]) for one in told), Counter())
        self._warnings = sum((Counter(one["warnings"]) for one in told), Counter())
        self._bytes = sum(one["bytes"] for one in told)
        for station in self._stations:
            try:
                self._busy.setdefault(station.who, []).append(resident(station.pid))
            except OSError:
                pass  # it has ended

    def row(self, seconds: float) -> None:
        """Print a row with the current state."""
        counts = [self._done[part] for part in PARTS]
        line = (
            f"{seconds:8.0f} {counts[0]:9,} {counts[1]:7,} {counts[2]:7,} {counts[3]:6,}"
            f" {counts[4]:7,} {self._bytes / MIB:8,.0f} {self._problems.total():5}"
        )
        for station in self._stations:
            pid = station.pid
            before, used = self._cpu[station.who]
            now = cpu_seconds(pid)
            share = (now - used) / max(seconds - before, 1e-9)
            self._cpu[station.who] = (seconds, now)
            line += f" | {resident(pid) / MIB:10.1f} {descriptors(pid):4} {share:5.0%}"
        print(line, flush=True)

    def mark(self, mark: float, who: str, held: int) -> None:
        """Store the measurement of a process during a pause."""
        self._marks.setdefault(who, {})[mark] = held
        print(f"{mark:8.0%} of the time: {who} holds {held / MIB:.2f} MiB at rest", flush=True)

    def left(self, who: str, held: dict[str, Any]) -> None:
        """Store the measurement of a process at the end."""
        self._end[who] = held

    def summary(self) -> bool:
        """Print the figures and the result; return whether all conditions hold."""
        self.refresh()
        print()
        if not self._done["transfer"]:
            self._problems["nothing was transferred"] += 1
        for who, marks in self._marks.items():
            first = next(iter(marks.values()))
            shown = [
                f"{at:.0%} {held / MIB:.2f} ({held / first - 1:+.2%})" for at, held in marks.items()
            ]
            busy = self._busy.get(who, [0])
            print(f"{who}: resident MiB at rest: {', '.join(shown)}; at most {max(busy) / MIB:.1f}")
            if max(marks.values()) > first * (1 + self._growth / 100):
                self._problems["memory"] += 1
                print(f"WRONG {who}: memory has grown by more than {self._growth:g} %")
            if (end := self._end.get(who)) is not None:
                began = self._beginning[who]
                kinds = ("descriptors", "tasks")
                shown = [f"{kind} {began[kind]} -> {end[kind]}" for kind in kinds]
                print(f"{who}: from the beginning to the end: {', '.join(shown)}")
        for text, count in self._warnings.most_common():
            print(f"logged as a warning {count} times: {text}")
        done = ", ".join(f"{self._done[part]:,} {part}" for part in PARTS)
        print(f"ended as expected: {done}; {self._bytes / MIB:,.0f} MiB of bodies checked")
        wrong = ", ".join(f"{count} {kind}" for kind, count in sorted(self._problems.items()))
        print(f"{self._seconds:g} s: {'WRONG: ' + wrong if wrong else '0 errors'}", flush=True)
        return not wrong
