"""The types of a scenario, a measurement and a target."""

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
        more: The values of the scenario's further columns.
    """

    value: float
    failed: int = 0
    succeeded: int = 0
    busy: float | None = None
    more: tuple[float, ...] = ()


@dataclass(frozen=True)
class Target:
    """The required ratio ``above`` ÷ ``below``.

    Attributes:
        above: The name of a competitor.
        below: The name of another one; empty for the value of ``above`` itself.
        value: The required value: at least this or, if less is better, at most this.
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
        name: Its name for ``--scenario``.
        group: The name of its group for ``--group``.
        title: Its name in the report.
        unit: The unit of every value.
        explanation: The description of the measurement.
        measure: Measures one competitor once.
        competitors: The competitors, in the report's order.
        reference: The name of the competitor that the ratios divide by.
        pairs: Further ratios that the report names, as (numerator, denominator).
        targets: The targets.
        columns: The heads of further columns, in the order of a measurement's ``more``.
        more_is_better: Whether a higher value is the better one.
        headline: Whether the README and the picture show it.
        request: The request, if it is the same for all servers.
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
    """Return the scenario ``clear`` with other servers: those with TLS."""
    changed = replace(
        clear,
        name=f"{clear.name.removesuffix('-h2c')}-tls",
        title=clear.title.replace("in the clear", "over TLS 1.3"),
        explanation=explanation,
        competitors=competitors,
    )
    return replace(changed, **changes)  # type: ignore[arg-type]
