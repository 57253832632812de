"""A second parser of HTTP/1's heads, on llhttp, Node's own, for comparison."""

from __future__ import annotations

import re
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

# Heads that llhttp accepts, and RFC 9112 forbids.
VERSION = re.compile(rb"HTTP/1\.[01]")
TARGET = re.compile(rb"/[!-~]*|\*|[A-Za-z]+://[0-9A-Za-z._~!$&'()*+,;=%:\[\]-]+(?:[/?][!-~]*)?")
AUTHORITY = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~!$&'()*+,;=%-]+):[0-9]{1,5}"
)  # fmt: skip
HOST = re.compile(rb"[0-9A-Za-z._~!$&'()*+,;=%:\[\]-]*")
LENGTH = re.compile(rb"[0-9]{1,18}")
ONCE = (b"host", b"content-length", b"transfer-encoding")


class _Found:
    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.complete = self.tab = False
        self.url = b""

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        # llhttp keeps whitespace after a value: with a tab there, it does not recognise the coding,
        # unless the request offers an upgrade
        stripped = value.rstrip(b" \t")
        self.tab = self.tab or (
            name.lower() == b"transfer-encoding" and b"\t" in value[len(stripped) :]
        )
        self.fields.append((name, stripped))

    def on_headers_complete(self) -> None:
        self.complete = True


def read(data: bytes) -> tuple[Any, ...] | None:
    """Return the method, target, version, fields, length and coding of a head; None if invalid."""
    ends = data.count(b"\r\n")
    line = data.partition(b"\r\n")[0].split(b" ")
    if data.count(b"\n") != ends or data.count(b"\r") != ends or len(line) != 3:
        return None
    found = _Found()
    parser = HttpRequestParser(found)
    try:
        parser.feed_data(data)
    except HttpParserUpgrade:
        pass
    except HttpParserError:
        return None
    if not found.complete or found.tab or not VERSION.fullmatch(line[2]):
        return None
    old = line[2] == b"HTTP/1.0"
    wanted = AUTHORITY if line[0] == b"CONNECT" else TARGET
    if not wanted.fullmatch(found.url) or b"#" in found.url:
        return None
    if found.url == b"*" and line[0] != b"OPTIONS":
        return None
    once = [value for value in (name.lower() for name, _ in found.fields) if value in ONCE]
    if len(once) != len(set(once)) or (b"host" not in once and not old):
        return None
    fields = {name.lower(): value for name, value in found.fields}
    if not HOST.fullmatch(fields.get(b"host", b"")):
        return None
    coding = fields.get(b"transfer-encoding")
    length = fields.get(b"content-length")
    if coding is not None and (old or length is not None or coding.lower() != b"chunked"):
        return None
    if length is not None and not LENGTH.fullmatch(length):
        return None
    return (
        line[0].decode(),
        found.url.decode(),
        line[2][5:].decode(),
        [(name.decode(), value.decode("latin-1")) for name, value in found.fields],
        int(length or 0),
        coding is not None,
    )
