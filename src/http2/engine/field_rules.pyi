from typing import Any

def http_date() -> str:
    """Return the value of ``date``: ``'Sun, 06 Nov 1994 08:49:37 GMT'`` (RFC 9110 5.6.7)."""

def is_token(text: str | bytes) -> bool:
    """Return whether *text* is a token, like methods and field names (RFC 9110 section 5.6.2)."""

def is_field_value(text: str) -> bool:
    """Return whether a field's value may contain these characters (RFC 9110 section 5.5)."""

def field_name(name: str) -> str:
    """Return *name* in lower case.

    Raises ERR_INVALID_HTTP_TOKEN, ERR_HTTP2_INVALID_PSEUDOHEADER.
    """

def known_name(name: object) -> str | None:
    """Return *name* in lower case if it was used before in this spelling; else None."""

def plain_field(name: object, value: object) -> str | None:
    """Return *name* in lower case if *value* can be sent as it is; else None.

    Then the name was used before in this spelling and is not connection-specific, and *value* is a
    valid `str` or an `int`.
    """

def is_plain(headers: dict[Any, Any]) -> bool:
    """Return whether *headers* need no check.

    All names are known, in lower case and not connection-specific, and no value is None.
    """
