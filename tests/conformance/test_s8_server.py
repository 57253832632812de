"""RFC 9113 section 8: malformed requests, and valid ones."""

from __future__ import annotations

from ..support import raw
from ..support.running import Run
from ..support.self_signed import Certificate
from .codes import PROTOCOL_ERROR
from .reactions import Reaction, fine, stream_error
from .server_cases import Case, check

FIELDS = raw.request_fields()
MALFORMED = stream_error(1, PROTOCOL_ERROR)


def without(name: str) -> list[tuple[str, str]]:
    """Return a request that lacks a pseudo-header field."""
    return [pair for pair in FIELDS if pair[0] != name]


def changed(name: str, value: str) -> list[tuple[str, str]]:
    """Return a request with another *value*."""
    return [(key, value if key == name else old) for key, old in FIELDS]


def get(fields: list[tuple[str, str]], reaction: Reaction = MALFORMED) -> Case:
    """Return a GET request without a body."""
    return Case(raw.headers(1, fields, end_stream=True), reaction)


def post(length: str, *parts: bytes, reaction: Reaction = MALFORMED) -> Case:
    """Return a POST whose content-length is *length*."""
    return Case(
        b"".join(raw.data(1, part) for part in parts[:-1])
        + raw.data(1, parts[-1], end_stream=True),
        reaction,
        before=raw.post(1, content_length=length),
    )


def connect(*fields: tuple[str, str], reaction: Reaction = MALFORMED) -> Case:
    """Return a CONNECT request without a body."""
    return Case(raw.headers(1, [(":method", "CONNECT"), *fields]), reaction)


MESSAGES = {
    "8.1 GET": get(FIELDS, fine(1, status=200)),
    "8.1 HEAD": get(changed(":method", "HEAD"), fine(1)),
    "8.1 POST": Case(
        raw.data(1, b"test", end_stream=True), fine(1, status=200), before=raw.post(1), body=b"test"
    ),
    "8.1 POST with trailers": Case(
        raw.data(1, b"test") + raw.headers(1, [("x-test", "ok")], end_stream=True),
        fine(1, status=200), before=raw.post(1), body=b"test",
    ),
    "8.1 trailers without END_STREAM": Case(
        raw.headers(1, [("x-test", "ok")]), MALFORMED, before=raw.post(1) + raw.data(1, b"test")
    ),
    "8.1 a second HEADERS without END_STREAM": Case(
        raw.post(1), MALFORMED, before=raw.post(1)
    ),
    "8.1 pseudo-header field in trailers": Case(
        raw.headers(1, [(":method", "200"), ("x-test", "ok")], end_stream=True),
        MALFORMED, before=raw.post(1),
    ),
    "8.1 :status in trailers": Case(
        raw.headers(1, [(":status", "200")], end_stream=True), MALFORMED, before=raw.post(1)
    ),
}  # fmt: skip

FIELD_RULES = {
    "8.2 upper-case name": get([*FIELDS, ("X-TEST", "ok")]),
    "8.2.1 space in a name": get([*FIELDS, ("x test", "ok")]),
    "8.2.1 control character in a name": get([*FIELDS, ("x\x7f", "ok")]),
    "8.2.1 octet above 0x7f in a name": get([*FIELDS, ("x\xe9", "ok")]),
    "8.2.1 colon in a name": get([*FIELDS, ("x:y", "ok")]),
    "8.2.1 empty name": get([*FIELDS, ("", "ok")]),
    "8.2.1 NUL in a value": get([*FIELDS, ("x-test", "o\0k")]),
    "8.2.1 LF in a value": get([*FIELDS, ("x-test", "o\nk")]),
    "8.2.1 CR in a value": get([*FIELDS, ("x-test", "o\rk")]),
    "8.2.1 space before a value": get([*FIELDS, ("x-test", " ok")]),
    "8.2.1 tab after a value": get([*FIELDS, ("x-test", "ok\t")]),
    "8.2.1 what a value may have": get([*FIELDS, ("x-test", "o k\t\xe9!")], fine(1)),
    "8.2.2 connection": get([*FIELDS, ("connection", "keep-alive")]),
    "8.2.2 proxy-connection": get([*FIELDS, ("proxy-connection", "keep-alive")]),
    "8.2.2 keep-alive": get([*FIELDS, ("keep-alive", "timeout=5")]),
    "8.2.2 transfer-encoding": get([*FIELDS, ("transfer-encoding", "chunked")]),
    "8.2.2 upgrade": get([*FIELDS, ("upgrade", "websocket")]),
    "8.2.2 te of something": get([*FIELDS, ("te", "trailers, deflate;q=0.5")]),
    "8.2.2 te of trailers": get([*FIELDS, ("te", "trailers")], fine(1)),
    "8.2.2 connection in trailers": Case(
        raw.headers(1, [("connection", "close")], end_stream=True), MALFORMED, before=raw.post(1)
    ),
}

PSEUDO = {
    "8.3 unknown": get([(":test", "ok"), *FIELDS]),
    "8.3 of responses": get([(":status", "200"), *FIELDS]),
    "8.3 after a field": get([("x-test", "ok"), *FIELDS]),
    "8.3 :path after a field": get([*without(":path"), ("x", "y"), (":path", "/")]),
    "8.3.1 empty :path": get(changed(":path", "")),
    "8.3.1 no :method": get(without(":method")),
    "8.3.1 no :scheme": get(without(":scheme")),
    "8.3.1 no :path": get(without(":path")),
    "8.3.1 no :authority and no host": get(without(":authority")),
    "8.3.1 host and no :authority": get([*without(":authority"), ("host", "localhost")], fine(1)),
    "8.3.1 two :method": get([(":method", "GET"), *FIELDS]),
    "8.3.1 two :scheme": get([(":scheme", "http"), *FIELDS]),
    "8.3.1 two :path": get([(":path", "/"), *FIELDS]),
    "8.3.1 two :authority": get([(":authority", "localhost"), *FIELDS]),
    "8.3.1 :path without a slash": get(changed(":path", "x")),
    "8.3.1 :path of * with GET": get(changed(":path", "*")),
    "8.3.1 :path of * with OPTIONS": get(
        [(":method", "OPTIONS"), (":path", "*"), (":scheme", "http"), (":authority", "a")], fine(1)
    ),
    "8.3.1 :method with a space": get(changed(":method", "G ET")),
    "8.3.1 empty :method": get(changed(":method", "")),
    "8.3.1 :scheme that is none": get(changed(":scheme", "ht tp")),
    "8.3.1 :authority with a space": get(changed(":authority", "local host")),
    "8.3.1 unknown method": get(changed(":method", "X-TEST"), fine(1)),
}

LENGTHS = {
    "8.1.1 as it says": post("4", b"te", b"st", reaction=fine(1)),
    "8.1.1 longer": post("1", b"test"),
    "8.1.1 shorter": post("5", b"test"),
    "8.1.1 shorter, of several": post("9", b"test", b"test"),
    "8.1.1 longer, of several": post("7", b"test", b"test"),
    "8.1.1 no body at all": Case(
        raw.headers(1, raw.request_fields("POST", content_length="1"), end_stream=True), MALFORMED
    ),
    "8.1.1 shorter, with trailers": Case(
        raw.data(1, b"te") + raw.headers(1, [("x", "y")], end_stream=True),
        MALFORMED, before=raw.post(1, content_length="4"),
    ),
    "8.1.1 0, and none": Case(
        raw.headers(1, raw.request_fields("POST", content_length="0"), end_stream=True), fine(1)
    ),
    "8.1.1 no number": post("five", b"test!"),
    "8.1.1 negative": post("-1", b"test"),
    "8.1.1 plus sign": post("+4", b"test"),
    "8.1.1 beyond 63 bits": post("9223372036854775808", b"test"),
    "8.1.1 a list": post("4, 4", b"test"),
    "8.1.1 empty": post("", b"test"),
    "8.1.1 twice": Case(
        raw.headers(
            1, [*raw.request_fields("POST", content_length="4"), ("content-length", "4")]
        ),
        MALFORMED,
    ),
}  # fmt: skip

CONNECT = {
    "8.5 CONNECT": connect((":authority", "a:1"), reaction=fine()),
    "8.5 with :scheme": connect((":scheme", "http"), (":authority", "a:1")),
    "8.5 with :path": connect((":path", "/"), (":authority", "a:1")),
    "8.5 no :authority": connect(("host", "a:1")),
    "8.5 :protocol without our setting (RFC 8441)": connect(
        (":protocol", "websocket"), (":scheme", "http"), (":path", "/"), (":authority", "a:1")
    ),
}  # fmt: skip


def test_server(run_asyncio: Run, certificate: Certificate) -> None:
    check(run_asyncio, certificate, MESSAGES | FIELD_RULES | PSEUDO | LENGTHS | CONNECT)
