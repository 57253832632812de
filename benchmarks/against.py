"""This library beside itself as it was at another commit, in one run."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.peers import Peer
from benchmarks.processes import REPOSITORY, Failure
from benchmarks.report import number, times
from benchmarks.results import Table
from benchmarks.scenarios import Scenario

BUILDS = REPOSITORY / "build" / "against"  # git ignores it
OLD = "old-"
LOSS = 0.03  # the ratios that are highlighted


@dataclass(frozen=True)
class Build:
    """A commit, built into an environment of its own.

    Attributes:
        commit: Its full name.
        python: The environment's interpreter.
    """

    commit: str
    python: Path


def build(revision: str) -> Build:
    """Return the build of a commit; made now, unless an earlier run has made it.

    The environment has its own ``http2`` and borrows every other package from the one that runs
    the benchmarks, so that both are measured with the same versions.

    Raises:
        Failure: There is no such commit, or it does not build.
    """
    commit = run("git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    tag = sysconfig.get_config_var("SOABI") or f"{sys.version_info[0]}.{sys.version_info[1]}"
    home = BUILDS / f"{commit[:12]}-{tag}"
    python = home / "bin" / "python"
    ready = home / "ready"
    if not ready.exists():
        print(f"Building {commit[:12]}; it is kept in {home.relative_to(REPOSITORY)}.", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        run(sys.executable, "-m", "venv", "--without-pip", str(home))
        with tempfile.TemporaryDirectory(prefix="http2-against-") as name:
            source, wheels = Path(name, "source"), Path(name, "wheels")
            run("git", "worktree", "add", "--quiet", "--detach", str(source), commit)
            try:
                pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(source))
            finally:
                run("git", "worktree", "remove", "--force", str(source))
            (wheel,) = wheels.glob("*.whl")
            pip("--python", str(python), "install", "--no-deps", str(wheel))
        packages = run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        Path(packages.strip(), "borrowed.pth").write_text("\n".join(sorted(ours)) + "\n")
        ready.touch()
    return Build(commit, python)


def pip(*arguments: str) -> None:
    """Run pip, with this environment's programs (the build calls ``cython``) on the path."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    run(sys.executable, "-m", "pip", *quiet, *arguments)


def run(*command: str) -> str:
    """Run a program to its end from the repository's root, and return what it printed.

    Raises:
        Failure: It ends with another status than 0.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=os.environ | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        program = " ".join(command[:2]) if command[0] == "git" else " ".join(command[1:3])
        raise Failure(f"{program}: {lines[-1] if lines else f'status {done.returncode}'}")
    return done.stdout


def table(scenario: Scenario, only: set[str] | None, old: Build) -> Table:
    """Return a table of this library's competitors, each as it is and as it was at ``old``."""
    competitors: list[Peer] = []
    for peer in scenario.competitors:
        if peer.ours and (not only or peer.name in only):
            competitors += [peer, as_it_was(peer, old)]
    made = Table(replace(scenario, competitors=tuple(competitors), pairs=(), targets=()))
    made.alternating = True
    return made


def as_it_was(peer: Peer, old: Build) -> Peer:
    """Return ``peer`` on the library of another commit; the program is the same."""

    def command(bench: Bench, port: int) -> list[str]:
        words = peer.command(bench, port)
        return [str(old.python) if word == sys.executable else word for word in words]

    label = f"{peer.label}, {old.commit[:12]}"
    return replace(peer, name=f"{OLD}{peer.name}", label=label, command=command)


def summary(tables: list[Table], old: Build) -> str:
    """Return the ratio of the new value to the old one, for the terminal."""
    lines = ["", f"Now ÷ {old.commit[:12]}: the median over the rounds, the lowest, the highest"]
    for each in tables:
        scenario = each.scenario
        lines += ["", f"{scenario.name}: {scenario.title} ({scenario.unit})"]
        for name, row in each.rows.items():
            if name.startswith(OLD):
                continue
            before, ratio = each.rows[OLD + name], each.ratio(name, OLD + name)
            if row.value is None or before.value is None or ratio is None:
                reason = row.reason or before.reason
                which = "now" if row.reason else old.commit[:12]
                lines.append(f"  {row.label:28} not measured ({which}): {reason}")
                continue
            values = f"{number(row.value.median):>10} ÷ {number(before.value.median):<10}"
            lost = 1 - ratio.median if scenario.more_is_better else ratio.median - 1
            remark = f"  lost {lost:.0%}" if lost > LOSS else ""
            if core := each.core_time(name, OLD + name):
                remark = f"  core time {times(core):20}{remark}"
            lines.append(f"  {row.label:28} {times(ratio):24} {values}{remark}".rstrip())
    return "\n".join(lines)
