"""``python -m fuzz``: run all targets, or repeat a finding of one of them.

run      every target for its share of the time, as many at once as there are processors
one      one target, with libFuzzer's own arguments
replay   inputs, each with its target, which is the first word of the file's name, or ``--target``
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
FINDINGS = HERE / "findings"
CORPUS = ROOT / "build" / "fuzz-corpus"
TOOL = "tools/instrument fuzz -m fuzz"

# Modules whose Python code is watched as well; the engine's C is by its build.
WATCHED = ["http2"]
# Seconds for one input, and MiB for one process: more is a finding.
TIMEOUT = 20
MEMORY = 2048


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plan(seconds: float, weights: dict[str, int], workers: int) -> dict[str, float]:
    """Return the seconds of each target, so that all end after *seconds* on *workers*."""
    loads = [0] * workers
    for weight in sorted(weights.values(), reverse=True):
        heapq.heapreplace(loads, loads[0] + weight)
    return {name: seconds * weight / max(loads) for name, weight in weights.items()}


def run(seconds: float, names: list[str]) -> int:
    """Fuzz *names*, or all targets; 0 when nothing was found."""
    from .targets import TARGETS

    chosen = {name: TARGETS[name].weight for name in names or TARGETS}
    workers = min(processors(), len(chosen))
    shares = plan(seconds, chosen, workers)
    waiting = sorted(chosen, key=lambda name: chosen[name])
    running: dict[str, subprocess.Popen[bytes]] = {}
    logs: dict[str, Path] = {}
    failed = []
    CORPUS.mkdir(parents=True, exist_ok=True)
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                name = waiting.pop()
                share = max(1, round(shares[name]))
                print(f"{name}: {share} s", flush=True)
                logs[name] = CORPUS / f"{name}.log"
                with logs[name].open("wb") as log:
                    running[name] = subprocess.Popen(
                        [sys.executable, "-m", "fuzz", "one", name, f"-max_total_time={share}"],
                        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    )  # fmt: skip
            for name, process in tuple(running.items()):
                if process.poll() is not None:
                    del running[name]
                    if process.returncode:
                        failed.append(name)
                    tell(name, process.returncode, logs[name].read_text(errors="replace"))
            time.sleep(0.1)
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    if failed:
        print(f"found something: {', '.join(sorted(failed))}", flush=True)
    return 1 if failed else 0


def tell(name: str, status: int, log: str) -> None:
    """Say how *name* went."""
    lines = log.splitlines()
    counted = [line for line in lines if line.startswith(("Done ", "#")) and "cov:" in line]
    done = [line for line in lines if line.startswith("Done ")]
    print(f"{name}: {'; '.join([*done, *counted[-1:]]) or 'nothing ran'}", flush=True)
    if not status:
        return
    print("\n".join(lines[-60:]))
    for line in lines:
        if "Test unit written to " in line:
            found = Path(line.rpartition(" ")[2])
            print(f"found by {name}; to do it again: {TOOL} replay {found.relative_to(ROOT)}")


def one(name: str, arguments: list[str]) -> int:
    """Fuzz one target until libFuzzer's *arguments* say that it is enough."""
    import atheris

    with atheris.instrument_imports(include=WATCHED):
        from .seeds import SEEDS
        from .targets import TARGETS

    target = TARGETS[name]
    corpus = CORPUS / name
    seeds = CORPUS / f"{name}-seeds"
    for folder in (corpus, seeds, FINDINGS):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS[name]():
        (seeds / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    atheris.Setup(
        [
            name, f"-artifact_prefix={FINDINGS}/{name}-", f"-max_len={target.longest}",
            f"-timeout={TIMEOUT}", f"-rss_limit_mb={MEMORY}", "-print_final_stats=1",
            f"-report_slow_units={TIMEOUT}", *arguments, str(corpus), str(seeds),
        ],
        target.function,
    )  # fmt: skip
    atheris.Fuzz()
    return 0


def replay(files: list[Path], target: str | None) -> int:
    """Run each of *files* once. A failure ends the process, or is raised."""
    from .targets import TARGETS

    for file in files:
        name = target or file.name.partition("-")[0]
        print(f"{file}: {name}", flush=True)
        TARGETS[name].function(file.read_bytes())
    return 0


def main() -> int:
    """Run the commands of the command line."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run", help="fuzz, each target for its share of the time")
    runner.add_argument("--seconds", type=float, default=60, help="in all (60)")
    runner.add_argument("targets", nargs="*", help="these only")
    single = commands.add_parser("one", help="fuzz one target")
    single.add_argument("target")
    single.add_argument("arguments", nargs=argparse.REMAINDER, help="libFuzzer's")
    again = commands.add_parser("replay", help="run inputs once")
    again.add_argument("--target")
    again.add_argument("files", nargs="+", type=Path)
    given = parser.parse_args()
    if given.command == "run":
        return run(given.seconds, given.targets)
    if given.command == "one":
        return one(given.target, given.arguments)
    return replay(given.files, given.target)


if __name__ == "__main__":
    sys.exit(main())
