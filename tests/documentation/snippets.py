"""The code blocks of a Markdown file, for tests that run them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(`{3,})(\S*)[^\n`]*\n(.*?)^\1\n", re.MULTILINE | re.DOTALL)
MARKER = re.compile(r"<!--\s*snippet:\s*([\w-]+)\s*-->\s*\Z")


@dataclass(frozen=True)
class Snippet:
    """One fenced block."""

    path: Path
    line: int
    language: str
    marker: str
    """The word in ``<!-- snippet: … -->`` directly before the block; else empty."""
    text: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"

    @property
    def padded(self) -> str:
        """The text after empty lines, so that tracebacks have the file's line numbers."""
        return "\n" * self.line + self.text


def snippets(path: Path, language: str = "python") -> list[Snippet]:
    """Return the blocks of *path* in *language*, in order."""
    text = path.read_text()
    return [
        Snippet(
            path,
            text.count("\n", 0, found.start()) + 1,
            found[2],
            marker[1] if (marker := MARKER.search(text, 0, found.start())) else "",
            found[3],
        )
        for found in FENCE.finditer(text)
        if found[2] == language
    ]
