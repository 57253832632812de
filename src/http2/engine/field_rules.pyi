from typing import Any

def http_date() -> str:
    """The time now as ``date`` has it, ``'Sun, 06 Nov 1994 08:49:37 GMT'`` (RFC 9110 5.6.7)."""

def is_token(text: str | bytes) -> bool:
    """Whether *text* is a token, as methods and names of fields are (RFC 9110 section 5.6.2)."""

def is_field_value(text: str) -> bool:
    """Whether a field's value may have these characters (RFC 9110 section 5.5)."""

def field_name(name: str) -> str:
    """*name* in lower case. Raises ERR_INVALID_HTTP_TOKEN, ERR_HTTP2_INVALID_PSEUDOHEADER."""

def known_name(name: object) -> str | None:
    """*name* in lower case when it has been used before, in this spelling; else None."""

def plain_field(name: object, value: object) -> str | None:
    """*name* in lower case, when nothing has to be done for *value* to be its value; else None.

    It has been used before, in this spelling, belongs to no connection, and *value* is a valid
    `str` or an `int`.
    """

def is_plain(headers: dict[Any, Any]) -> bool:
    """Whether *headers* need no thought.

    All names are known, in lower case, and belong to no connection, and no value is None.
    """
