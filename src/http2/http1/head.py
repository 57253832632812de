"""The head of an HTTP/1 request: request line and header section, and what they mean (RFC 9112).

httptools (llhttp) takes the bytes apart. What it lets pass, or reads more generously than
RFC 9112 does, is refused here: whoever stands before this server may have read it otherwise,
which is what request smuggling is made of (section 11.2).
"""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

from httptools import (
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from ..engine.field_rules import is_token
from ..headers import SINGLE_VALUE, Headers, received
from .options import Http1Options

__all__ = [
    "BadRequest",
    "RequestHead",
    "check_incomplete",
    "parse_again",
    "parse_head",
    "parse_trailers",
]

# A request line as most are.
LINE: Final = re.compile(rb"([A-Z]+) (/[!\"$-~]*) HTTP/1\.([01])")
VERSION: Final = re.compile(rb"HTTP/[0-9]\.[0-9]")
# RFC 3986 section 3.2.2, by its characters; nothing that could end a host and begin a path.
HOST: Final = re.compile(r"[0-9A-Za-z._~!$&'()*+,;=%:\[\]-]*")
ABSOLUTE: Final = re.compile(r"[A-Za-z][0-9A-Za-z+.-]*://([^/?#@]+)(?:[/?][^#]*)?")
AUTHORITY: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~!$&'()*+,;=%-]+):[0-9]{1,5}")
LENGTH: Final = re.compile(r"[0-9]{1,18}")
# What a first line that has not ended yet can't have: it will never be a request.
NOT_IN_LINE: Final = re.compile(rb"[^ -~\r]")

# What a request line has besides its target: the longest method and the version.
LINE_EXTRA = 48

# Trailers that could change how the message is framed, routed or authorised, or how its body
# is to be read, come too late to be believed (RFC 9110 section 6.5.1).
NOT_IN_TRAILERS: Final = frozenset(
    {
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "max-forwards",
        "pragma",
        "proxy-authorization",
        "range",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

# The names of fields that have been met: as they are looked up, and as they came. They are the
# peers', so no more than so many are remembered.
MOST_NAMES = 1024
_names: dict[bytes, tuple[str, str]] = {}
_methods: dict[bytes, str] = {}


class BadRequest(Exception):
    """What a client has sent is no request that can be served.

    Attributes:
        status: The status of the answer, after which the connection is closed.
    """

    def __init__(self, status: int, reason: str) -> None:
        """Make one; *reason* is for the log."""
        super().__init__(reason)
        self.status = status


class RequestHead:
    """What a request says before its body."""

    __slots__ = (
        "chunked",
        "fields",
        "headers",
        "keep_alive",
        "length",
        "method",
        "upgrade",
        "url",
        "version",
    )

    method: str
    url: str
    version: str
    """``'1.1'`` or ``'1.0'``."""
    headers: Headers
    fields: dict[Any, Any] | None
    """The headers as they came, to be kept for `parse_again`; None when that can't be."""
    length: int
    """Bytes of the body, when it is not `chunked`."""
    chunked: bool
    keep_alive: bool
    """Whether the client wants to make another request on the connection."""
    upgrade: bool
    """Whether the client offers to leave HTTP, or by CONNECT asks for it."""


class _Fields:
    """Collects what the parser finds."""

    __slots__ = ("complete", "fields", "url")

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.complete = False

    def on_url(self, url: bytes) -> None:
        """The target of the request."""
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field."""
        self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The empty line."""
        self.complete = True


def _parse(data: bytes) -> tuple[_Fields, HttpRequestParser]:
    """Have llhttp read a whole head; a parser of its own knows nothing of earlier requests."""
    found = _Fields()
    parser = HttpRequestParser(found)
    try:
        parser.feed_data(data)
    except HttpParserUpgrade:
        # Says where the other protocol would begin: behind the head.
        return found, parser
    except HttpParserInvalidMethodError as error:
        known = is_token(data.partition(b" ")[0])
        raise BadRequest(501 if known else 400, str(error)) from None
    except HttpParserError as error:
        raise BadRequest(400, str(error)) from None
    if not found.complete:
        raise BadRequest(400, "no end of the header section")
    return found, parser


def _learn(name: bytes) -> tuple[str, str]:
    text = name.decode("ascii")
    names = (text.lower(), text)
    if len(_names) < MOST_NAMES and len(name) < 64:
        _names[name] = names
    return names


def _again(merged: dict[str, object], name: str, value: str) -> None:
    """A field that was there already; see `Headers` for what becomes of it."""
    if name in ("host", "content-length", "transfer-encoding"):
        # Also when both say the same: RFC 9112 section 6.3 would allow it, but what a
        # gateway made of it is not known here.
        raise BadRequest(400, f"{name} was given twice")
    if name == "set-cookie":
        earlier = merged[name]
        assert isinstance(earlier, list)
        earlier.append(value)
    elif name not in SINGLE_VALUE:
        merged[name] = f"{merged[name]}{'; ' if name == 'cookie' else ', '}{value}"


def _headers(fields: list[tuple[bytes, bytes]], limit: int) -> Headers:
    if len(fields) > limit:
        raise BadRequest(431, f"more than {limit} fields")
    merged: dict[str, object] = {}
    raw = []
    for name, value in fields:
        names = _names.get(name)
        if names is None:
            names = _learn(name)
        lower = names[0]
        # llhttp leaves the whitespace behind a value
        text = value.decode("latin-1").rstrip(" \t")
        raw.append((names[1], text))
        if lower in merged:
            _again(merged, lower, text)
        elif lower == "set-cookie":
            merged[lower] = [text]
        else:
            merged[lower] = text
    return received(merged, raw)


def parse_head(data: bytes, options: Http1Options) -> RequestHead:
    """Read *data*, a request's head with its empty line; `BadRequest` when it is none."""
    line = data[: data.index(b"\r\n")]
    ends = data.count(b"\r\n")
    if data.count(b"\n") != ends or data.count(b"\r") != ends:
        raise BadRequest(400, "a CR or LF by itself")
    words = line.split(b" ")
    if len(words) != 3:
        raise BadRequest(400, "the request line has not three words")
    if len(words[1]) > options.max_url_size:
        raise BadRequest(414, "the target is too long")
    if len(data) - len(line) > options.max_header_size:
        raise BadRequest(431, "the header section is too long")
    version = words[2]
    old = version == b"HTTP/1.0"
    if version != b"HTTP/1.1" and not old:
        known = VERSION.fullmatch(version) is not None
        raise BadRequest(505 if known else 400, "this is not HTTP/1.0 or 1.1")
    found, parser = _parse(data)
    head = RequestHead()
    method = parser.get_method()
    try:
        head.method = _methods[method]
    except KeyError:
        head.method = _methods[method] = method.decode("ascii")
    head.version = "1.0" if old else "1.1"
    head.url = url = found.url.decode("ascii")
    headers = head.headers = _headers(found.fields, options.max_headers_count)
    host = headers.get("host")
    if host is None:
        if not old:
            raise BadRequest(400, "no host")
    elif HOST.fullmatch(host) is None:
        raise BadRequest(400, "a bad host")
    if url[0] != "/" or "#" in url or head.method == "CONNECT":
        _check_target(head, headers)
        head.fields = None
    else:
        head.fields = None if "set-cookie" in headers else dict(headers)
    _frame(head, headers, old)
    _persist(head, headers, old)
    return head


def parse_again(data: bytes, section: bytes, last: RequestHead, options: Http1Options) -> bool:
    """Read *data*, a head that ends with *section* as did that of which *last* was made.

    A client sends the same fields over and over. *last* becomes the new head; False when
    `parse_head` has to have a look.
    """
    line = LINE.fullmatch(data, 0, len(data) - len(section))
    if line is None:
        return False
    method, url, minor = line.groups()
    if (minor == b"0") is not (last.version == "1.0") or len(url) > options.max_url_size:
        return False
    # those that llhttp knows, and has let pass
    known = _methods.get(method)
    if known is None or known == "CONNECT":
        return False
    last.method = known
    last.url = url.decode("ascii")
    raw = last.headers._raw
    last.headers = received(last.fields or {}, raw)
    return True


def _check_target(head: RequestHead, headers: Headers) -> None:
    """The forms of a target that do not begin with a slash (RFC 9112 section 3.2)."""
    url = head.url
    if head.method == "CONNECT":
        if AUTHORITY.fullmatch(url) is None:
            raise BadRequest(400, "a bad target of CONNECT")
    elif url == "*":
        if head.method != "OPTIONS":
            raise BadRequest(400, "only OPTIONS may be asked of *")
    else:
        absolute = ABSOLUTE.fullmatch(url)
        if absolute is None or HOST.fullmatch(absolute[1]) is None:
            raise BadRequest(400, "a bad target")
        # section 3.2.2: the target's own authority counts, whatever Host says
        headers["host"] = absolute[1]


def _frame(head: RequestHead, headers: Headers, old: bool) -> None:
    """How long the body is (RFC 9112 section 6.3)."""
    head.length = 0
    head.chunked = False
    coding = dict.get(headers, "transfer-encoding")
    length = dict.get(headers, "content-length")
    if coding is not None:
        if old:
            raise BadRequest(400, "HTTP/1.0 has no transfer-encoding")
        if length is not None:
            raise BadRequest(400, "content-length with transfer-encoding")
        if coding.lower() != "chunked":
            _refuse_coding(coding)
        head.chunked = True
    elif length is not None:
        if LENGTH.fullmatch(length) is None:
            raise BadRequest(400, "a bad content-length")
        head.length = int(length)


def _refuse_coding(coding: str) -> NoReturn:
    """Codings other than chunked alone: unknown to us (section 6.1), or no end of a body at all."""
    codings = [word.strip(" \t") for word in coding.lower().split(",")]
    if codings[-1] == "chunked" and codings.count("chunked") == 1 and all(codings):
        raise BadRequest(501, "a transfer coding other than chunked")
    raise BadRequest(400, "transfer codings that do not end with chunked")


def _persist(head: RequestHead, headers: Headers, old: bool) -> None:
    """Whether the connection outlives the request (section 9.3), or leaves HTTP."""
    connection = dict.get(headers, "connection")
    head.upgrade = head.method == "CONNECT"
    if connection is None:
        head.keep_alive = not old
        return
    words = {word.strip(" \t") for word in connection.lower().split(",")}
    head.keep_alive = "close" not in words and (not old or "keep-alive" in words)
    if "upgrade" in words and "upgrade" in headers and not old:
        # RFC 9113 section 3.1 has done away with h2c, which curl still offers
        head.upgrade = headers["upgrade"].lower() != "h2c"


def parse_trailers(data: bytes, options: Http1Options) -> Headers:
    """Read a trailer section with its empty line; fields that don't belong there are dropped."""
    ends = data.count(b"\r\n")
    if data.count(b"\n") != ends or data.count(b"\r") != ends:
        raise BadRequest(400, "a CR or LF by itself")
    found, _ = _parse(b"GET / HTTP/1.1\r\n" + data)
    fields = [field for field in found.fields if field[0].decode().lower() not in NOT_IN_TRAILERS]
    return _headers(fields, options.max_headers_count)


def check_incomplete(data: bytearray, begin: int, options: Http1Options) -> None:
    """Refuse, from its first bytes, what will never be a head or is too long for one.

    What lies before *begin* has been looked at before. Raises `BadRequest`.
    """
    first = data.find(b"\r\n", 0, options.max_url_size + LINE_EXTRA)
    if first < 0:
        if len(data) > options.max_url_size + LINE_EXTRA:
            raise BadRequest(414, "the request line is too long")
    elif len(data) - first > options.max_header_size:
        raise BadRequest(431, "the header section is too long")
    if NOT_IN_LINE.search(data, begin, len(data) if first < 0 else first) is not None:
        raise BadRequest(400, "not a request line")
    if data.count(b"\n", begin) != data.count(b"\r\n", max(begin - 1, 0)):
        # its empty line might never be recognised
        raise BadRequest(400, "an LF by itself")
