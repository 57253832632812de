"""What a scenario is, what a measurement gives, and what a target says."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.bench import Bench
from benchmarks.load import Request
from benchmarks.peers import Peer


@dataclass(frozen=True)
class Measurement:
    """One number of one competitor in one round.

    Attributes:
        value: In the scenario's unit.
        failed: Requests that failed; they are not in the value.
        succeeded: Requests that did not.
        busy: The part of its time (0 to 1) in which the server's core worked for the server, if
            the system tells. Well below 1, something else was the limit.
        more: What belongs to the scenario's further columns.
    """

    value: float
    failed: int = 0
    succeeded: int = 0
    busy: float | None = None
    more: tuple[float, ...] = ()


@dataclass(frozen=True)
class Target:
    """What a ratio is to be: ``above`` ÷ ``below``.

    Attributes:
        above: The name of a competitor.
        below: The name of another one; empty for the value of ``above`` itself.
        value: What is to be reached: at least this or, where less is better, at most.
    """

    above: str
    below: str
    value: float

    def is_reached(self, measured: float, more_is_better: bool) -> bool:
        """Return whether ``measured`` is as good as this, or better."""
        return measured >= self.value if more_is_better else measured <= self.value


@dataclass(frozen=True)
class Scenario:
    """A thing to measure.

    Attributes:
        name: What ``--scenario`` calls it.
        group: What ``--group`` calls it and its neighbours.
        title: What the report calls it.
        unit: The unit of every value.
        explanation: What is measured, in plain words.
        measure: Measures one competitor once.
        competitors: Who takes part; the order is the report's.
        reference: The name of the competitor that the ratios divide by.
        pairs: Further ratios that the report names, as (numerator, denominator).
        targets: What is wanted.
        columns: The heads of further columns, in the order of a measurement's ``more``.
        more_is_better: Whether a higher value is the better one.
        headline: Whether the README and the picture show it.
        request: What is requested of a server, if it is one and the same request.
    """

    name: str
    group: str
    title: str
    unit: str
    explanation: str
    measure: Callable[[Peer, Bench], Measurement]
    competitors: tuple[Peer, ...]
    reference: str = "node"
    pairs: tuple[tuple[str, str], ...] = ()
    targets: tuple[Target, ...] = ()
    columns: tuple[str, ...] = ()
    more_is_better: bool = True
    headline: bool = False
    request: Request | None = None


def over_tls(
    clear: Scenario,
    competitors: tuple[Peer, ...],
    explanation: str = "The same over TLS 1.3 with AES-128-GCM.",
    **changes: object,
) -> Scenario:
    """Return the scenario ``clear`` with other servers: those that speak TLS."""
    changed = replace(
        clear,
        name=f"{clear.name.removesuffix('-h2c')}-tls",
        title=clear.title.replace("in the clear", "over TLS 1.3"),
        explanation=explanation,
        competitors=competitors,
    )
    return replace(changed, **changes)  # type: ignore[arg-type]
