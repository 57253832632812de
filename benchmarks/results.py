"""Results: what the rounds gave, put together per scenario and competitor."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.scenarios import Measurement, Scenario


@dataclass(frozen=True)
class Spread:
    """The median of several rounds, with the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Return the spread of ``values``, of which there must be one at least."""
        return cls(median(values), min(values), max(values))


@dataclass
class Row:
    """One competitor in one scenario.

    Attributes:
        rounds: One measurement per round in which it could be measured, by round.
        reason: Why it was not measured, or not in every round.
    """

    name: str
    label: str
    ours: bool
    rounds: dict[int, Measurement] = field(default_factory=dict)
    reason: str | None = None

    @property
    def value(self) -> Spread | None:
        """Its values, in the scenario's unit."""
        values = [measured.value for measured in self.rounds.values()]
        return Spread.of(values) if values else None

    @property
    def failed(self) -> int:
        """Requests that failed, in all rounds."""
        return sum(measured.failed for measured in self.rounds.values())

    @property
    def succeeded(self) -> int:
        """Requests that succeeded, in all rounds."""
        return sum(measured.succeeded for measured in self.rounds.values())

    @property
    def busy(self) -> float | None:
        """How busy the server's core was, 0 to 1, if that is known."""
        values = [measured.busy for measured in self.rounds.values() if measured.busy is not None]
        return median(values) if values else None


class Table:
    """One scenario's rows."""

    def __init__(self, scenario: Scenario, names: set[str] | None = None) -> None:
        """Make an empty table, of the competitors in ``names`` only if that is given."""
        self.scenario = scenario
        self.peers = [peer for peer in scenario.competitors if not names or peer.name in names]
        self.rows = {peer.name: Row(peer.name, peer.label, peer.ours) for peer in self.peers}

    def ratio(self, name: str, reference: str | None = None) -> Spread | None:
        """Return ``name`` divided by ``reference`` (the scenario's own if None), round by round."""
        above = self.rows.get(name)
        below = self.rows.get(reference or self.scenario.reference)
        if above is None or below is None:
            return None
        values = [
            measured.value / below.rounds[number].value
            for number, measured in above.rounds.items()
            if number in below.rounds and below.rounds[number].value > 0
        ]
        return Spread.of(values) if values else None

    def pairs(self) -> list[tuple[str, str, Spread]]:
        """Return the further ratios as (numerator's label, denominator's label, ratio)."""
        found = []
        for above, below in self.scenario.pairs:
            if ratio := self.ratio(above, below):
                found.append((self.rows[above].label, self.rows[below].label, ratio))
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the table for ``results.json``."""
        scenario = self.scenario
        rows = []
        for row in self.rows.values():
            entry: dict[str, Any] = {"name": row.name, "label": row.label, "ours": row.ours}
            entry["rounds"] = [vars(measured) for measured in row.rounds.values()]
            entry["value"] = vars(row.value) if row.value else None
            ratio = self.ratio(row.name)
            entry["ratio"] = vars(ratio) if ratio else None
            if row.reason:
                entry["not_measured"] = row.reason
            rows.append(entry)
        return {
            "name": scenario.name,
            "title": scenario.title,
            "unit": scenario.unit,
            "explanation": scenario.explanation,
            "more_is_better": scenario.more_is_better,
            "reference": scenario.reference,
            "competitors": rows,
            "pairs": [
                {"above": above, "below": below, **vars(ratio)}
                for above, below, ratio in self.pairs()
            ],
        }
