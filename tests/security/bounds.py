"""The bounds of an attack's cost, and which of them were exceeded."""

from __future__ import annotations

from .ground import Outcome

MIB = 1024 * 1024
# Seconds until an honest request during the attack is answered, without those in which the machine
# had no processor for the victim or for the honest client; and with them, on a busy machine.
HONEST = 0.25
SLOWEST = 5.0


def broken(outcome: Outcome) -> list[str]:
    """Return the bounds that *outcome* exceeds, as text; empty if none."""
    attack = outcome.attack
    found = []
    if outcome.grown > attack.bound:
        found.append(
            f"memory grew by {outcome.grown / MIB:.1f} MiB, more than {attack.bound / MIB:.1f}"
        )
    if outcome.waited > HONEST:
        found.append(f"an honest request waited for {outcome.waited * 1000:.0f} ms")
    if outcome.slowest > SLOWEST:
        found.append(f"an honest request took {outcome.slowest:.1f} s")
    if len(outcome.log) > attack.lines:
        found.append(f"{len(outcome.log):,} lines were logged, more than {attack.lines}")
    if attack.ends and outcome.open:
        found.append(f"{outcome.open} hostile connections were not ended")
    return found
