"""Handle origins (RFC 6454) and the arguments of ALTSVC (RFC 7838) and ORIGIN (RFC 8336)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ..errors import new_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from urllib.parse import SplitResult

__all__ = ["HasOrigin", "Origin", "altsvc_arguments", "check_origins", "covers", "serialize_origin"]

MAX_PAYLOAD = 16384
# The space in a frame of 16,384 bytes, without the length of the first part.
MAX_ALTSVC = MAX_PAYLOAD - 2

# The schemes whose URLs have an origin, and their default ports.
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
# Characters that a host must not contain (the URL Standard's forbidden domain code points).
_FORBIDDEN = re.compile(r"[\x00-\x20\"#%/:<>?@\[\\\]^`{|}\x7f]")
# The last label of an IPv4 address.
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

    For http, https, ws, wss and ftp: in lower case, without the default port, international
    names in Punycode, IPv6 addresses in their shortest form (RFC 5952). Returns None if *url* is
    not a URL, or has no origin (``file:``, ``data:``). Hosts in unusual spellings, such as
    ``127.1`` or with escapes, are refused.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url.strip())
        host, port, default = parts.hostname, parts.port, _PORTS.get(parts.scheme)
        if not host or default is None:
            return None
        if ":" in host:
            from ipaddress import IPv6Address

            # a zone is not allowed in a URL
            address = IPv6Address("" if "%" in host else host)
            # from Python 3.13 on, the text of a mapped address has dots
            last = int(address) & 0xFFFFFFFF
            mapped = f"::ffff:{last >> 16:x}:{last & 0xFFFF:x}"
            host = f"[{address if address.ipv4_mapped is None else mapped}]"
        else:
            if not host.isascii():
                host = host.encode("idna").decode("ascii")
            if _NUMBER.fullmatch(host.rpartition(".")[2]):
                from ipaddress import IPv4Address

                host = str(IPv4Address(host))
    except ValueError:
        return None
    if host[0] != "[" and _FORBIDDEN.search(host):
        return None
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, default) else "")


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


def covers(certificate: Mapping[str, Any] | None, authority: str) -> bool:
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
