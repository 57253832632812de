"""Parse the ALPN protocols (RFC 7301) of a TLS client from its ClientHello.

Python's `ssl` cannot refuse a client that offers no supported protocol: it continues
as if nothing had been offered. So the list is parsed before OpenSSL gets the bytes. Nothing else
is parsed here; OpenSSL reports malformed data.
"""

from __future__ import annotations

__all__ = ["read_client_hello"]

# Limits of bytes and records (RFC 8446 section 5.1) of a ClientHello: browsers send 2 KiB in one.
LIMIT = 16 * 1024
MOST_RECORDS = 16

HANDSHAKE = b"\x16"
MAJOR_VERSION = b"\x03"
CLIENT_HELLO = b"\x01"
ALPN = 16


def read_client_hello(data: bytes) -> tuple[bool, tuple[bytes, ...] | None]:
    """Return whether *data* begins with a complete ClientHello, and its protocols.

    Other data, and a ClientHello that is malformed, too long or in too many pieces, count as
    complete, because waiting is useless, with None for the protocols. Never raises.
    """
    body = _body(data)
    if body is None:
        return (True, None) if len(data) > LIMIT else (False, ())
    try:
        return True, _protocols(body)
    except IndexError:  # a length exceeds the data
        return True, None


def _body(data: bytes) -> bytes | None:
    """Return the ClientHello, joined from its records; empty if it is none, None if incomplete."""
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
    """Return the names in the extension (RFC 7301 section 3.1); none without it.

    Raises `IndexError` if a length exceeds *body*.
    """
    at = 2 + 32  # version, random
    at += 1 + body[at]  # session
    at += 2 + (body[at] << 8 | body[at + 1])  # cipher suites
    at += 1 + body[at]  # compression methods
    if at == len(body):
        return ()
    end = at + 2 + (body[at] << 8 | body[at + 1])
    at += 2
    if end > len(body):
        raise IndexError
    while at < end:
        size = body[at + 2] << 8 | body[at + 3]
        at += 4
        if at + size > end:
            raise IndexError
        if body[at - 4] << 8 | body[at - 3] == ALPN:
            return _names(body[at : at + size])
        at += size
    return ()


def _names(content: bytes) -> tuple[bytes, ...]:
    end = 2 + (content[0] << 8 | content[1])
    if end > len(content):
        raise IndexError
    at = 2
    names = []
    while at < end:
        size = content[at]
        at += 1
        if not size or at + size > end:
            raise IndexError
        names.append(content[at : at + size])
        at += size
    return tuple(names)
