"""Heads of HTTP/1 responses: fields checked, and written as RFC 9112 has them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final

from ..errors import new_error
from ..headers import SINGLE_VALUE, OutgoingHeaders, sensitive_headers

__all__ = ["Fields", "collect", "date", "known_lines", "reason_phrase", "status_line"]

TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What a field's value, or a reason phrase, may not have: RFC 9110 section 5.5.
NOT_IN_VALUE: Final = re.compile(r"[^\t -~\x80-\xff]")
DIGITS: Final = re.compile(r"[0-9]{1,18}")

# What a field is to us: most are just sent.
PLAIN, STATUS, DATE, KEEP_ALIVE, LENGTH, CODING, CONNECTION = range(7)
ROLES: Final = {
    ":status": STATUS,
    "date": DATE,
    "keep-alive": KEEP_ALIVE,
    "content-length": LENGTH,
    "transfer-encoding": CODING,
    "connection": CONNECTION,
}
# Those that are sent as they are, though they say something to us.
SENT: Final = (DATE, KEEP_ALIVE)

# Names that programs have sent: (lower case, as it is written, role, whether it has one value).
# Some programs copy them from their clients: no more than so many are remembered.
MOST_NAMES = 1024
_Name = tuple[str, str, int, bool]
_names: dict[str, _Name] = {}


class Fields:
    """Checked header fields."""

    held: OutgoingHeaders | None = None
    """What was given, copied."""
    status = 0
    """The value of ``:status``; 0 without."""
    length: int | None = None
    """The value of ``content-length``."""
    dated = False
    """Whether there is a ``date``."""
    keep_alive = False
    """Whether there is a ``keep-alive``."""
    connection: str | None = None
    """The value of ``connection``."""
    plain = False
    """Whether nothing here needs a thought at the end."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        """The fields that are sent as they are, in lines."""


# Lines by what they are made of, for those that need no further thought: programs send few.
_lines: dict[tuple[str, Any], str] = {}
MOST_LINES = 1024
LONGEST_LINE = 128


def known_lines(headers: dict[str, Any] | None) -> list[str] | None:
    """The lines for *headers* when all of them have been sent before; else None."""
    if headers is None:
        return []
    known = _lines.get
    found = []
    try:
        for pair in headers.items():
            line = known(pair)
            if line is None or type(pair[1]) is not str:
                return None
            found.append(line)
    except TypeError:
        # a list
        return None
    return found


def _remember(name: str, value: str, line: str) -> None:
    if len(line) <= LONGEST_LINE and name != "set-cookie":
        if len(_lines) >= MOST_LINES:
            _lines.clear()
        _lines[name, value] = line


def _learn(given: Any) -> _Name:
    if isinstance(given, bytes):
        given = given.decode("latin-1")
    elif not isinstance(given, str):
        raise new_error("ERR_INVALID_ARG_TYPE", "name", "str", given)
    given = str.__str__(given)
    lower = given.lower()
    if lower.startswith(":"):
        if lower != ":status":
            raise new_error("ERR_HTTP2_INVALID_PSEUDOHEADER", given)
    elif TOKEN.fullmatch(given) is None:
        raise new_error("ERR_INVALID_HTTP_TOKEN", "Header name", given)
    name = (lower, lower + ": ", ROLES.get(lower, PLAIN), lower in SINGLE_VALUE)
    if len(_names) < MOST_NAMES:
        _names[given] = name
    return name


def _text(name: str, value: Any, strict: bool) -> str:
    """*value* as it is written, checked."""
    if type(value) is not str:
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        elif isinstance(value, str):
            # an enum's own __str__ says its name, not its value
            value = str.__str__(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            value = int.__repr__(value)
        elif isinstance(value, float):
            value = float.__repr__(value)
        else:
            raise new_error(
                "ERR_INVALID_ARG_TYPE", f"headers[{name!r}]",
                "str, bytes, number or a list of them", value,
            )  # fmt: skip
    if NOT_IN_VALUE.search(value) is not None:
        raise new_error("ERR_INVALID_CHAR", "header content", name)
    text: str = value.strip(" \t")
    if strict and text != value:
        raise new_error("ERR_HTTP2_INVALID_HEADER_VALUE", value, name)
    return text


def collect(
    headers: OutgoingHeaders | None,
    *,
    strict_whitespace: bool = True,
    strict_single_value: bool = True,
    informational: bool = False,
    trailers: bool = False,
) -> Fields:
    """Check *headers* by the rules that hold over HTTP/2, and those of HTTP/1.

    Raises ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR, ERR_HTTP2_INVALID_HEADER_VALUE,
    ERR_HTTP2_HEADER_SINGLE_VALUE, ERR_HTTP2_INVALID_PSEUDOHEADER, ERR_INVALID_ARG_TYPE;
    ERR_HTTP2_INVALID_CONNECTION_HEADERS for what the framing is left to: a
    ``transfer-encoding`` other than chunked, and in *trailers*.
    """
    found = Fields([])
    if headers is None:
        return found
    if type(headers) is dict:
        found.held = held = headers.copy()
        items: Any = held.items()
    else:
        found.held = items = _pairs(headers)
    lines = found.lines
    singles: set[str] | None = None if type(headers) is dict else set()
    for given, value in items:
        if value is None or given is sensitive_headers:
            continue
        name = _names.get(given) if type(given) is str else None
        if name is None:
            name = _learn(given)
        lower, prefix, role, single = name
        several = isinstance(value, (list, tuple))
        if single and strict_single_value:
            if singles is not None:
                if lower in singles:
                    raise new_error("ERR_HTTP2_HEADER_SINGLE_VALUE", lower)
                singles.add(lower)
            if several and len(value) > 1:
                raise new_error("ERR_HTTP2_HEADER_SINGLE_VALUE", lower)
        for entry in value if several else (value,):
            text = _text(lower, entry, strict_whitespace)
            if role != PLAIN:
                if trailers:
                    _refuse_trailer(lower)
                _note(found, role, lower, text, informational)
                if role not in SENT:
                    continue
            line = f"{prefix}{text}\r\n"
            lines.append(line)
            if role == PLAIN and value is text and given == lower:
                _remember(lower, text, line)
    return found


def _pairs(headers: Any) -> list[tuple[Any, Any]]:
    if isinstance(headers, Mapping):
        return list(headers.items())
    if not isinstance(headers, (str, bytes, bytearray)):
        try:
            return [(name, value) for name, value in headers]
        except (TypeError, ValueError):
            headers = type(headers)
    raise new_error("ERR_INVALID_ARG_TYPE", "headers", "a mapping or pairs", headers)


def _not_yours(name: str, what: str) -> Exception:
    """The framing of messages is not the program's (RFC 9112 section 6)."""
    message = f"header {name!r} {what}"
    return new_error("ERR_HTTP2_INVALID_CONNECTION_HEADERS", message=message)


def _refuse_trailer(name: str) -> None:
    if name == ":status":
        raise new_error("ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED")
    if name != "date":
        raise _not_yours(name, "can be no trailer")


def _note(found: Fields, role: int, name: str, text: str, informational: bool) -> None:
    """A field that says something about the message itself."""
    if role == STATUS:
        if len(text) != 3 or DIGITS.fullmatch(text) is None:
            code = "ERR_HTTP2_INVALID_INFO_STATUS" if informational else "ERR_HTTP2_STATUS_INVALID"
            raise new_error(code, text)
        found.status = int(text)
    elif role == DATE:
        found.dated = True
    elif role == KEEP_ALIVE:
        found.keep_alive = True
    elif role == LENGTH:
        if DIGITS.fullmatch(text) is None:
            raise new_error("ERR_HTTP2_INVALID_HEADER_VALUE", text, name)
        found.length = int(text)
    elif role == CODING:
        # the framing is ours: chunked is what a body of unknown length gets anyway
        if text.lower() != "chunked":
            raise _not_yours(name, "can't be anything but chunked")
    elif found.connection is None:
        found.connection = text
    else:
        found.connection = f"{found.connection}, {text}"


# What older versions of Python call as earlier documents did.
RENAMED: Final = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}

_status_lines: dict[int, str] = {}


def reason_phrase(status: int) -> str:
    """What RFC 9110 calls *status*; nothing for one that it does not know."""
    phrase = RENAMED.get(status)
    if phrase is not None:
        return phrase
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def status_line(status: int, reason: str | None = None) -> str:
    """The first line of a response; ERR_INVALID_CHAR for what a *reason* can't have."""
    if reason:
        if NOT_IN_VALUE.search(reason) is not None:
            raise new_error("ERR_INVALID_CHAR", "reason phrase", reason)
        return f"HTTP/1.1 {status} {reason}\r\n"
    line = _status_lines.get(status)
    if line is None:
        line = _status_lines[status] = f"HTTP/1.1 {status} {reason_phrase(status)}\r\n"
    return line


_second = 0
_date = ""


def date() -> str:
    """The time now, as ``date`` has it (RFC 9110 section 6.6.1)."""
    global _second, _date
    now = int(time.time())
    if now != _second:
        _second = now
        _date = formatdate(now, usegmt=True)
    return _date
