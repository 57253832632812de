"""``python -m benchmarks``: the command line."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks import against, bench, chart, machine, report
from benchmarks.processes import REPOSITORY, Failure
from benchmarks.results import Table
from benchmarks.scenarios import GROUPS, SCENARIOS

RESULTS = REPOSITORY / "benchmarks" / "results.json"
PAGE = REPOSITORY / "docs" / "benchmarks.md"
PICTURE = REPOSITORY / "docs" / "benchmarks.svg"
README = REPOSITORY / "README.md"
README_BEGIN = "<!-- benchmark:begin -->"
README_END = "<!-- benchmark:end -->"


def main() -> int:
    """Measure, print, write; return the exit status."""
    arguments = parse()
    if arguments.list:
        list_all()
        return 0
    everything = not (arguments.scenario or arguments.group)
    chosen = [
        scenario
        for scenario in SCENARIOS
        if everything
        or scenario.name in (arguments.scenario or ())
        or scenario.group in (arguments.group or ())
    ]
    old = None
    if arguments.against:
        try:
            old = against.build(arguments.against)
        except Failure as failure:
            print(f"{arguments.against} cannot be measured: {failure}", file=sys.stderr)
            return 1
        tables = [against.table(scenario, arguments.only, old) for scenario in chosen]
    else:
        tables = [Table(scenario, arguments.only) for scenario in chosen]
    tables = [table for table in tables if table.peers]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that children are ended too
    started = time.monotonic()
    load_before = os.getloadavg()[0]
    if load_before > 0.5:
        print(f"This machine is busy with something else (load {load_before:.1f}).")
    try:
        with bench.prepare(arguments.duration, arguments.warm_up) as prepared:
            if prepared.server_core is None:
                print("Fewer than two cores, or no taskset: server and load are not pinned.")
            measure(tables, prepared, arguments.rounds)
    except KeyboardInterrupt:
        print("\nInterrupted; nothing was written.", file=sys.stderr)
        return 130
    if old:
        print(against.summary(tables, old))
    else:
        print(report.summary(tables))
        print(report.targets_summary(tables))
    print(f"\nTook {time.monotonic() - started:.0f} s.")
    if old:
        print("A comparison with another commit is not written to the files.")
    elif arguments.only or not everything:
        print("Only a run of everything is written to the files.")
    elif not any(row.rounds for table in tables for row in table.rows.values()):
        print("Nothing could be measured; nothing was written.")
    elif not arguments.no_write:
        run = {
            "rounds": arguments.rounds,
            "duration": arguments.duration,
            "warm_up": arguments.warm_up,
            "pinned": prepared.server_core is not None,
        }
        write(tables, run, load_before)
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure this library beside its peers."
    )
    competitors = {peer.name for scenario in SCENARIOS for peer in scenario.competitors}
    scenarios = {scenario.name for scenario in SCENARIOS}
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument(
        "--duration", type=float, default=0.8, help="seconds per measurement (default: 0.8)"
    )
    parser.add_argument(
        "--warm-up", type=float, default=0.5, help="seconds of load before each (default: 0.5)"
    )
    parser.add_argument(
        "--only", type=names(competitors), metavar="NAME,…", help="these competitors only"
    )
    parser.add_argument(
        "--scenario", type=names(scenarios), metavar="NAME,…", help="these scenarios"
    )
    parser.add_argument("--group", type=names(set(GROUPS)), metavar="NAME,…", help="these groups")
    parser.add_argument(
        "--against",
        metavar="COMMIT",
        help="build that commit and measure this library only: now and as it was there, in turn",
    )
    parser.add_argument("--no-write", action="store_true", help="print only")
    parser.add_argument("--list", action="store_true", help="list the names and end")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.duration <= 0 or arguments.warm_up <= 0:
        parser.error("rounds, duration and warm-up must be positive")
    return arguments


def names(known: set[str]) -> Callable[[str], set[str]]:
    """Return a parser of names separated by commas, all of which must be known."""

    def split(text: str) -> set[str]:
        found = {name.strip() for name in text.split(",") if name.strip()}
        if unknown := found - known:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
        return found

    return split


def list_all() -> None:
    """Print every scenario with its competitors, and why one cannot be measured."""
    for scenario in SCENARIOS:
        print(f"{scenario.name} [{scenario.group}]: {scenario.title} ({scenario.unit})")
        for peer in scenario.competitors:
            reason = peer.missing()
            print(f"  {peer.name:22}{peer.label}{f' ({reason})' if reason else ''}")


def measure(tables: list[Table], prepared: bench.Bench, rounds: int) -> None:
    """Fill the tables: every round measures every competitor once, each round in another order."""
    for number in range(rounds):
        for table in tables:
            for peer in table.order(number, rounds):
                row = table.rows[peer.name]
                try:
                    warmed = replace(prepared, warm_up=max(prepared.warm_up, peer.warm_up))
                    row.rounds[number] = table.scenario.measure(peer, warmed)
                    outcome = report.number(row.rounds[number].value)
                    outcome = f"{outcome} {table.scenario.unit}"
                except (Failure, OSError) as failure:
                    row.reason = plain(str(failure), prepared)
                    outcome = f"not measured: {row.reason}"
                print(
                    f"[{number + 1}/{rounds}] {table.scenario.name:24}{peer.name:22}{outcome}",
                    flush=True,
                )


def plain(reason: str, prepared: bench.Bench) -> str:
    """Return ``reason`` without the paths of this machine."""
    places = {str(prepared.directory): "…", str(REPOSITORY): ".", sys.prefix: "…"}
    for path, replacement in {**places, str(Path.home()): "~"}.items():
        reason = reason.replace(path, replacement)
    return " ".join(reason.split())[:200].rstrip(".").replace("|", "\\|")


def write(tables: list[Table], run: dict[str, object], load_before: float) -> None:
    """Write the three files, and the table of the README."""
    found = machine.facts(load_before)
    PAGE.parent.mkdir(exist_ok=True)
    content = json.dumps(report.as_json(tables, found, run), indent=1, ensure_ascii=False)
    RESULTS.write_text(content + "\n")
    PAGE.write_text(report.markdown(tables, found, run))
    PICTURE.write_text(chart.svg(tables))
    before, rest = README.read_text().split(README_BEGIN)
    after = rest.split(README_END)[1]
    README.write_text(
        before + README_BEGIN + "\n" + report.readme_table(tables) + "\n" + README_END + after
    )
    for path in (RESULTS, PAGE, PICTURE, README):
        print(f"Wrote {path.relative_to(REPOSITORY)}.")


if __name__ == "__main__":
    sys.exit(main())
