"""tools/pythons: the Pythons that it finds, and the environment of each."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ..support.paths import ROOT

SCRIPT = ROOT / "tools" / "pythons"


class Checkout:
    """A checkout with only this script, and a PATH with what it needs and some Pythons."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("checkout/tools", "bin", "pyenv/versions"):
            (root / name).mkdir(parents=True)
        self.script = root / "checkout" / "tools" / "pythons"
        shutil.copy(SCRIPT, self.script)
        for name in ("sh", "awk", "sort", "dirname"):
            found = shutil.which(name)
            assert found is not None
            (root / "bin" / name).symlink_to(found)

    def python(self, path: str, version: str | None) -> str:
        """Create a program that reports to be the Python *version*; with None, one that fails."""
        program = self.root / path
        program.parent.mkdir(parents=True, exist_ok=True)
        says = f"echo {version} {program}" if version else "exit 127"
        program.write_text(f"#!/bin/sh\n{says}\n")
        program.chmod(0o755)
        return str(program)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        known = {
            "PATH": str(self.root / "bin"),
            "PYENV_ROOT": str(self.root / "pyenv"),
            "HOME": "/",
        }
        return subprocess.run(
            [self.script, *arguments], env=known | environment, capture_output=True, text=True
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_what_is_found(checkout: Checkout) -> None:
    """Each version once, PATH before pyenv; a shim that does not run is ignored."""
    nine = checkout.python("bin/python3", "3.11.9")
    checkout.python("bin/python3.11", "3.11.9")
    checkout.python("bin/python3.13", None)
    ten = checkout.python("pyenv/versions/3.11.10/bin/python3", "3.11.10")
    checkout.python("pyenv/versions/3.11.9/bin/python3", "3.11.9")
    new = checkout.python("pyenv/versions/3.13.0/bin/python3", "3.13.0")
    checkout.python("checkout/.venv-3.12.1/bin/python3", "3.12.1")
    path = f"{checkout.root / 'checkout/.venv-3.12.1/bin'}:{checkout.root / 'bin'}"
    done = checkout.run(PATH=path)
    assert done.stdout.splitlines() == [f"3.11.9 {nine}", f"3.11.10 {ten}", f"3.13.0 {new}"]


def test_each(checkout: Checkout) -> None:
    """All are run, also after one that has failed."""
    for version in ("3.11.9", "3.12.1", "3.13.0"):
        checkout.python(f"pyenv/versions/{version}/bin/python3", version)
    script = 'echo "$1"; case $1 in *3.12*) exit 3 ;; esac'
    done = checkout.run("each", "sh", "-c", script, "sh")
    assert done.returncode == 1
    ran = [line for line in done.stdout.splitlines() if "PYTHON=" in line]
    assert [line.split("versions/")[1] for line in ran] == [
        f"{version}/bin/python3" for version in ("3.11.9", "3.12.1", "3.13.0")
    ]
    assert done.stdout.endswith("3.11.9 passed\n3.12.1 failed\n3.13.0 passed\n")
    assert checkout.run("each", "sh", "-c", "exit 0").returncode == 0


def test_none_is_found(checkout: Checkout) -> None:
    done = checkout.run("each", "sh", "-c", "echo PYTHON")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "pythons: no CPython 3.11 or later was found\n"


def test_the_directory_of_an_environment(checkout: Checkout) -> None:
    default = checkout.python("bin/python3.11", "3.11.9")
    other = checkout.python("bin/python3.13", "3.13.0")
    assert checkout.run("venv").stdout == ".venv\n"
    assert checkout.run("venv", PYTHON=default).stdout == ".venv-3.11.9\n"
    # that of .venv stays there
    made = Path(checkout.python("checkout/.venv/bin/python", "3.11.9"))
    made.write_text(f"#!/bin/sh\nexec {default}\n")
    assert checkout.run("venv", PYTHON=default).stdout == ".venv\n"
    assert checkout.run("venv", PYTHON=other).stdout == ".venv-3.13.0\n"
    wrong = checkout.run("venv", PYTHON="/nonexistent")
    assert wrong.returncode == 1
    assert "PYTHON=/nonexistent is no CPython 3.11 or later" in wrong.stderr
