"""The requirements of the ASGI specification for servers, and the tests that prove them.

`docs/asgi_rules.toml` is the list: by document and section, each requirement with the tests
that prove it, ``file::function`` of tests/asgi, or of tests/ if the file has a folder.
A requirement without a test has a reason instead.
"""

from __future__ import annotations

import ast
import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIST = ROOT / "docs" / "asgi_rules.toml"


@dataclass(frozen=True)
class Rule:
    """One requirement."""

    section: str
    text: str
    tests: list[str]
    note: str


def rules() -> list[Rule]:
    """Return all requirements, in the specification's order."""
    found = []
    for section in tomllib.loads(LIST.read_text())["section"]:
        for text, *tests in section["rules"]:
            notes = [test for test in tests if "::" not in test]
            named = [test for test in tests if "::" in test]
            found.append(Rule(section["title"], text, named, " ".join(notes)))
    return found


@functools.cache
def functions(path: Path) -> frozenset[str]:
    """Return the names of the functions in a module of tests."""
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def path_of(test: str) -> Path:
    """Return the path of the module of *test*."""
    name = test.partition("::")[0]
    return ROOT / "tests" / (name if "/" in name else f"asgi/{name}")


def problems() -> list[str]:
    """Return the problems of the list."""
    found = []
    for rule in rules():
        if not rule.tests and not rule.note:
            found.append(f"{rule.text}: neither a test nor a reason")
        for test in rule.tests:
            if test.partition("::")[2] not in functions(path_of(test)):
                found.append(f"{rule.text}: there is no {test}")
    return found


def page() -> str:
    """Return the list as Markdown."""
    lines: list[str] = []
    section = ""
    for rule in rules():
        if rule.section != section:
            section = rule.section
            lines += ["", f"## {section}", "", "| | proven by |", "|---|---|"]
        proofs = "<br>".join(f"`{test}`" for test in rule.tests)
        lines.append(f"| {rule.text} | {'<br>'.join(filter(None, (rule.note, proofs)))} |")
    return "\n".join(lines)
