"""``python -m benchmarks.budget``: the instructions of a request, by part, as a table.

Each scenario runs once under ``valgrind --tool=callgrind``, which counts the instructions of a
process: not the kernel's, and the same on a busy machine. `benchmarks.programs.load.rounds` says
what runs; a process is counted from one call of ``sched_yield`` to the next.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import REPOSITORY
from benchmarks.programs.load.rounds import REQUESTS

ROUNDS = 50


@dataclass(frozen=True)
class Scenario:
    """Requests over HTTP/1.1 or 2 to a program of `benchmarks.programs`.

    Attributes:
        title: The heading of its column.
        protocol: ``'1.1'`` or ``'2'``.
        handler: What `rounds` serves.
    """

    title: str
    protocol: str
    handler: str


LOOP = "loop"
SCENARIOS = {
    "core": Scenario("Core API, function", "2", "hello/stream"),
    "function": Scenario("function", "2", "compat"),
    "coroutine": Scenario("coroutine", "2", "coroutine"),
    "post": Scenario("JSON POST", "2", "json_post"),
    "asgi": Scenario("ASGI", "2", "asgi:hello"),
    "asgi-post": Scenario("ASGI, JSON POST", "2", "asgi:order"),
    "http1-function": Scenario("function", "1.1", "compat"),
    "http1-coroutine": Scenario("coroutine", "1.1", "coroutine"),
    "http1-post": Scenario("JSON POST", "1.1", "json_post"),
    "http1-asgi": Scenario("ASGI", "1.1", "asgi:hello"),
    "http1-loop": Scenario("no HTTP", "1.1", LOOP),
}
NGHTTP2, ENGINE, INTERPRETER, COLLECTOR, TOTAL = PARTS = (
    "nghttp2",
    "this library's compiled code",
    "the interpreter: this library, the loop, the handler",
    "of these, the collector",
    "all",
)


def costs(profile: Path) -> Counter[str]:
    """Return the instructions of each shared object in a callgrind *profile*."""
    found: Counter[str] = Counter()
    current = ""
    inclusive = False
    for line in profile.read_text().splitlines():
        if line.startswith("ob="):
            current = line[3:]
        elif line.startswith("calls="):
            inclusive = True  # the next line has what the called function cost
        elif re.match(r"[\d+*-]", line):
            if not inclusive:
                found[current] += int(line.split()[1])
            inclusive = False
    return found


def count(scenario: Scenario) -> dict[str, int]:
    """Run *scenario*; return the instructions of a request by part."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory, "out")
        command = [
            *("valgrind", "--tool=callgrind", "--dump-before=sched_yield"),
            *("--compress-strings=no", "--compress-pos=no", f"--callgrind-out-file={out}"),
            *(sys.executable, "-m", "benchmarks.programs.load.rounds"),
            *(scenario.protocol, scenario.handler, str(ROUNDS), str(Path(directory, "socket"))),
        ]
        done = subprocess.run(
            command, cwd=REPOSITORY, env={"PYTHONHASHSEED": "0"}, capture_output=True, timeout=600
        )
        if done.returncode:
            raise SystemExit(done.stderr.decode())
        counted, uncollected = costs(Path(f"{out}.2")), costs(Path(f"{out}.3"))
    parts: Counter[str] = Counter()
    for name, instructions in counted.items():
        if "libnghttp2" in name:
            parts[NGHTTP2] += instructions
        elif ".venv" in name and "/build/" in name:
            parts[ENGINE] += instructions
        else:
            parts[INTERPRETER] += instructions
    parts[TOTAL] = counted.total()
    parts[COLLECTOR] = counted.total() - uncollected.total()
    return {part: round(parts[part] / ROUNDS / REQUESTS) for part in PARTS}


def table(names: list[str]) -> str:
    """Count the scenarios called *names*; return their table, in Markdown."""
    columns = {name: count(SCENARIOS[name]) for name in names}
    heads = [f"HTTP/{SCENARIOS[name].protocol}, {SCENARIOS[name].title}" for name in names]
    lines = [f"| instructions per request | {' | '.join(heads)} |"]
    lines.append("|---|" + "---:|" * len(names))
    for part in PARTS:
        cells = [f"{columns[name][part]:,}" for name in names]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"by default all: {', '.join(SCENARIOS)}")
    names = parser.parse_args().scenario or list(SCENARIOS)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    print(table(names))


if __name__ == "__main__":
    main()
