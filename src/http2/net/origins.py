"""Handle origins (RFC 6454) and the arguments of ALTSVC (RFC 7838) and ORIGIN (RFC 8336)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ..errors import new_error

if TYPE_CHECKING:
    from collections.abc import Iterable
    from urllib.parse import SplitResult

__all__ = ["HasOrigin", "Origin", "altsvc_arguments", "check_origins", "covers", "serialize_origin"]

MAX_PAYLOAD = 16384
# The space in a frame of 16,384 bytes, without the length of the first part.
MAX_ALTSVC = MAX_PAYLOAD - 2

# The schemes whose URLs have an origin, and their default ports.
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_URL = re.compile(r"([a-z][a-z0-9+.-]*):(.*)", re.IGNORECASE | re.DOTALL)
# Characters that a host must not contain (the URL Standard's forbidden domain code points).
_FORBIDDEN = re.compile(r"[\x00-\x20\"#%/:<>?@\[\\\]^`{|}\x7f]")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
# As a field value, without the backslash, which escapes the next character.
_ALT = re.compile(r"[\t\x20-\x5b\x5d-\x7e\x80-\xff]*")


class HasOrigin(Protocol):
    """An object with an attribute ``origin``, such as ``'https://example.org'``."""

    @property
    def origin(self) -> str:
        """Scheme, host and port, in ASCII (RFC 6454 section 6.2)."""


Origin: TypeAlias = "str | SplitResult | HasOrigin"
"""A URL, whose origin is used, or an object with an ``origin``."""


def serialize_origin(url: str) -> str | None:
    """Return the ASCII serialization of *url*'s origin, such as ``'https://example.org:8443'``.

    Follows the URL Standard for http, https, ws, wss and ftp: lower case, without the
    default port, international names in Punycode, addresses in their shortest form. Returns
    None if *url* is not a URL, or has no origin (``file:``, ``data:``).
    """
    match = _URL.fullmatch(url.strip("\x00\x20\t\n\r").translate({9: None, 10: None, 13: None}))
    if match is None:
        return None
    scheme = match[1].lower()
    default = _PORTS.get(scheme)
    if default is None:
        return None
    # backslashes count as slashes here, and any number of them is allowed
    rest = match[2].replace("\\", "/").lstrip("/")
    authority = re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    name, port = authority, ""
    end = authority.rfind(":")
    if end > authority.rfind("]"):
        name, port = authority[:end], authority[end + 1 :]
    host = _host(name)
    if host is None or not re.fullmatch("[0-9]*", port) or int(port or 0) > 65535:
        return None
    suffix = f":{int(port)}" if port and int(port) != default else ""
    return f"{scheme}://{host}{suffix}"


def _host(name: str) -> str | None:
    if name.startswith("["):
        return f"[{address}]" if (address := _ipv6(name)) else None
    name = _percent_decoded(name)
    try:
        ascii_name = name.encode("ascii" if name.isascii() else "idna").decode("ascii").lower()
    except UnicodeError:
        return None
    if not ascii_name or _FORBIDDEN.search(ascii_name):
        return None
    labels = ascii_name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(labels)
    return ascii_name


def _ipv6(name: str) -> str | None:
    """Return the IPv6 address in *name* in its shortest form (RFC 5952), without a dot."""
    # zones are not allowed in a URL
    if not name.endswith("]") or "%" in name:
        return None
    import ipaddress

    try:
        address = ipaddress.IPv6Address(name[1:-1])
    except ValueError:
        return None
    if address.ipv4_mapped is not None:
        # from Python 3.13 on, its text has dots
        return f"::ffff:{int(address) >> 16 & 0xFFFF:x}:{int(address) & 0xFFFF:x}"
    return str(address)


def _percent_decoded(text: str) -> str:
    if "%" not in text:
        return text
    octets = re.sub(rb"%([0-9a-fA-F]{2})", lambda match: bytes([int(match[1], 16)]), text.encode())
    return octets.decode(errors="replace")


def _ipv4(labels: list[str]) -> str | None:
    """Return an address of one to four decimal, octal or hexadecimal numbers as four decimals."""
    if len(labels) > 4:
        return None
    numbers: list[int] = []
    for label in labels:
        try:
            if label.startswith("0x"):
                numbers.append(int(label[2:] or "0", 16))
            else:
                numbers.append(int(label, 8 if len(label) > 1 and label[0] == "0" else 10))
        except ValueError:
            return None
    *head, last = numbers
    if any(number > 255 for number in head) or last >= 256 ** (5 - len(numbers)):
        return None
    for index, number in enumerate(head):
        last += number * 256 ** (3 - index)
    import ipaddress

    return str(ipaddress.IPv4Address(last))


def _origin_of(value: object, name: str, code: str) -> str:
    """Return the origin of the argument *value*: a URL, or an object with an ``origin``."""
    from urllib.parse import SplitResult

    if isinstance(value, SplitResult):
        value = value.geturl()
    if isinstance(value, str):
        origin = serialize_origin(value)
        if origin is None:
            raise new_error(code)
        return origin
    origin = getattr(value, "origin", None)
    if not isinstance(origin, str):
        raise new_error("ERR_INVALID_ARG_TYPE", name, "a URL or an object with an origin", value)
    if origin in ("", "null") or not origin.isascii():
        raise new_error(code)
    return origin


def altsvc_arguments(alt: object, origin_or_stream: object) -> tuple[int, bytes, bytes]:
    """Check the arguments of `ServerHttp2Session.altsvc`: (stream id or 0, origin, value)."""
    stream_id, origin = 0, ""
    if isinstance(origin_or_stream, int) and not isinstance(origin_or_stream, bool):
        stream_id = origin_or_stream
        if not 0 < stream_id < 2**31:
            raise new_error("ERR_OUT_OF_RANGE", "origin_or_stream", "> 0 and < 2**31", stream_id)
    else:
        origin = _origin_of(origin_or_stream, "origin_or_stream", "ERR_HTTP2_ALTSVC_INVALID_ORIGIN")
    if not isinstance(alt, str):
        raise new_error("ERR_INVALID_ARG_TYPE", "alt", "a str", alt)
    if not _ALT.fullmatch(alt):
        raise new_error("ERR_INVALID_CHAR", "alt", alt)
    if len(alt) + len(origin) > MAX_ALTSVC:
        raise new_error("ERR_HTTP2_ALTSVC_LENGTH")
    return stream_id, origin.encode("ascii"), alt.encode("latin-1")


def check_origins(origins: Iterable[object]) -> list[str]:
    """Check the arguments of `ServerHttp2Session.origin`: their ASCII serializations."""
    checked = [_origin_of(value, "origin", "ERR_HTTP2_INVALID_ORIGIN") for value in origins]
    # an entry is its length in two bytes, then the origin
    if sum(len(origin) + 2 for origin in checked) > MAX_PAYLOAD:
        raise new_error("ERR_HTTP2_ORIGIN_LENGTH")
    return checked


def covers(certificate: Any, authority: str) -> bool:
    """Return whether a verified *certificate*, as returned by `ssl`, covers *authority*."""
    host = authority.rpartition(":")[0] if re.search(r":\d*$", authority) else authority
    for kind, name in (certificate or {}).get("subjectAltName", ()):
        if kind == "DNS":
            name = name.lower()
            if name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:]):
                return True
        elif kind == "IP Address" and name.lower() == host.strip("[]"):
            return True
    return False
