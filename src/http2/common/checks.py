"""Check arguments; errors are raised at the call, with Node's code."""

from __future__ import annotations

from ..errors import new_error

__all__ = ["check_bool", "check_error_code", "check_integer"]


def check_integer(name: str, value: object, low: int, high: int) -> int:
    """Return the argument *name* if it is an integer (not a bool) from *low* to *high*.

    Raises ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise new_error("ERR_INVALID_ARG_TYPE", name, "an integer", value)
    if not low <= value <= high:
        raise new_error("ERR_OUT_OF_RANGE", name, f">= {low} and <= {high}", value)
    return value


def check_bool(name: str, value: object) -> None:
    """Raise ERR_INVALID_ARG_TYPE unless the argument *name* is a bool."""
    if value is not True and value is not False:
        raise new_error("ERR_INVALID_ARG_TYPE", name, "a bool", value)


def check_error_code(code: object) -> int:
    """Check *code* as an error code of RFC 9113 section 7: an unsigned 32-bit integer."""
    return check_integer("code", code, 0, 2**32 - 1)
