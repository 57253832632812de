"""HTTP/1's bytes to heads and bodies: by the rules, compared with another parser, in any pieces."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from http2.engine.http1.head import BadRequest, Http1Limits
from http2.engine.http1.receiver import Http1Receiver

from ..support import llhttp

LIMITS = Http1Limits(url_size=60, section_size=400, fields=8)
HEAD = b"POST / HTTP/1.1\r\nhost: a\r\n"


def receive(pieces: list[bytes], limits: Http1Limits = LIMITS) -> list[Any]:
    """Return the results for *pieces*: heads, bodies, trailers; a refusal's status is the last."""
    receiver = Http1Receiver(limits)
    events: list[Any] = []
    body = b""
    try:
        for piece in pieces:
            receiver.feed(piece, len(piece))
            while receiver.waiting:
                if receiver.receiving:
                    body += receiver.body()
                    if receiver.receiving:
                        continue
                    events.append(body)
                    if receiver.trailers is not None:
                        events.append(receiver.trailers.raw)
                else:
                    head = receiver.head()
                    if head is None:
                        continue
                    body = b""
                    events.append((
                        head.method, head.url, head.version, dict(head.headers), head.headers.raw,
                        head.length, head.chunked, head.keep_alive, head.upgrade, head.expects,
                    ))  # fmt: skip
                    if head.body is not None:
                        events.append(head.body)
    except BadRequest as error:
        events.append(error.status)
    return events


def read(head: bytes) -> tuple[Any, ...] | int:
    """Return the head in these bytes, or the status of its refusal."""
    found: tuple[Any, ...] | int = receive([head])[0]
    return found


def test_a_head() -> None:
    head = (
        b"POST /a?b HTTP/1.1\r\nHost: a:80\r\nCookie: x\r\nx-a: 1\r\ncookie:y \r\nX-A:\t2\r\n"
        b"set-cookie: a\r\nSet-Cookie: b\r\nage: 1\r\nAge: 2\r\nx-b: \xe9\r\n"
        b"content-length: 3\r\nexpect: 100-continue\r\nconnection: Close\r\n\r\n"
    )
    limits = Http1Limits(url_size=4, section_size=400, fields=13)
    (method, url, version, headers, raw, length, chunked, keep_alive, upgrade, expects), body = (
        receive([head + b"abc"], limits)
    )
    assert (method, url, version, length, body) == ("POST", "/a?b", "1.1", 3, b"abc")
    assert (chunked, keep_alive, upgrade, expects) == (False, False, False, True)
    assert headers == {
        "host": "a:80", "cookie": "x; y", "x-a": "1, 2", "set-cookie": ["a", "b"], "age": "1",
        "x-b": "\xe9", "content-length": "3", "expect": "100-continue", "connection": "Close",
    }  # fmt: skip
    assert raw[:5] == [
        ("Host", "a:80"), ("Cookie", "x"), ("x-a", "1"), ("cookie", "y"), ("X-A", "2"),
    ]  # fmt: skip


def test_where_an_octet_may_be() -> None:
    """In names RFC 9110's tchar, in values field-vchar and whitespace, in targets VCHAR."""
    for octet in range(256):
        byte = bytes((octet,))
        in_value = octet in (9, 32) or (octet > 32 and octet != 127)
        in_name = chr(octet) in ascii_letters + digits + "!#$%&'*+-.^_`|~"
        for place, head in (
            (in_name or byte == b":", b"GET / HTTP/1.1\r\nhost: a\r\nx%by: z\r\n\r\n"),
            (in_name, b"GET / HTTP/1.1\r\nhost: a\r\n%by: z\r\n\r\n"),
            (in_value, b"GET / HTTP/1.1\r\nhost: a\r\nx: y%bz\r\n\r\n"),
            (32 < octet < 127 and byte != b"#", b"GET /%b HTTP/1.1\r\nhost: a\r\n\r\n"),
        ):
            assert isinstance(read(head.replace(b"%b", byte)), tuple) is place, (head, octet)


@pytest.mark.parametrize(
    ("limit", "sizes"), [("url_size", (1, 2)), ("section_size", (21, 22)), ("fields", (2, 3))]
)
def test_limits(limit: str, sizes: tuple[int, int]) -> None:
    head = b"GET /2 HTTP/1.1\r\nhost: a\r\nx:y\r\nz:\r\n\r\n"
    assert head.index(b"\r\n") == len(head) - 22
    for size, fits in zip(sizes, (False, True), strict=True):
        limits = {"url_size": 60, "section_size": 400, "fields": 8, limit: size}
        (found, *_) = receive([head], Http1Limits(**limits))
        assert isinstance(found, tuple) is fits
        if not fits:
            assert found == (414 if limit == "url_size" else 431)


def test_a_body_is_given_with_its_head() -> None:
    """If it has arrived completely; later parts are returned as they arrive."""
    receiver = Http1Receiver(LIMITS)
    wire = HEAD + b"content-length: 5\r\n\r\nhello"
    receiver.feed(wire + wire[:-1], 2 * len(wire) - 1)
    first = receiver.head()
    assert first is not None
    assert first.body == b"hello"
    assert receiver.waiting == len(wire) - 1
    second = receiver.head()
    assert second is not None
    assert second.body is None
    assert (receiver.receiving, receiver.left) == (True, 5)
    assert receiver.body() == b"hell"
    assert (receiver.receiving, receiver.left) == (True, 1)
    receiver.feed(memoryview(b"o!"), 1)
    assert receiver.body() == b"o"
    assert not receiver.receiving
    assert not receiver.waiting


def test_what_lies_behind_is_left() -> None:
    receiver = Http1Receiver(LIMITS)
    wire = b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n\x16\x03"
    receiver.feed(wire, len(wire))
    head = receiver.head()
    assert head is not None
    assert head.upgrade
    assert receiver.rest() == b"\x16\x03"
    assert receiver.rest() == b""
    with pytest.raises(ValueError, match="size"):
        receiver.feed(b"abc", 4)


# --- as another reader does -------------------------------------------------------------------

LINES = [
    b"GET / HTTP/1.1\r\n", b"POST /x?y HTTP/1.1\r\n", b"OPTIONS * HTTP/1.1\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n", b"GET http://b:1/ HTTP/1.1\r\n", b"GET / HTTP/1.0\r\n",
    b"GET http://[::1]:80?x HTTP/1.0\r\n", b"M-SEARCH / HTTP/1.1\r\n", b"FETCH / HTTP/1.1\r\n",
]  # fmt: skip
FIELDS = [
    b"Host: b:80\r\n", b"host:\r\n", b"x: y\r\n", b"X: z \t\r\n", b"set-cookie: a\r\n",
    b"cookie: b\r\n", b"Cookie: c\r\n", b"content-length: 5\r\n", b"Content-Length: 05 \r\n",
    b"content-length: x\r\n", b"content-length:\r\n", b"content-length: 1234567890123456789\r\n",
    b"transfer-encoding: chunked\r\n", b"transfer-encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: Chunked \r\n", b"transfer-encoding: chunked\t\r\n",
    b"transfer-encoding: gzip\r\n", b"transfer-encoding:\tchunked\r\n", b"connection: close\r\n",
    b"connection: keep-alive\r\n", b"Connection: Upgrade, x\r\n", b"upgrade: h2c\r\n",
    b"upgrade: websocket\r\n", b"expect: 100-continue\r\n", b"age: 1\r\n", b"age: 2\r\n",
]  # fmt: skip
BITS = [b"\r\n", b"\r", b"\n", b" ", b"\t", b":", b"\0", b"\xff", b"a", b"(", b"\x7f", b"#", b"/"]

NEAR_HEADS = st.builds(
    lambda line, fields, bits: _with_bits(b"".join((line, *fields, b"\r\n")), bits),
    st.sampled_from(LINES),
    st.lists(st.sampled_from([b"host: a\r\n", *FIELDS]), max_size=5),
    st.lists(
        st.tuples(
            st.integers(0, 200), st.booleans(), st.sampled_from(BITS) | st.binary(max_size=2)
        ),
        max_size=3,
    ),
)


def _with_bits(head: bytes, bits: list[tuple[int, bool, bytes]]) -> bytes:
    """Insert or change some bytes in *head*, up to its first empty line."""
    for at, put_in, bit in bits:
        head = head[:at] + bit + head[at if put_in else at + len(bit) :]
    return head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


@settings(max_examples=1500)
@given(head=NEAR_HEADS)
@example(head=b"GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\t\r\n\r\n")
def test_as_llhttp_does(head: bytes) -> None:
    """Heads that llhttp refuses are refused; those that it and RFC 9112 allow are read alike."""
    if head.startswith(b"\r\n"):
        return
    mine = read(head)
    others = llhttp.read(head)
    if isinstance(mine, int):
        assert others is None or mine == 431
    else:
        assert (*mine[:3], mine[4], *mine[5:7]) == others


# --- however they come ------------------------------------------------------------------------

MESSAGES = [
    b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    b"\r\nGET /x HTTP/1.1\r\nHost: a\r\nx: y\r\n\r\n",
    HEAD + b"content-length: 5\r\n\r\nhello",
    HEAD + b"content-length: 0\r\n\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\n\n",
    b"G\x01",
    HEAD + b"x: " + b"y" * 400,
    b"GET /" + b"y" * 100,
    HEAD + b"transfer-encoding: chunked\r\n\r\nxyz",
]  # fmt: skip


def without_statuses(events: list[Any]) -> list[Any]:
    """With all refusals equal: which of two is found first depends on the pieces."""
    return ["refused" if isinstance(event, int) else event for event in events]


@settings(max_examples=400)
@given(
    wire=st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=5).map(b"".join),
    cuts=st.lists(st.integers(1, 600), max_size=12, unique=True).map(sorted),
)
@example(wire=b"".join(MESSAGES[:6]), cuts=list(range(1, 600)))
@example(wire=MESSAGES[6], cuts=list(range(1, 600)))
@example(wire=MESSAGES[8], cuts=list(range(1, 600)))
def test_however_it_is_cut(wire: bytes, cuts: list[int]) -> None:
    pieces = [wire[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    assert without_statuses(receive([piece for piece in pieces if piece])) == without_statuses(
        receive([wire])
    )
