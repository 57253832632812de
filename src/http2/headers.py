"""Represent header blocks for the application: `Headers`, and the names that the rules need.

`http2.engine.header_block` checks and encodes outgoing fields; this module
has the parts that both directions share, and does no I/O.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from .field_pairs import field_pairs, raw_pairs

__all__ = ["Headers", "OutgoingHeaders", "received", "sensitive_headers"]


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
intermediary compresses them. ``authorization`` and short ``cookie`` fields are always sent
that way.
"""

OutgoingHeaders: TypeAlias = Mapping[Any, object] | Iterable[tuple[object, object]]
"""Headers as an application may pass them: a mapping, or (name, value) pairs in wire order."""

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
"""Fields that allow one value: a received block keeps the first, an outgoing one must
not repeat them."""


class _Names(KeysView[str]):
    """The names of `Headers`; look-ups ignore case."""

    __slots__ = ()
    _mapping: Headers

    def __iter__(self) -> Iterator[str]:
        return dict.__iter__(self._mapping)

    def __reversed__(self) -> Iterator[str]:
        return dict.__reversed__(self._mapping)


class _Fields(ItemsView[str, Any]):
    """The names and values of `Headers`; look-ups ignore case."""

    __slots__ = ()
    _mapping: Headers

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(dict.items(self._mapping))

    def __reversed__(self) -> Iterator[tuple[str, Any]]:
        return reversed(dict.items(self._mapping))


class Headers(dict[str, Any]):
    """A received header block: a `dict` with lower-case names whose operations ignore case.

    ``:status`` is an `int`, ``set-cookie`` a list of `str`, every other value a `str`:
    fields that allow one value keep the first, ``cookie`` fields are joined with
    ``"; "`` (RFC 9113 section 8.2.3) and all others with ``", "``. Bytes that are not
    ASCII are decoded as Latin-1, so that none is lost.

    It may be changed like any `dict`; `raw` does not change.
    """

    # The engine creates one for each block with the methods of `dict`, so the methods here cost
    # it nothing.
    __slots__ = ("_raw", "_sensitive")

    _raw: list[tuple[str, str]] | None
    _sensitive: list[str]

    def __init__(self, *args: object, **fields: Any) -> None:
        """Create headers from the arguments of `dict`; names are converted to lower case."""
        if args or fields:
            dict.update(self, _lowered(*args, **fields))

    @property
    def raw(self) -> list[tuple[str, str]]:
        """The fields as received: (name, value) pairs in wire order, not merged."""
        # with `_raw`, the dict differs: several fields had the same name, or it was changed
        return raw_pairs(self, getattr(self, "_raw", None))

    def encoded(self) -> list[tuple[bytes, bytes]]:
        """Return the fields of a request as bytes, in the form that ASGI requires.

        Pairs in wire order, names in lower case, values in Latin-1. Pseudo-headers are omitted,
        ``host`` is created from ``:authority`` and comes first, and ``cookie`` fields are joined.
        """
        return field_pairs(self, getattr(self, "_raw", None))

    @property
    def sensitive(self) -> list[str]:
        """The fields that the peer marked as never indexed (RFC 7541 section 7.1.3)."""
        try:
            return self._sensitive
        except AttributeError:
            return []

    # --- looking up: `dict` itself finds names in lower case ---------------------------------

    if TYPE_CHECKING:
        # `sensitive_headers` is a key, too
        def __getitem__(self, key: object) -> Any: ...

    def __missing__(self, key: object) -> Any:
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

    def get(self, key: object, default: object = None) -> Any:
        """Return the value of the field *key*, in any case, or *default*."""
        try:
            return self[key]
        except KeyError:
            return default

    def keys(self) -> _Names:  # type: ignore[override] # dict_keys is no class to build on
        """Return the names, in lower case."""
        return _Names(self)

    def items(self) -> _Fields:  # type: ignore[override]
        """Return the names, in lower case, each with its value."""
        return _Fields(self)

    # --- changing ---------------------------------------------------------------------------

    def _keep_raw(self) -> None:
        """Store the received fields before the dict changes."""
        if getattr(self, "_raw", None) is None:
            self._raw = self.raw

    def __setitem__(self, key: object, value: object) -> None:
        self._keep_raw()
        dict.__setitem__(self, _name(key), value)

    def __delitem__(self, key: object) -> None:
        self._keep_raw()
        name = _name(key)
        if name not in self:
            raise KeyError(key)
        dict.__delitem__(self, name)

    def pop(self, key: object, *default: object) -> Any:
        """Remove the field *key* and return its value, or *default* if it does not exist."""
        self._keep_raw()
        name = _name(key)
        if name not in self and not default:
            raise KeyError(key)
        return dict.pop(self, name, *default)

    def popitem(self) -> tuple[str, Any]:
        """Remove the last field and return its name and value."""
        self._keep_raw()
        return dict.popitem(self)

    def clear(self) -> None:
        """Remove all fields."""
        self._keep_raw()
        dict.clear(self)

    def setdefault(self, key: object, default: object = None) -> Any:
        """Return the value of the field *key*; set it to *default* if it does not exist."""
        self._keep_raw()
        return dict.setdefault(self, _name(key), default)

    def update(self, *args: object, **fields: Any) -> None:
        """Add fields from a mapping, from pairs, and from keywords."""
        self._keep_raw()
        dict.update(self, _lowered(*args, **fields))

    # --- as a whole -------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Mapping) and not isinstance(other, Headers):
            fields = dict(other)
            lowered = _lowered(fields)
            return len(lowered) == len(fields) and dict.__eq__(self, lowered)
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = None

    def __or__(self, other: Any) -> Headers:  # type: ignore[override]
        if not isinstance(other, Mapping):
            return NotImplemented
        both = self.copy()
        both.update(other)
        return both

    def __ror__(self, other: object) -> Headers:  # type: ignore[override]
        if not isinstance(other, Mapping):
            return NotImplemented
        both = Headers(other)
        both.update(self)
        return both

    def __ior__(self, other: Any) -> Self:  # type: ignore[override]
        self.update(other)
        return self

    def copy(self) -> Headers:
        """Return a copy with the same `raw` and `sensitive`."""
        new = Headers()
        dict.update(new, self)
        for slot in Headers.__slots__:
            if hasattr(self, slot):
                setattr(new, slot, getattr(self, slot))
        return new

    __copy__ = copy

    def __reduce__(self) -> tuple[object, ...]:
        # not with `__setitem__`, which would store the raw fields of an empty dict
        slots = {slot: getattr(self, slot) for slot in Headers.__slots__ if hasattr(self, slot)}
        return type(self), (dict(self),), (None, slots)


# The methods of `dict`: names are already in lower case, and there are no earlier fields.
_make = dict.__new__
_fill = dict.update


def received(fields: dict[str, object], raw: list[tuple[str, str]]) -> Headers:
    """Create `Headers` from *fields*, with lower-case names, and the received pairs *raw*."""
    headers = _make(Headers)
    _fill(headers, fields)
    headers._raw = raw
    return headers


def _name(key: object) -> Any:
    """Return *key* as the dict stores it."""
    return key.lower() if isinstance(key, str) else key


def _lowered(*args: object, **fields: Any) -> dict[str, object]:
    """Return a dict with names in lower case; of names that differ only in case, the last."""
    if len(args) == 1 and not fields and isinstance(args[0], Headers):
        return args[0]
    return {_name(key): value for key, value in dict(*args, **fields).items()}


def _lower(name: str | bytes) -> str:
    return (name.decode("latin-1") if isinstance(name, bytes) else name).lower()


def headers_as_sent(headers: OutgoingHeaders | None, defaults: dict[str, Any]) -> Headers:
    """Return *headers* by their lower-case names, with the *defaults* that were added to them."""
    sent = Headers.__new__(Headers)
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
        dict.__setitem__(sent, key, value)
    for key, value in defaults.items():
        dict.setdefault(sent, key, value)
    return sent


def kept_headers(headers: OutgoingHeaders) -> Any:
    """Copy *headers*, a dict or a list of pairs, so that it can be read repeatedly and changed.

    An argument of another type is returned unchanged: the engine raises the error for it.
    """
    items: Any = headers
    if hasattr(items, "items"):
        kept = dict(items.items())
        # a Headers has this key without listing it
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
