"""Sphinx's configuration for ``make docs``. The build downloads nothing."""

import sys
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError

import http2

sys.path.insert(0, str(Path(__file__).parent.parent))
from docs import asgi_rules as rules
from docs import rows

project = "http2"
author = "the http2 maintainers"
copyright = "the http2 maintainers"
release = version = http2.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"http2 {release}"
html_copy_source = False

myst_heading_anchors = 3

# The docstrings are reStructuredText, in which `name` is a Python name.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}


def keep_colons(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Prevent napoleon from reading "Whether it has begun: its headers were sent" as a type."""
    if what in ("attribute", "property", "data"):
        lines[:0] = ["..", ""]  # an empty comment: napoleon checks only the first line


def without_doors(
    app: Any, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Omit names that exist only for other rooms of the library, and have no row."""
    return True if name in rows.internal() - rows.listed_names() else None


def without_benchmarks(app: Any, name: str, source: list[str]) -> None:
    """Remove the page that `make bench` writes from the index if it does not exist."""
    if name == "index" and not (Path(app.srcdir) / "benchmarks.md").exists():
        source[0] = source[0].replace("\nbenchmarks\n", "\n")


def with_rows(app: Any, name: str, source: list[str]) -> None:
    """Insert the tables of rows and their tests into their page."""
    source[0] = source[0].replace("\n<!-- rows -->\n", f"\n{rows.page()}\n")
    source[0] = source[0].replace("\n<!-- rules -->\n", f"\n{rules.page()}\n")


def check_rows(app: Any) -> None:
    """Fail the build unless every row has a test and every public name a row."""
    if found := rows.problems():
        raise ExtensionError("rows.toml, names and tests do not agree:\n" + "\n".join(found))
    if found := rules.problems():
        raise ExtensionError("asgi_rules.toml and the tests do not agree:\n" + "\n".join(found))


def setup(app: Any) -> None:
    """Connect the functions above; napoleon has the default priority, 500."""
    app.connect("builder-inited", check_rows)
    app.connect("source-read", with_rows)
    app.connect("autodoc-skip-member", without_doors)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
    app.connect("source-read", without_benchmarks)
