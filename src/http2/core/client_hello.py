"""What a TLS client offers by ALPN (RFC 7301), read from the ClientHello that it begins with.

Python's `ssl` can't fail the handshake of a client that offers none of our protocols: it goes on
as if nothing had been offered. So the list is read before OpenSSL gets the bytes. It is all
that is read here; whatever looks wrong is left for OpenSSL to complain of.
"""

from __future__ import annotations

__all__ = ["read_client_hello"]

# Bytes and records (RFC 8446 section 5.1) that a ClientHello may take: browsers' have 2 KiB in one.
LIMIT = 16 * 1024
MOST_RECORDS = 16

HANDSHAKE = b"\x16"
MAJOR_VERSION = b"\x03"
CLIENT_HELLO = b"\x01"
ALPN = 16


class _Malformed(Exception):
    """A length that leads out of what there is."""


class _Cursor:
    """Takes *data* apart, from its beginning to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Whether something is left."""
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """The next *size* bytes."""
        end = self._at + size
        if end > len(self._data):
            raise _Malformed
        part = self._data[self._at : end]
        self._at = end
        return part

    def vector(self, width: int) -> bytes:
        """What comes next after its own length, which has *width* bytes."""
        return self.take(int.from_bytes(self.take(width), "big"))


def read_client_hello(data: bytes) -> tuple[bool, tuple[bytes, ...]]:
    """Whether *data* begins with a whole ClientHello, and the protocols that it offers.

    What is no ClientHello, or a broken or overlong one, counts as whole, since nothing is to
    be waited for, and as one that offers nothing. Never raises.
    """
    body = _body(data)
    if body is None:
        return len(data) > LIMIT, ()
    try:
        return True, _protocols(body)
    except _Malformed:
        return True, ()


def _body(data: bytes) -> bytes | None:
    """The ClientHello, put together from its records: empty if it is none, None if incomplete."""
    message = b""
    at = 0
    for _ in range(MOST_RECORDS):
        head = data[at : at + 5]
        if head[:1] not in (b"", HANDSHAKE) or head[1:2] not in (b"", MAJOR_VERSION):
            return b""
        if len(head) < 5:
            return None
        end = at + 5 + int.from_bytes(head[3:], "big")
        message += data[at + 5 : end]
        if message[:1] not in (b"", CLIENT_HELLO):
            return b""
        if len(message) >= 4:
            size = 4 + int.from_bytes(message[1:4], "big")
            if size > LIMIT:
                return b""
            if len(message) >= size:
                return message[4:size]
        if len(data) < end:
            return None
        at = end
    return b""


def _protocols(body: bytes) -> tuple[bytes, ...]:
    """The names in the extension (RFC 7301 section 3.1); none without one."""
    hello = _Cursor(body)
    hello.take(2 + 32)  # version, random
    for width in (1, 2, 1):  # session, cipher suites, compression methods
        hello.vector(width)
    if not hello:
        return ()
    extensions = _Cursor(hello.vector(2))
    while extensions:
        kind = int.from_bytes(extensions.take(2), "big")
        content = extensions.vector(2)
        if kind == ALPN:
            names = _Cursor(_Cursor(content).vector(2))
            found = []
            while names:
                found.append(names.vector(1))
            return tuple(found)
    return ()
