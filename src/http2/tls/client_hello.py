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


def read_client_hello(data: bytes) -> tuple[bool, tuple[bytes, ...] | None]:
    """Whether *data* begins with a whole ClientHello, and the protocols that it offers.

    What is no ClientHello, or a broken or overlong one, or one in many small pieces, counts as
    whole, since nothing is to be waited for, with None for its protocols. Never raises.
    """
    body = _body(data)
    if body is None:
        return (True, None) if len(data) > LIMIT else (False, ())
    try:
        return True, _protocols(body)
    except IndexError:  # a length leads out of what there is
        return True, None


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
    """The names in the extension (RFC 7301 section 3.1); none without one.

    Raises `IndexError` when a length leads out of *body*.
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
