"""How Sphinx builds the documentation: ``make docs``. Nothing is fetched while it does."""

from pathlib import Path
from typing import Any

import http2

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

# The docstrings are reStructuredText in which `name` is a name of Python's.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}


def keep_colons(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep napoleon from taking "Whether it has begun: its headers were sent" for a type."""
    if what in ("attribute", "property", "data"):
        lines[:0] = ["..", ""]  # an empty comment: napoleon looks at the first line only


def without_benchmarks(app: Any, name: str, source: list[str]) -> None:
    """Leave the page that `make bench` writes out of the index while nobody has run it."""
    if name == "index" and not (Path(app.srcdir) / "benchmarks.md").exists():
        source[0] = source[0].replace("\nbenchmarks\n", "\n")


def setup(app: Any) -> None:
    """Hook the two in; napoleon has the default priority, 500."""
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
    app.connect("source-read", without_benchmarks)
