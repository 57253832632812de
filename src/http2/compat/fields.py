"""Check what a program gives a response, such as its fields; what is invalid raises at the call.

The rules are in `http2.engine.field_rules`, as for whole header blocks.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Mapping
from typing import Any

from ..engine.field_rules import field_name, is_field_value, is_token, known_name
from ..errors import UnsupportedWarning, new_error
from ..headers import PSEUDO_HEADERS, sensitive_headers

__all__ = [
    "check_chunk",
    "check_links",
    "check_name",
    "check_status",
    "check_value",
    "is_for_connection",
    "look_up",
    "pairs_of",
    "warn_unsupported",
]

# RFC 8288 section 3: <target> and its parameters. No space can match in two ways, so that a
# long invalid text is rejected quickly.
LINK = re.compile(
    r"""<[^<>\r\n]*>(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+"""
    r"""(?:[ \t]*=(?:[ \t]*(?:"[^"\r\n]*"|[^\s;,"]+))?)?)*"""
)
LINKS = re.compile(rf"{LINK.pattern}(?:[ \t]*,[ \t]*{LINK.pattern})*")


def check_name(name: Any) -> Any:
    """Return *name* in lower case, without surrounding spaces; `sensitive_headers` unchanged.

    Raises ERR_INVALID_ARG_TYPE, ERR_INVALID_HTTP_TOKEN, ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED.
    """
    known = known_name(name)
    if known is not None:
        return known
    if not isinstance(name, str):
        if name is sensitive_headers:
            return name
        raise new_error("ERR_INVALID_ARG_TYPE", "name", "a str", name)
    stripped = name.strip()
    if stripped.lower() in PSEUDO_HEADERS:
        raise new_error("ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED")
    if not is_token(stripped):
        raise new_error("ERR_INVALID_HTTP_TOKEN", "Header name", name)
    return field_name(stripped)


def look_up(name: Any) -> Any:
    """Return *name* as the key for a look-up; invalid names are simply not found.

    Raises ERR_INVALID_ARG_TYPE.
    """
    if isinstance(name, str):
        return name.strip().lower()
    if name is sensitive_headers:
        return name
    raise new_error("ERR_INVALID_ARG_TYPE", "name", "a str", name)


def check_value(name: Any, value: Any) -> Any:
    """Check and return *value* of the field *name*: a `str`, a number, or a list of these.

    Raises ERR_HTTP2_INVALID_HEADER_VALUE, ERR_INVALID_CHAR, ERR_INVALID_ARG_TYPE.
    """
    kind = type(value)
    if kind is str:
        if not is_field_value(value):
            raise new_error("ERR_INVALID_CHAR", "header", name)
        return value
    if kind is int:
        return value
    if name is sensitive_headers:
        return value
    if isinstance(value, (list, tuple)):
        return [_check_entry(name, entry) for entry in value]
    return _check_entry(name, value)


def _check_entry(name: str, value: Any) -> object:
    if value is None:
        raise new_error("ERR_HTTP2_INVALID_HEADER_VALUE", value, name)
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        if not is_field_value(value):
            raise new_error("ERR_INVALID_CHAR", "header", name)
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise new_error("ERR_INVALID_ARG_TYPE", name, "a str, a number or a list of these", value)
    return value


def is_for_connection(name: str) -> bool:
    """Return whether the field *name* is ``connection``, which is dropped with a warning."""
    if name != "connection":
        return False
    warn_unsupported("HTTP/2 does not have the field 'connection' (HTTP/1 only): it is not sent")
    return True


def warn_unsupported(message: str) -> None:
    """Warn with *message*, at the line of the application's code."""
    level = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("http2."):
        frame = frame.f_back
        level += 1
    warnings.warn(message, UnsupportedWarning, stacklevel=level)


def pairs_of(headers: Any) -> list[tuple[Any, Any]]:
    """Return the names and values of *headers*, a mapping or pairs.

    Raises ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE.
    """
    if isinstance(headers, Mapping):
        return list(headers.items())
    try:
        entries = list(headers)
    except TypeError:
        raise new_error(
            "ERR_INVALID_ARG_TYPE", "headers", "a mapping or a list of pairs", headers
        ) from None
    for entry in entries:
        if not isinstance(entry, (list, tuple)) or len(entry) != 2:
            raise new_error("ERR_INVALID_ARG_VALUE", "headers", headers)
    return entries


def check_links(links: Any) -> list[str]:
    """Check and return the value of ``link`` (RFC 8288), a `str` or a list of them.

    Raises ERR_INVALID_ARG_VALUE.
    """
    entries = list(links) if isinstance(links, (list, tuple)) else [links]
    for entry in entries:
        if not isinstance(entry, str) or not LINKS.fullmatch(entry.strip(" \t")):
            raise new_error("ERR_INVALID_ARG_VALUE", "hints['link']", entry)
    return entries


def check_status(code: object) -> int:
    """Check and return the status *code*, 100 to 599; raises ERR_HTTP2_STATUS_INVALID."""
    if isinstance(code, bool) or not isinstance(code, int) or not 100 <= code <= 599:
        try:
            number = int(code) if isinstance(code, str) else -1
        except ValueError:
            number = -1
        if not 100 <= number <= 599:
            raise new_error("ERR_HTTP2_STATUS_INVALID", code)
        return number
    return int(code)


def check_chunk(chunk: object) -> None:
    """Check the type of a *chunk* of the body: a buffer or a `str`. Raises ERR_INVALID_ARG_TYPE."""
    if not isinstance(chunk, (str, bytes, bytearray, memoryview)):
        try:
            memoryview(chunk).release()  # type: ignore[arg-type]
        except TypeError:
            raise new_error("ERR_INVALID_ARG_TYPE", "chunk", "a buffer or a str", chunk) from None
