"""Results: the values of the rounds, by scenario and competitor."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.peers import Peer
from benchmarks.scenarios import Measurement, Scenario, Target


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

    def more(self, index: int) -> float:
        """Return the median of the further column ``index``."""
        return median(measured.more[index] for measured in self.rounds.values())

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


@dataclass(frozen=True)
class Outcome:
    """The result of a target.

    Attributes:
        table: Where the numbers are from.
        target: The target.
        measured: The measured ratio; None if a competitor could not be measured.
    """

    table: "Table"
    target: Target
    measured: Spread | None

    @property
    def reached(self) -> bool | None:
        """Whether the median is as good as wanted, or better; None when it is not known."""
        if self.measured is None:
            return None
        return self.target.is_reached(self.measured.median, self.table.scenario.more_is_better)

    @property
    def what(self) -> str:
        """The ratio, or the value, in words."""
        above = self.table.rows[self.target.above].label
        if not self.target.below:
            return f"{above}, {self.table.scenario.unit}"
        return f"{above} ÷ {self.table.rows[self.target.below].label}"

    def as_json(self) -> dict[str, Any]:
        """Return it for ``results.json``."""
        return {
            "above": self.target.above,
            "below": self.target.below or None,
            "at_least" if self.table.scenario.more_is_better else "at_most": self.target.value,
            "measured": vars(self.measured) if self.measured else None,
            "reached": self.reached,
        }


class Table:
    """One scenario's rows.

    Attributes:
        alternating: Whether every second round measures in the opposite order; otherwise each
            round begins with another competitor.
    """

    def __init__(self, scenario: Scenario, names: set[str] | None = None) -> None:
        """Make an empty table, of the competitors in ``names`` only if that is given."""
        self.alternating = False
        self.scenario = scenario
        self.peers = [peer for peer in scenario.competitors if not names or peer.name in names]
        self.rows = {peer.name: Row(peer.name, peer.label, peer.ours) for peer in self.peers}

    def order(self, number: int, rounds: int) -> list[Peer]:
        """Return the competitors in the order of the round ``number`` of ``rounds``."""
        if self.alternating:
            return self.peers[::-1] if number % 2 else self.peers
        shift = number * len(self.peers) // rounds
        return [*self.peers[shift:], *self.peers[:shift]]

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

    def core_time(self, name: str, reference: str) -> Spread | None:
        """Return how much of its core's time ``name`` takes for the same, ÷ that of ``reference``.

        Round by round, as `ratio`. Other programs on the machine take away time, and with it
        requests per second, but make a request little dearer. Only where more is better, and
        where the time is known.
        """
        values = []
        for number, above in self.rows[name].rounds.items():
            below = self.rows[reference].rounds.get(number)
            if below and above.busy and below.busy and self.scenario.more_is_better:
                values.append(above.busy / above.value / (below.busy / below.value))
        return Spread.of(values) if values else None

    def pairs(self) -> list[tuple[str, str, Spread]]:
        """Return the further ratios as (numerator's label, denominator's label, ratio)."""
        found = []
        for above, below in self.scenario.pairs:
            if ratio := self.ratio(above, below):
                found.append((self.rows[above].label, self.rows[below].label, ratio))
        return found

    def targets(self) -> list["Outcome"]:
        """Return the results of the scenario's targets whose competitors take part."""
        found = []
        for target in self.scenario.targets:
            if target.above in self.rows and (not target.below or target.below in self.rows):
                row = self.rows[target.above]
                measured = self.ratio(target.above, target.below) if target.below else row.value
                found.append(Outcome(self, target, measured))
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
            "group": scenario.group,
            "title": scenario.title,
            "unit": scenario.unit,
            "explanation": scenario.explanation,
            "more_is_better": scenario.more_is_better,
            "columns": list(scenario.columns),
            "reference": scenario.reference,
            "competitors": rows,
            "pairs": [
                {"above": above, "below": below, **vars(ratio)}
                for above, below, ratio in self.pairs()
            ],
            "targets": [outcome.as_json() for outcome in self.targets()],
        }
