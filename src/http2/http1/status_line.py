"""The first line of an HTTP/1 response (RFC 9112 section 4)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from ..engine.field_rules import is_field_value
from ..errors import new_error

__all__ = ["reason_phrase", "status_line"]

# What older versions of Python call as earlier documents did.
RENAMED: Final = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}

_status_lines: dict[int, bytes] = {}


def reason_phrase(status: int) -> str:
    """What RFC 9110 calls *status*; nothing for one that it does not know."""
    phrase = RENAMED.get(status)
    if phrase is not None:
        return phrase
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def status_line(status: int, reason: str | None = None) -> bytes:
    """The first line of a response; ERR_INVALID_CHAR for what a *reason* can't have."""
    if reason:
        if not is_field_value(reason):
            raise new_error("ERR_INVALID_CHAR", "reason phrase", reason)
        return f"HTTP/1.1 {status} {reason}\r\n".encode("latin-1")
    line = _status_lines.get(status)
    if line is None:
        line = f"HTTP/1.1 {status} {reason_phrase(status)}\r\n".encode("latin-1")
        _status_lines[status] = line
    return line
