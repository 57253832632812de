"""The ``date`` field of responses (RFC 9110 section 6.6.1), made once a second."""

from __future__ import annotations

import time
from email.utils import formatdate

__all__ = ["http_date"]

_second = 0
_text = ""


def http_date() -> str:
    """The current time as an HTTP date, such as ``'Sun, 06 Nov 1994 08:49:37 GMT'``."""
    global _second, _text
    now = int(time.time())
    if now != _second:
        _text = formatdate(now, usegmt=True)
        _second = now
    return _text
