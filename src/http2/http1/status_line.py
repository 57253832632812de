"""Create the first line of an HTTP/1 response (RFC 9112 section 4)."""

from __future__ import annotations

from typing import Final

from ..engine.field_rules import is_field_value
from ..errors import new_error

__all__ = ["reason_phrase", "status_line", "status_lines"]

# Reason phrases that older versions of Python take from earlier RFCs.
RENAMED: Final = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}

status_lines: dict[int, bytes] = {}
"""The first lines that were sent, by status."""


def reason_phrase(status: int) -> str:
    """Return RFC 9110's phrase for *status*; empty for an unknown status."""
    phrase = RENAMED.get(status)
    if phrase is not None:
        return phrase
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def status_line(status: int, reason: str | None = None) -> bytes:
    """Return the first line of a response; raise ERR_INVALID_CHAR for an invalid *reason*."""
    if reason:
        if not is_field_value(reason):
            raise new_error("ERR_INVALID_CHAR", "reason phrase", reason)
        return f"HTTP/1.1 {status} {reason}\r\n".encode("latin-1")
    line = status_lines.get(status)
    if line is None:
        line = f"HTTP/1.1 {status} {reason_phrase(status)}\r\n".encode("latin-1")
        status_lines[status] = line
    return line
