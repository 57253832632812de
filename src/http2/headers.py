"""Header blocks as a program sees them: the incoming `Headers` and the words of the rules.

How outgoing fields are checked and encoded is `http2.engine.header_block`; this module
holds what both directions share, and does no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

__all__ = ["Headers", "OutgoingHeaders", "sensitive_headers"]


class _SensitiveHeaders:
    """The type of `sensitive_headers`; there is one instance."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "http2.sensitive_headers"

    def __reduce__(self) -> str:
        return "sensitive_headers"


sensitive_headers: Final = _SensitiveHeaders()
"""A key of a headers mapping whose value lists the names that must never be indexed.

HPACK sends such fields as "never indexed" (RFC 7541 section 6.2.3), so that no
intermediary compresses them. ``authorization`` and short ``cookie`` fields are sent
that way by themselves.
"""

OutgoingHeaders: TypeAlias = Mapping[Any, Any] | Iterable[tuple[Any, Any]]
"""What a program may pass as headers: a mapping, or (name, value) pairs in wire order."""

PSEUDO_HEADERS: Final = (":status", ":method", ":path", ":scheme", ":authority", ":protocol")
"""RFC 9113 section 8.3, and ``:protocol`` of RFC 8441."""

CONNECTION_SPECIFIC: Final = frozenset(
    {
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    }
)
"""Fields that must not cross an HTTP/2 connection (RFC 9113 section 8.2.2)."""

SINGLE_VALUE: Final = frozenset(
    {
        *PSEUDO_HEADERS,
        "access-control-allow-credentials",
        "access-control-max-age",
        "access-control-request-method",
        "age",
        "authorization",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-md5",
        "content-range",
        "content-type",
        "date",
        "dnt",
        "etag",
        "expires",
        "from",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "last-modified",
        "location",
        "max-forwards",
        "proxy-authorization",
        "range",
        "referer",
        "retry-after",
        "tk",
        "upgrade-insecure-requests",
        "user-agent",
        "x-content-type-options",
    }
)
"""Fields that carry one value: an incoming block keeps the first, an outgoing one may
not repeat them."""


class Headers(dict[Any, Any]):
    """A received header block: a `dict` with lower-case names whose look-ups ignore case.

    ``:status`` is an `int`, ``set-cookie`` a list of `str`, every other value a `str`:
    fields that carry one value keep the first, ``cookie`` fields are joined with
    ``"; "`` (RFC 9113 section 8.2.3) and all others with ``", "``. Bytes that are not
    ASCII are read as Latin-1, so that every octet survives.
    """

    __slots__ = ("_raw", "_sensitive")

    _raw: list[tuple[str, str]]
    _sensitive: list[str]

    @property
    def raw(self) -> list[tuple[str, str]]:
        """The fields as they came: (name, value) pairs in wire order, none merged."""
        if hasattr(self, "_raw"):
            # two fields or more had one name, so the dict shows less
            return list(self._raw)
        return [
            (name, value[0] if isinstance(value, list) else str(value))
            for name, value in self.items()
        ]

    @property
    def sensitive(self) -> list[str]:
        """The names that the peer marked as never to be indexed (RFC 7541 section 7.1.3)."""
        try:
            return self._sensitive
        except AttributeError:
            return []

    def __missing__(self, key: Any) -> Any:
        if isinstance(key, str):
            lower = key.lower()
            if lower != key:
                return self[lower]
        elif key is sensitive_headers:
            return self.sensitive
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        if dict.__contains__(self, key):
            return True
        if isinstance(key, str):
            return dict.__contains__(self, key.lower())
        return key is sensitive_headers

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of the field *key*, in whatever case, or *default*."""
        try:
            return self[key]
        except KeyError:
            return default

    def copy(self) -> Headers:
        """A copy that keeps `raw` and `sensitive`."""
        new = Headers(self)
        for slot in Headers.__slots__:
            if hasattr(self, slot):
                setattr(new, slot, getattr(self, slot))
        return new


def _lower(name: str | bytes) -> str:
    return (name.decode("latin-1") if isinstance(name, bytes) else name).lower()


def headers_as_sent(headers: OutgoingHeaders | None, defaults: dict[str, Any]) -> Headers:
    """*headers* by their lower-case names, with the *defaults* that were added to them."""
    sent = Headers()
    items: Any = () if headers is None else headers
    if hasattr(items, "items"):
        items = items.items()
    for name, value in items:
        if name is sensitive_headers:
            sent._sensitive = [_lower(entry) for entry in value]
            continue
        if value is None:
            continue
        key = _lower(name)
        if key in sent and not hasattr(headers, "items"):
            earlier = sent[key]
            value = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        sent[key] = value
    for key, value in defaults.items():
        sent.setdefault(key, value)
    return sent


def kept_headers(headers: OutgoingHeaders) -> Any:
    """A copy of *headers*, a dict or a list of pairs, to look at more than once and to change.

    What are no headers at all is returned as it is: the engine says what is wrong with it.
    """
    items: Any = headers
    if hasattr(items, "items"):
        kept = dict(items.items())
        # a Headers has it without listing it
        sensitive = getattr(headers, "sensitive", None)
        if sensitive:
            kept.setdefault(sensitive_headers, sensitive)
        return kept
    if isinstance(items, (str, bytes, bytearray)):
        return items
    try:
        return list(items)
    except TypeError:
        return items
