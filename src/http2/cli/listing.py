"""Create the page that lists a directory, without scripts, for narrow and dark screens."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

STYLE = """
:root { color-scheme: light dark; --ground: #f3f5f8; --card: #fff; --ink: #1a2230; --soft: #535e70;
  --line: #dde2ea; --link: #2450bd; --over: #eef2fb }
@media (prefers-color-scheme: dark) { :root { --ground: #0e131a; --card: #161d27; --ink: #e7ebf2;
  --soft: #a0acbe; --line: #2a3443; --link: #9dbbff; --over: #1d2735 } }
* { box-sizing: border-box }
body { max-width: 56rem; margin: 0 auto;
  padding: clamp(1rem, 4vw, 2.5rem) clamp(.75rem, 3vw, 2rem) 3rem;
  font: 1rem/1.45 system-ui, sans-serif; background: var(--ground); color: var(--ink) }
h1 { margin: 0; font-size: 1.3rem; line-height: 1.3; font-weight: 650; overflow-wrap: anywhere }
h1 a { padding: .35rem 0 }
p { margin: .2rem 0 1rem; color: var(--soft); font-size: .9rem }
a { color: var(--link); text-decoration: none }
a:hover b, h1 a:hover { text-decoration: underline }
:focus-visible { outline: 3px solid var(--link); outline-offset: -3px; border-radius: .5rem }
ul { margin: 0; padding: 0; list-style: none; overflow: hidden; background: var(--card);
  border: 1px solid var(--line); border-radius: .8rem }
li + li { border-top: 1px solid var(--line) }
li a { display: flex; gap: 1rem; align-items: baseline; padding: .68rem 1rem }
li a:hover { background: var(--over) }
li b { flex: 1; min-width: 0; font-weight: 400; overflow-wrap: anywhere; white-space: pre-wrap }
li small { color: var(--soft); white-space: nowrap; font-variant-numeric: tabular-nums }
.day { min-width: 5.5rem; text-align: right }
.folder b { font-weight: 600 }
@media (max-width: 34rem) { .day { display: none } li a { padding: .68rem .8rem } }
""".strip()


@dataclass(frozen=True)
class Entry:
    """An entry of the list."""

    name: str
    folder: bool
    size: int
    modified: float


def page(path: str, entries: list[Entry]) -> str:
    """Return the page for the directory at *path*, ``""`` for the root."""
    lines = [_line(entry) for entry in sorted(entries, key=_order)]
    body = "\n".join([f"<p>{_summary(entries)}</p>", "<ul>", *lines, "</ul>"])
    if not entries:
        body = "<p>This directory is empty.</p>"
    title = escape(_readable(f"/{path}/" if path else "/"))
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # without an icon, a browser requests one that does not exist
        f'<title>{title}</title>\n<link rel="icon" href="data:,">\n<style>\n{STYLE}\n</style>\n'
        f"<h1>{_crumbs(path)}</h1>\n{body}\n</html>\n"
    )


def _summary(entries: list[Entry]) -> str:
    folders = sum(entry.folder for entry in entries)
    files = [entry.size for entry in entries if not entry.folder]
    parts = []
    if folders:
        parts.append(f"{folders} folder{'s' if folders > 1 else ''}")
    if files:
        parts.append(f"{len(files)} file{'s' if len(files) > 1 else ''}, {_size(sum(files))}")
    return ", ".join(parts)


def _order(entry: Entry) -> tuple[bool, str, str]:
    return not entry.folder, entry.name.casefold(), entry.name


def _line(entry: Entry) -> str:
    slash = "/" if entry.folder else ""
    size = "" if entry.folder else _size(entry.size)
    day = time.strftime("%Y-%m-%d", time.localtime(entry.modified))
    kind = ' class="folder"' if entry.folder else ""
    return (
        f'<li{kind}><a href="./{_link(entry.name)}{slash}"><b>{escape(_readable(entry.name))}'
        f'{slash}</b><small>{size}</small><small class="day"><time>{day}</time></small></a></li>'
    )


def _crumbs(path: str) -> str:
    """Return the path as links."""
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
    """Return a name as a part of a URL, for any bytes."""
    return quote(os.fsencode(name), safe="")


def _readable(name: str) -> str:
    """Return a name as text, with escapes for bytes that are not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")
