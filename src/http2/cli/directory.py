"""Serve the files of a directory as an ASGI application, with Starlette's `StaticFiles`.

Starlette handles ranges, ETag and conditional requests. This module selects the file for a path:
none outside the directory, also through links, and none whose name begins with a dot.
"""

from __future__ import annotations

import os
import stat
from mimetypes import guess_type
from urllib.parse import quote, unquote_to_bytes

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from .listing import Entry, page

# Suffixes of compressed copies of a file; the first of equal weight is used.
ENCODINGS = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
# The only public directory whose name begins with a dot: RFC 8615.
WELL_KNOWN = ".well-known"

Found = tuple[str, os.stat_result]


class Directory(StaticFiles):
    """Serves the files in *directory*; workers get a copy."""

    directory: str

    def __init__(self, directory: str, *, spa: bool = False) -> None:
        super().__init__(directory=directory, html=True)
        self._spa = spa

    def get_path(self, scope: Scope) -> str:
        """Return the requested path within the directory; a name need not be UTF-8."""
        path = super().get_path(scope)
        if "\ufffd" in path:
            raw = scope["raw_path"].removeprefix(scope.get("root_path", "").encode())
            names = os.fsdecode(unquote_to_bytes(raw)).split("/")
            path = os.path.normpath(os.path.join("", *names))
        return path

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file, a directory's index, or an error."""
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse(
                "Method Not Allowed\n", status_code=405, headers={"allow": "GET, HEAD"}
            )
        # it accesses the file system
        return await to_thread.run_sync(self._answer, path, scope)

    def _answer(self, path: str, scope: Scope) -> Response:
        found = self._find(path)
        if found is not None and stat.S_ISDIR(found[1].st_mode):
            index = self._file(os.path.join(path, "index.html"))
            if not scope["path"].endswith("/") and (index is not None or not self._spa):
                return RedirectResponse(_with_slash(scope))
            if index is not None:
                return self.file_response(*index, scope)
            if not self._spa:
                return self._listing(path, found[0])
        elif found is not None and stat.S_ISREG(found[1].st_mode):
            return self.file_response(*found, scope)
        if self._spa and not _is_hidden(path) and _is_page(scope):
            index = self._file("index.html")
            if index is not None:
                return self.file_response(*index, scope)
        missing = self._file("404.html")
        if missing is not None:
            # without conditions: it is not the requested file
            full, result = missing
            return FileResponse(full, status_code=404, stat_result=result)
        return PlainTextResponse("Not Found\n", status_code=404)

    def _find(self, path: str) -> Found | None:
        """Return the file or directory at *path*, following links, if it is public."""
        if _is_hidden(path):
            return None
        try:
            full, result = self.lookup_path(path)
            root = os.path.realpath(self.directory)
            if result is None or _is_hidden(os.path.relpath(full, root)):
                return None
        except (OSError, ValueError):
            # too long, a link to itself, not permitted, a null byte
            return None
        return (full, result) if os.access(full, os.R_OK) else None

    def _file(self, path: str) -> Found | None:
        found = self._find(path)
        return found if found is not None and stat.S_ISREG(found[1].st_mode) else None

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Send a file, or its compressed copy that the client prefers."""
        full_path = os.fspath(full_path)
        relative = os.path.relpath(full_path, os.path.realpath(self.directory))
        variants = {
            coding: found
            for coding, ending in ENCODINGS.items()
            if (found := self._file(relative + ending)) is not None
        }
        coding = _preferred(list(variants), Headers(scope=scope))
        if coding is not None:
            full_path, stat_result = variants[coding]
        response = super().file_response(full_path, stat_result, scope, status_code)
        if variants:
            response.headers["vary"] = "accept-encoding"
        if response.status_code != 304:
            response.headers["content-type"] = _content_type(relative)
            if coding is not None:
                response.headers["content-encoding"] = coding
        return response

    def _listing(self, path: str, full: str) -> Response:
        entries = []
        for name in os.listdir(full):
            found = self._find(os.path.normpath(os.path.join(path, name)))
            if found is None or name == WELL_KNOWN:
                continue
            result = found[1]
            folder = stat.S_ISDIR(result.st_mode)
            if folder or stat.S_ISREG(result.st_mode):
                entries.append(Entry(name, folder, result.st_size, result.st_mtime))
        return HTMLResponse(page("" if path == "." else path, entries))


def _is_hidden(path: str) -> bool:
    """Return whether a part of the normalized *path* begins with a dot, including `..`."""
    first, *others = path.split(os.sep)
    shown = first in (".", WELL_KNOWN) or not first.startswith(".")
    return not shown or any(name.startswith(".") for name in others)


def _is_page(scope: Scope) -> bool:
    """Return whether a browser navigates there, as opposed to a page that loads a script."""
    name = scope["path"].rpartition("/")[2]
    return "." not in name or "text/html" in Headers(scope=scope).get("accept", "")


def _with_slash(scope: Scope) -> str:
    """Return a relative redirect that adds a slash, because proxies may change paths."""
    name = unquote_to_bytes(scope["raw_path"]).rpartition(b"/")[2]
    query = scope["query_string"].decode("latin-1")
    return f"./{quote(name)}/" + (f"?{query}" if query else "")


def _content_type(name: str) -> str:
    """Return the type of a file; a compressed file keeps its own type."""
    kind, coding = guess_type(name)
    if coding is not None:
        return "application/gzip" if coding == "gzip" else "application/octet-stream"
    kind = kind or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _preferred(codings: list[str], headers: Headers) -> str | None:
    """Return the client's preferred coding in *codings*, or None (RFC 9110 section 12.5.3)."""
    weights = {}
    for item in ",".join(headers.getlist("accept-encoding")).lower().split(","):
        name, _, parameters = item.partition(";")
        weights[name.strip()] = _weight(parameters)
    any_other = weights.get("*", 0.0)
    found = [(weights.get(coding, any_other), coding) for coding in codings]
    weight, best = max(found, key=lambda pair: pair[0], default=(0.0, None))
    plain = weights.get("identity", 0.0)
    return best if weight > 0 and weight >= plain else None


def _weight(parameters: str) -> float:
    key, _, value = parameters.strip().partition("=")
    if key.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
