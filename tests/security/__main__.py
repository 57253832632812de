"""Run attacks and print their cost: ``python -m tests.security [NAME…]``; or ``make security``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence

from ..support.self_signed import Certificate
from .attacks import Attack
from .bounds import broken
from .catalog import ATTACKS, FAMILIES
from .ground import Outcome, take_place

COLUMNS = ("attack", "sent", "memory", "CPU", "honest", "lines", "kept", "ended")
DOCUMENTED = ("attack", "sent", "before", "memory", "honest", "lines", "Node", "what stops it")
WIDTHS = (30, 9, 11, 7, 8, 6, 4, 0)
MIB = 1024 * 1024


def amount(size: int) -> str:
    """Return a number of bytes in readable form."""
    if size < 10_000:
        return f"{size:,} B"
    return f"{size / 1000:,.0f} KB" if size < 10**7 else f"{size / 10**6:,.1f} MB"


def row(outcome: Outcome) -> list[str]:
    """Return the row of an outcome in the table for a terminal."""
    return [
        outcome.attack.name,
        amount(outcome.sent),
        f"{outcome.grown / MIB:,.1f} MiB",
        f"{outcome.cpu:.2f} s",
        f"{outcome.waited * 1000:.0f} ms",
        f"{len(outcome.log):,}",
        "no" if broken(outcome) else "yes",
        outcome.ended,
    ]


def documented(outcome: Outcome, node: Outcome | None) -> list[str]:
    """Return its row in the table for a document, with the memory of Node beside it."""
    attack = outcome.attack
    return [
        attack.title,
        amount(outcome.sent),
        attack.before,
        f"{outcome.grown / MIB:,.1f} MiB",
        f"{outcome.waited * 1000:.0f} ms",
        f"{len(outcome.log):,}",
        "" if node is None else f"{node.grown / MIB:,.1f} MiB",
        attack.limit,
    ]


def chosen(names: list[str]) -> list[Attack]:
    """Return the attacks with these names or families; without names, all."""
    for name in names:
        if name not in ATTACKS and name not in FAMILIES:
            sys.exit(f"no attack and no family is called {name}: see --list")
    return [
        attack
        for attack in sorted(ATTACKS.values(), key=lambda attack: FAMILIES.index(attack.family))
        if not names or attack.name in names or attack.family in names
    ]


def plain(cells: Sequence[str]) -> None:
    """Print a line of the table for a terminal."""
    print(
        " ".join(f"{cell:{width}}" for cell, width in zip(cells, WIDTHS, strict=True)), flush=True
    )


def markdown(cells: Sequence[str]) -> None:
    """Print a line of the table for a document."""
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Run the attacks; print one line for each, as a table in Markdown with ``--markdown``."""
    parser = argparse.ArgumentParser(prog="python -m tests.security", description=__doc__)
    parser.add_argument("names", nargs="*", help="attacks, or families of them; all by default")
    parser.add_argument("--node", action="store_true", help="attack Node's http2 instead")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--list", action="store_true", help="tell what there is")
    parser.add_argument(
        "--markdown", action="store_true", help="print tables for a document, with Node beside"
    )
    parser.add_argument("--log", action="store_true", help="show the lines that were logged")
    given = parser.parse_args()
    attacks = chosen(given.names)
    if given.list:
        for attack in attacks:
            print(f"{attack.family:8} {attack.name:28} {attack.title}")
        return
    kept = True
    family = ""
    if not given.markdown:
        plain(COLUMNS)
    with tempfile.TemporaryDirectory() as folder:
        identity = Certificate.make(folder)
        for attack in attacks:
            if given.node and not attack.node:
                continue
            if given.markdown and attack.family != family:
                family = attack.family
                print(f"\n### {family}\n")
                markdown(DOCUMENTED)
                markdown(["---"] * len(DOCUMENTED))
            try:
                outcome = take_place(attack, identity, node=given.node, loop=given.loop)
            except AssertionError as failure:
                plain([attack.name, *[""] * (len(COLUMNS) - 3), "no", str(failure)])
                kept = False
                continue
            beyond = broken(outcome)
            kept = kept and not beyond
            if given.markdown:
                node = take_place(attack, identity, node=True) if attack.node else None
                markdown(documented(outcome, node))
                continue
            plain(row(outcome))
            if beyond:
                print(f"    {'; '.join(beyond)}", flush=True)
            if given.log:
                print("".join(f"    {line}\n" for line in outcome.log[:3]), end="", flush=True)
    sys.exit(not kept)


if __name__ == "__main__":
    main()
