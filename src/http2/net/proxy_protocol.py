"""Implement the PROXY protocol, versions 1 and 2, with which a proxy reports its client.

Follows HAProxy's specification. A header is read from the socket before it has a transport: it is
inspected in the kernel's queue (MSG_PEEK), and no byte after it is consumed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from ..errors import new_error

__all__ = ["Addresses", "Networks", "read_header", "trusted_networks"]

Networks: TypeAlias = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
Addresses: TypeAlias = dict[str, Any]
"""``peername`` and ``sockname`` from the PROXY header."""

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
# The maximum number of bytes of a version 1 header, with its CRLF (section 2.1).
MOST_V1: Final = 107
# Families and protocols of version 2 (section 2.2): all other values must be refused.
UNSPECIFIED: Final = 0x00
OF_STREAMS: Final = {0x11: 4, 0x21: 16, 0x31: 108}
# Bytes that are read at once; a version 2 header has at most 65,551.
READ: Final = 4096

PORT: Final = re.compile(rb"0|[1-9][0-9]{0,4}")
V1: Final = re.compile(rb"PROXY (TCP4|TCP6) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+)\r\n")
UNKNOWN: Final = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*)?\r\n")


class Malformed(Exception):
    """The received data is not a PROXY header."""


def trusted_networks(given: object) -> Networks:
    """Check the option ``proxy_protocol``. Raises ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE."""
    if not isinstance(given, (list, tuple)):
        raise new_error("ERR_INVALID_ARG_TYPE", "proxy_protocol", "a list of networks", given)
    found = []
    for network in given:
        try:
            found.append(ipaddress.ip_network(network))
        except (ValueError, TypeError):
            raise new_error("ERR_INVALID_ARG_VALUE", "proxy_protocol", network) from None
    return found


def is_trusted(address: object, networks: Networks) -> bool:
    """Return whether the peer at *address* is a trusted proxy; on a Unix socket, it always is."""
    if not isinstance(address, tuple):
        return True
    peer = ipaddress.ip_address(address[0].partition("%")[0])
    mapped = getattr(peer, "ipv4_mapped", None)
    return any((mapped or peer) in network for network in networks)


def parse(data: bytes) -> tuple[int, Addresses | None]:
    """Return the length of the header at the beginning of *data*, and its addresses.

    The length is 0 if it is incomplete; the addresses are None if it has none to use. Raises
    `Malformed`.
    """
    if SIGNATURE.startswith(data[:12]):
        return _parse_v2(data)
    if data.startswith(b"PROXY ") or b"PROXY ".startswith(data):
        return _parse_v1(data)
    raise Malformed("the connection does not begin with a PROXY protocol header")


def _parse_v1(data: bytes) -> tuple[int, Addresses | None]:
    end = data.find(b"\n", 0, MOST_V1) + 1
    if not end:
        if len(data) >= MOST_V1:
            raise Malformed(f"the header of version 1 is longer than {MOST_V1} bytes")
        return 0, None
    line = data[:end]
    if UNKNOWN.fullmatch(line):
        return end, None
    found = V1.fullmatch(line)
    if found is None:
        raise Malformed("malformed header of version 1")
    family, source, target, source_port, target_port = found.groups()
    kind = ipaddress.IPv4Address if family == b"TCP4" else ipaddress.IPv6Address
    ends = []
    for host, port in ((source, source_port), (target, target_port)):
        try:
            address = kind(host.decode("ascii"))
        except ValueError:
            raise Malformed(f"{host!r} is not a {family.decode()} address") from None
        if not PORT.fullmatch(port) or int(port) > 65535 or b"%" in host:
            raise Malformed("the header of version 1 has an invalid address or port")
        ends.append(_named(address, int(port)))
    return end, {"peername": ends[0], "sockname": ends[1]}


def _named(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> tuple[object, ...]:
    """Return the address in the form of `socket.getpeername`."""
    return (str(address), port) if address.version == 4 else (str(address), port, 0, 0)


def _parse_v2(data: bytes) -> tuple[int, Addresses | None]:
    if len(data) >= 13 and data[12] not in (0x20, 0x21):
        raise Malformed(f"{data[12]:#04x} is not a version and command of the PROXY protocol")
    if len(data) < 16:
        return 0, None
    kind = data[13]
    length = int.from_bytes(data[14:16], "big")
    if len(data) < 16 + length:
        return 0, None
    end = 16 + length
    if not data[12] & 15 or kind == UNSPECIFIED:
        # LOCAL: the proxy's own connection; or its client is unknown
        return end, None
    size = OF_STREAMS.get(kind)
    if size is None:
        raise Malformed(f"{kind:#04x} is not an address family and protocol of a stream")
    body = data[16:end]
    if len(body) < 2 * size + (0 if size == 108 else 4):
        raise Malformed("the header of version 2 is too short for its addresses")
    source, target = body[:size], body[size : 2 * size]
    if size == 108:
        paths = [path.partition(b"\0")[0] or path.rstrip(b"\0") for path in (source, target)]
        names = [path.decode("utf-8", "surrogateescape") for path in paths]
        return end, {"peername": names[0], "sockname": names[1]}
    ports = body[2 * size : 2 * size + 4]
    return end, {
        "peername": _named(ipaddress.ip_address(source), int.from_bytes(ports[:2], "big")),
        "sockname": _named(ipaddress.ip_address(target), int.from_bytes(ports[2:], "big")),
    }


async def read_header(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, networks: Networks, seconds: float
) -> Addresses | None:
    """Read the header from *sock* within *seconds* (0: no limit); return its addresses.

    None means the connection's own addresses. Raises `OSError` for a peer that is not in
    *networks*, that sends something else, or is too late, and `ConnectionResetError` for one that
    has reset the connection.
    """
    sock.setblocking(False)
    try:
        address = sock.getpeername()
    except OSError as error:  # reset before it was accepted
        raise ConnectionResetError(*error.args) from None
    if not is_trusted(address, networks):
        raise ConnectionRefusedError(f"{address!r} is not a trusted proxy")
    try:
        async with asyncio.timeout(seconds or None):
            return await _take_header(loop, sock)
    except Malformed as error:
        raise ConnectionAbortedError(f"{address!r}: {error}") from None


async def _take_header(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> Addresses | None:
    """Read the header; consume inspected bytes before waiting, which would otherwise busy-loop."""
    data = b""
    while True:
        try:
            seen = sock.recv(READ, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            await _readable(loop, sock)
            continue
        if not seen:
            raise ConnectionAbortedError(
                "the connection was closed before the end of its PROXY header"
            )
        size, addresses = parse(data + seen)
        taken = sock.recv(size - len(data) if size else len(seen))
        if size:
            return addresses
        data += taken


async def _readable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    waiter = loop.create_future()

    def came() -> None:
        if not waiter.done():
            waiter.set_result(None)

    loop.add_reader(sock.fileno(), came)
    try:
        await waiter
    finally:
        loop.remove_reader(sock.fileno())
