"""The page that lists a directory: without scripts, for narrow screens and dark ones."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 15%, transparent) }
* { box-sizing: border-box }
body { max-width: 52rem; margin: 0 auto; padding: 1.25rem 1rem 3rem;
  font: 1rem/1.4 system-ui, sans-serif; background: Canvas; color: CanvasText }
h1 { margin: 0 0 .75rem; font-size: 1.15rem; font-weight: 600; overflow-wrap: anywhere }
h1 a { padding: .4rem 0 }
a { color: LinkText; text-decoration: none }
a:hover, a:focus-visible { text-decoration: underline }
ul { margin: 0; padding: 0; list-style: none; border-top: 1px solid var(--line) }
li { border-bottom: 1px solid var(--line) }
li a { display: flex; gap: 1rem; align-items: baseline; padding: .7rem .25rem }
li b { flex: 1; min-width: 0; font-weight: 400; overflow-wrap: anywhere }
li small { color: GrayText; white-space: nowrap; font-variant-numeric: tabular-nums }
li time { min-width: 6.5rem; text-align: right }
.folder b { font-weight: 600 }
p { color: GrayText }
@media (max-width: 30rem) { li time { display: none } }
""".strip()


@dataclass(frozen=True)
class Entry:
    """A line of the list."""

    name: str
    folder: bool
    size: int
    modified: float


def page(path: str, entries: list[Entry]) -> str:
    """The page for the directory at *path*, ``""`` for the first one."""
    lines = [_line(entry) for entry in sorted(entries, key=_order)]
    body = "\n".join(["<ul>", *lines, "</ul>"]) if lines else "<p>Nothing is here.</p>"
    title = escape(_readable(f"/{path}/" if path else "/"))
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{STYLE}\n</style>\n"
        f"<h1>{_crumbs(path)}</h1>\n{body}\n</html>\n"
    )


def _order(entry: Entry) -> tuple[bool, str, str]:
    return not entry.folder, entry.name.casefold(), entry.name


def _line(entry: Entry) -> str:
    slash = "/" if entry.folder else ""
    size = "" if entry.folder else _size(entry.size)
    day = time.strftime("%Y-%m-%d", time.localtime(entry.modified))
    kind = ' class="folder"' if entry.folder else ""
    return (
        f'<li{kind}><a href="./{_link(entry.name)}{slash}"><b>{escape(_readable(entry.name))}'
        f"{slash}</b><small>{size}</small><small><time>{day}</time></small></a></li>"
    )


def _crumbs(path: str) -> str:
    """The way here, each part a link."""
    names = path.split(os.sep) if path else []
    up = len(names)
    crumbs = [f'<a href="{"../" * up or "./"}">/</a>']
    for name in names:
        up -= 1
        crumbs.append(f'<a href="{"../" * up or "./"}">{escape(_readable(name))}/</a>')
    return " ".join(crumbs)


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _link(name: str) -> str:
    """A name as a part of a URL, whatever its bytes are."""
    return quote(os.fsencode(name), safe="")


def _readable(name: str) -> str:
    """A name as text: bytes that are none are shown as such."""
    return name.encode("utf-8", "replace").decode()
