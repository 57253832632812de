"""Hand-written header blocks: every representation of RFC 7541 section 6, valid or not."""

from __future__ import annotations

from ..support.raw import integer

# Huffman-coded names and values from RFC 7541 appendix C.
HUFFMAN = {
    "www.example.com": bytes.fromhex("f1e3c2e5f23a6ba0ab90f4ff"),
    "no-cache": bytes.fromhex("a8eb10649cbf"),
    "custom-key": bytes.fromhex("25a849e95ba97d7f"),
    "custom-value": bytes.fromhex("25a849e95bb8e8b4bf"),
}

# Indexes of the static table (appendix A).
AUTHORITY, GET, POST, PATH, SCHEME_HTTP, CACHE_CONTROL, USER_AGENT = 1, 2, 3, 4, 6, 24, 58
# The first index of the dynamic table.
FIRST = 62

# A GET request: three fields of the static table, and a Huffman-coded authority.
REQUEST = bytes([0x80 | GET, 0x80 | SCHEME_HTTP, 0x80 | PATH, AUTHORITY, 0x8C]) + bytes(
    HUFFMAN["www.example.com"]
)


def indexed(place: int) -> bytes:
    """Return an indexed field (section 6.1)."""
    return prefixed(0x80, place, 7)


def prefixed(pattern: int, value: int, bits: int) -> bytes:
    """Return an integer with a prefix of *bits* bits after *pattern* (section 5.1)."""
    out = bytearray(integer(value, bits))
    out[0] |= pattern
    return bytes(out)


def string(text: str | bytes) -> bytes:
    """Return a plain string (section 5.2)."""
    octets = text.encode() if isinstance(text, str) else text
    return integer(len(octets), 7) + octets


def huffman(code: bytes) -> bytes:
    """Return a Huffman-coded string, given as its bytes."""
    return prefixed(0x80, len(code), 7) + code


def indexing(name: int | bytes, value: bytes) -> bytes:
    """Return a literal that enters the dynamic table (section 6.2.1); *name* may be an index."""
    return _literal(0x40, 6, name, value)


def without_indexing(name: int | bytes, value: bytes) -> bytes:
    """Return a literal without indexing (section 6.2.2)."""
    return _literal(0x00, 4, name, value)


def never_indexed(name: int | bytes, value: bytes) -> bytes:
    """Return a never-indexed literal (section 6.2.3)."""
    return _literal(0x10, 4, name, value)


def _literal(pattern: int, bits: int, name: int | bytes, value: bytes) -> bytes:
    if isinstance(name, int):
        return prefixed(pattern, name, bits) + value
    return bytes([pattern]) + name + value


def table_size(size: int) -> bytes:
    """Return a dynamic table size update (section 6.3)."""
    return prefixed(0x20, size, 5)
