"""The scenarios and their units: a module for each group."""

from benchmarks.scenarios import asgi, bodies, clients, costs, handlers, hello, http1, scale
from benchmarks.scenarios.scenario import Measurement, Scenario, Target

__all__ = ["GROUPS", "SCENARIOS", "Measurement", "Scenario", "Target"]

SCENARIOS: tuple[Scenario, ...] = (
    *hello.SCENARIOS,
    *handlers.SCENARIOS,
    *http1.SCENARIOS,
    *bodies.SCENARIOS,
    *asgi.SCENARIOS,
    *asgi.WEBSOCKETS,
    *clients.SCENARIOS,
    *scale.SCENARIOS,
    *costs.SCENARIOS,
)
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(scenario.group for scenario in SCENARIOS))
