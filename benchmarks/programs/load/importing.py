"""Measure ``import MODULE`` beyond ``import asyncio, ssl``, in ms: the median of new processes.

``MODULE:NAME`` measures ``from MODULE import NAME``.

A package that is installed for development is copied first: finding it would take longer than for
those who installed it, and is not what is measured.
"""

import compileall
import importlib
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TIMES = 5
PROGRAM = """
import sys
sys.path[:0] = {places!r}
import asyncio, ssl, time
start = time.perf_counter()
{statement}
print(1000 * (time.perf_counter() - start))
"""


def copied(module: str, directory: Path) -> None:
    """Copy the files of ``module`` into ``directory``."""
    package = importlib.import_module(module)
    origin = Path(package.__file__ or "").parent
    ignored = shutil.ignore_patterns("__pycache__", "*.pyx", "*.pxd", "*.so")
    shutil.copytree(origin, directory / module, ignore=ignored)
    for name, found in list(sys.modules.items()):
        file = getattr(found, "__file__", None) or ""
        if name.startswith(f"{module}.") and file.endswith(".so"):
            shutil.copy(file, directory.joinpath(*name.split(".")[:-1]) / Path(file).name)
    compileall.compile_dir(directory, quiet=1)  # as an installation does


def main() -> None:
    """Measure the module of the command line, as often as a number behind it says."""
    module, _, name = sys.argv[1].partition(":")
    statement = f"from {module} import {name}" if name else f"import {module}"
    times = int(sys.argv[2]) if len(sys.argv) > 2 else TIMES
    places = [place for place in sys.path if place.endswith("-packages")]
    found = importlib.import_module(module).__file__ or ""
    if name:
        getattr(importlib.import_module(module), name)  # copy the loaded files
    with tempfile.TemporaryDirectory() as directory:
        if not any(found.startswith(place) for place in places):
            copied(module, Path(directory))
            places.insert(0, directory)
        # -S: without the hooks that an installation for development puts into every start
        command = [sys.executable, "-S", "-c", PROGRAM.format(places=places, statement=statement)]
        taken = [float(subprocess.check_output(command, timeout=20)) for _ in range(times + 1)]
    print(statistics.median(taken[1:]))  # the first one may have compiled


if __name__ == "__main__":
    main()
