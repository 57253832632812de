"""Find the encoding of a text body from its headers."""

from __future__ import annotations

from ..headers import Headers

__all__ = ["charset_of"]


def charset_of(headers: Headers) -> str | None:
    """Return the ``charset`` of ``content-type`` (RFC 9110 section 8.3.2), or None."""
    content_type = headers.get("content-type")
    if not content_type or "charset" not in content_type.lower():
        return None
    from email.message import Message  # loads a dozen modules: only for a charset

    message = Message()
    message["content-type"] = content_type
    return message.get_content_charset()
