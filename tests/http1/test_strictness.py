"""Ambiguous messages are refused: request smuggling (RFC 9112 section 11.2).

Each case is sent with another request after it, which no handler may get.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import http2

from ..support.http1 import Http1Peer, chunked, get, request, serving_http1
from ..support.running import Run
from ..support.serving import Events

SMUGGLED = get("/smuggled").encode()
POST = b"POST /first HTTP/1.1\r\nhost: localhost\r\n"

LENGTHS = {
    "plus": b"+5",
    "minus": b"-5",
    "hexadecimal": b"0x5",
    "list": b"5,5",
    "list of two": b"5, 6",
    "empty": b"",
    "space": b"5 5",
    "fraction": b"5.0",
    "exponent": b"1e1",
    "underscore": b"1_0",
    "digits of another script": "\u0665".encode(),
    "superscript": b"\xb2",
    "beyond 64 bits": b"18446744073709551621",
    "beyond 63 bits": b"9999999999999999999",
    "hundred digits": b"0" * 99 + b"5",
    "vertical tab": b"\x0b5",
    "quoted": b'"5"',
}

CODINGS = {
    "gzip": 400,
    "identity": 400,
    "chunked, gzip": 400,
    "chunked, identity": 400,
    "chunked, chunked": 400,
    "chunked,": 400,
    ", chunked": 400,
    "xchunked": 400,
    "chunkedx": 400,
    "chunk": 400,
    "chunked;q=1": 400,
    '"chunked"': 400,
    "\x0bchunked": 400,
    "chun ked": 400,
    "gzip, chunked": 501,
    "x-none, chunked": 501,
}

HEADS: dict[str, tuple[bytes, int]] = {
    "content-length and transfer-encoding": (
        POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding and content-length": (
        POST + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello", 400),
    "twice the same length": (POST + b"content-length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
    "two transfer-encodings": (
        POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "transfer-encodings in two fields": (
        POST + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding of HTTP/1.0": (
        b"POST / HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "LF for CRLF": (b"GET / HTTP/1.1\nhost: localhost\n\n", 400),
    "LF behind the request line": (b"GET / HTTP/1.1\nhost: localhost\r\n\r\n", 400),
    "LF behind a field": (b"GET / HTTP/1.1\r\nhost: localhost\nx: y\r\n\r\n", 400),
    "LF behind the last field": (b"GET / HTTP/1.1\r\nhost: localhost\n\r\n", 400),
    "LF as the end": (b"GET / HTTP/1.1\r\nhost: localhost\r\n\n", 400),
    "LF in front": (b"\nGET / HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "CR in the request line": (b"GET /\rx HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "CR behind the request line": (b"GET / HTTP/1.1\rhost: localhost\r\n\r\n", 400),
    "CR in a value": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\rb: c\r\n\r\n", 400),
    "CR CR LF": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\r\r\n\r\n", 400),
    "folded with a space": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\r\n b\r\n\r\n", 400),
    "folded with a tab": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\r\n\tb\r\n\r\n", 400),
    "folded first field": (b"GET / HTTP/1.1\r\n x: a\r\nhost: localhost\r\n\r\n", 400),
    "folded coding": (POST + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "space before the colon": (
        POST + b"transfer-encoding : chunked\r\ncontent-length: 5\r\n\r\nhello", 400),
    "tab before the colon": (b"GET / HTTP/1.1\r\nhost\t: localhost\r\n\r\n", 400),
    "space in a name": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx y: z\r\n\r\n", 400),
    "space before a name": (b"GET / HTTP/1.1\r\n host: localhost\r\n\r\n", 400),
    "no name": (b"GET / HTTP/1.1\r\nhost: localhost\r\n: x\r\n\r\n", 400),
    "no colon": (b"GET / HTTP/1.1\r\nhost: localhost\r\nnothing\r\n\r\n", 400),
    "NUL in a name": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx\0y: z\r\n\r\n", 400),
    "NUL in a value": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: y\0z\r\n\r\n", 400),
    "control in a value": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: y\x1fz\r\n\r\n", 400),
    "vertical tab in a value": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: y\x0bz\r\n\r\n", 400),
    "delete in a value": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: y\x7fz\r\n\r\n", 400),
    "bracket in a name": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx(y): z\r\n\r\n", 400),
    "octet above ASCII in a name": (b"GET / HTTP/1.1\r\nhost: localhost\r\nx\xe9: z\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nhost: localhost\r\nhost: elsewhere\r\n\r\n", 400),
    "twice the same host": (b"GET / HTTP/1.1\r\nhost: localhost\r\nHost: localhost\r\n\r\n", 400),
    "two hosts of HTTP/1.0": (b"GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", 400),
    "list of hosts": (b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n", 400),
    "path in the host": (b"GET / HTTP/1.1\r\nhost: localhost/admin\r\n\r\n", 400),
    "user in the host": (b"GET / HTTP/1.1\r\nhost: user@localhost\r\n\r\n", 400),
    "octets above ASCII in the host": (b"GET / HTTP/1.1\r\nhost: \xe9\r\n\r\n", 400),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nhost: localhost\r\n\r\n", 505),
    "HTTP/0.9": (b"GET / HTTP/0.9\r\nhost: localhost\r\n\r\n", 505),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nhost: localhost\r\n\r\n", 505),
    "HTTP/3.0": (b"GET / HTTP/3.0\r\nhost: localhost\r\n\r\n", 505),
    "HTTP/01.1": (b"GET / HTTP/01.1\r\nhost: localhost\r\n\r\n", 400),
    "HTTP/1.10": (b"GET / HTTP/1.10\r\nhost: localhost\r\n\r\n", 400),
    "HTTP/1,1": (b"GET / HTTP/1,1\r\nhost: localhost\r\n\r\n", 400),
    "http/1.1": (b"GET / http/1.1\r\nhost: localhost\r\n\r\n", 400),
    "RTSP/1.0": (b"PLAY / RTSP/1.0\r\nhost: localhost\r\n\r\n", 400),
    "no version": (b"GET /\r\nhost: localhost\r\n\r\n", 400),
    "two spaces before the target": (b"GET  / HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "two spaces before the version": (b"GET /  HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "space behind the version": (b"GET / HTTP/1.1 \r\nhost: localhost\r\n\r\n", 400),
    "space in front": (b" GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "tabs for spaces": (b"GET\t/\tHTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "space in the target": (b"GET /a b HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "two empty lines in front": (b"\r\n\r\nGET / HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "NUL in the target": (b"GET /\0 HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "control in the target": (b"GET /\x01 HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "octets above ASCII in the target": (b"GET /\xe9 HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "fragment": (b"GET /#x HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "no slash": (b"GET x HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "query only": (b"GET ?x HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "asterisk for GET": (b"GET * HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "absolute form with a user": (b"GET http://a@b/ HTTP/1.1\r\nhost: b\r\n\r\n", 400),
    "absolute form without a host": (b"GET http:/// HTTP/1.1\r\nhost: b\r\n\r\n", 400),
    "authority of GET": (b"GET localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "path of CONNECT": (b"CONNECT / HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "CONNECT without a port": (b"CONNECT localhost HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "unknown method": (b"FETCH / HTTP/1.1\r\nhost: localhost\r\n\r\n", 501),
    "method in lower case": (b"get / HTTP/1.1\r\nhost: localhost\r\n\r\n", 501),
    "method with a bracket": (b"G(T / HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "control in the method": (b"G\x01T / HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
}  # fmt: skip
HEADS |= {
    f"content-length: {name}": (POST + b"content-length: " + value + b"\r\n\r\nhello", 400)
    for name, value in LENGTHS.items()
}
HEADS |= {
    f"transfer-encoding: {value!r}": (
        POST + b"transfer-encoding: " + value.encode() + b"\r\n\r\n0\r\n\r\n", status)
    for value, status in CODINGS.items()
}  # fmt: skip


class Recorder:
    """A handler that answers at once, and records its requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: Any, response: Any) -> None:
        self.asked.append((request.method, request.url))
        response.end("fine")


async def refused(peer: Http1Peer, sent: bytes) -> int:
    """Return the status of the only response to *sent*, after which the connection must end."""
    peer.send(sent)
    response = await peer.response()
    assert response.closes, response
    assert await peer.rest() == b""
    return response.status


@pytest.mark.row("http1.strict")
@pytest.mark.parametrize("case", HEADS)
@pytest.mark.parametrize("pieces", ["whole", "again", "bytes"])
def test_heads(run_asyncio: Run, case: str, pieces: str) -> None:
    """Refused at once, after a request with the same fields, and byte by byte."""
    sent, status = HEADS[case]

    async def main() -> None:
        recorder = Recorder()
        async with serving_http1(recorder) as (_, port), await Http1Peer.dial(port) as peer:
            if pieces == "whole":
                assert await refused(peer, sent + SMUGGLED) == status
            else:
                peer.send(get("/before"))
                await peer.response()
                if pieces == "again":
                    # so that its fields end where the connection remembers them to end
                    peer.send(sent)
                else:
                    for byte in sent:
                        peer.send(bytes([byte]))
                        await asyncio.sleep(0)
                assert await refused(peer, SMUGGLED) == status
                assert recorder.asked.pop(0) == ("GET", "/before")
            assert not recorder.asked

    run_asyncio(main())


CHUNKS: dict[str, tuple[bytes, int]] = {
    "hexadecimal prefix": (b"0x5\r\nhello\r\n0\r\n\r\n", 400),
    "plus": (b"+5\r\nhello\r\n0\r\n\r\n", 400),
    "minus": (b"-5\r\nhello\r\n0\r\n\r\n", 400),
    "underscore": (b"0_5\r\nhello\r\n0\r\n\r\n", 400),
    "empty size": (b"\r\nhello\r\n0\r\n\r\n", 400),
    "no size": (b";x\r\nhello\r\n0\r\n\r\n", 400),
    "space before the size": (b" 5\r\nhello\r\n0\r\n\r\n", 400),
    "space behind the size": (b"5 \r\nhello\r\n0\r\n\r\n", 400),
    "tab behind the size": (b"5\t\r\nhello\r\n0\r\n\r\n", 400),
    "no number": (b"g\r\nhello\r\n0\r\n\r\n", 400),
    "beyond 64 bits": (b"10000000000000005\r\nhello\r\n0\r\n\r\n", 400),
    "64 bits": (b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n", 400),
    "many zeros": (b"0000000000000000000000005\r\nhello\r\n0\r\n\r\n", 400),
    "LF behind the size": (b"5\nhello\r\n0\r\n\r\n", 400),
    "CR behind the size": (b"5\rhello\r\n0\r\n\r\n", 400),
    "LF behind the data": (b"5\r\nhello\n0\r\n\r\n", 400),
    "nothing behind the data": (b"5\r\nhello0\r\n\r\n", 400),
    "too much data": (b"4\r\nhello\r\n0\r\n\r\n", 400),
    "LF behind the last chunk": (b"0\n\r\n", 400),
    "LF as the end": (b"0\r\n\n", 400),
    "LF in an extension": (b"5;x\ny\r\nhello\r\n0\r\n\r\n", 400),
    "CR in an extension": (b"5;x\ry\r\nhello\r\n0\r\n\r\n", 400),
    "NUL in an extension": (b"5;\0\r\nhello\r\n0\r\n\r\n", 400),
    "long extension": (b"5;" + b"x" * 20_000 + b"\r\nhello\r\n0\r\n\r\n", 413),
    "endless extension": (b"5;" + b"x" * 100_000, 413),
    "many extensions": ((b"1;" + b"x" * 1000 + b"\r\ny\r\n") * 20, 413),
    "LF in trailers": (b"0\r\nx: y\nz: a\r\n\r\n", 400),
    "CR in trailers": (b"0\r\nx: y\rz: a\r\n\r\n", 400),
    "folded trailer": (b"0\r\nx: y\r\n z\r\n\r\n", 400),
    "space before the colon of a trailer": (b"0\r\nx : y\r\n\r\n", 400),
    "NUL in a trailer": (b"0\r\nx: \0\r\n\r\n", 400),
    "long trailers": (b"0\r\nx: " + b"y" * 20_000 + b"\r\n\r\n", 431),
    "many trailers": (b"0\r\n" + b"a:\r\n" * 2001 + b"\r\n", 431),
}


@pytest.mark.row("http1.strict")
@pytest.mark.parametrize("case", CHUNKS)
@pytest.mark.parametrize("pieces", ["whole", "bytes"])
def test_chunks(run_asyncio: Run, case: str, pieces: str) -> None:
    """An invalid body raises to its reader, and is answered with 400."""
    sent, status = CHUNKS[case]

    async def main() -> None:
        events = Events()
        readers = []

        async def read(request: Any, response: Any) -> None:
            try:
                await request.read()
            except http2.StreamError as error:
                events.add("refused", error.code)
            else:
                response.end("fine")

        def on_request(request: Any, response: Any) -> None:
            events.add(request.url)
            # a separate task: the handler's would be cancelled
            readers.append(asyncio.create_task(read(request, response)))

        async with serving_http1(on_request) as (_, port), await Http1Peer.dial(port) as peer:
            head = request("POST", "/first", transfer_encoding="chunked").encode()
            if pieces == "bytes" and len(sent) < 1000:
                for byte in head + sent:
                    peer.send(bytes([byte]))
                    await asyncio.sleep(0)
                assert await refused(peer, SMUGGLED) == status
            else:
                assert await refused(peer, head + sent + SMUGGLED) == status
            await events.expect("refused")
            assert [entry[0] for entry in events.seen] == ["/first", "refused"]

    run_asyncio(main())


def test_trailers_that_come_too_late(run: Run) -> None:
    """Fields that decide how a message is read are no trailers (RFC 9110 section 6.5.1)."""

    async def main() -> None:
        async def on_request(request: Any, response: Any) -> None:
            await request.read()
            response.end(" ".join(request.trailers))

        async with serving_http1(on_request) as (_, port), await Http1Peer.dial(port) as peer:
            late = "content-length: 9\r\nhost: x\r\nconnection: close\r\n"
            body = chunked(b"x", trailers=late + "authorization: x\r\nx-sum: 1\r\n")
            for _ in range(2):
                peer.send(request("POST", transfer_encoding="chunked"), body)
                assert (await peer.response()).body == b"x-sum"

    run(main())


@pytest.mark.parametrize(
    ("sent", "host", "url"),
    [
        ("GET /x?y=%20 HTTP/1.1\r\nHost: a:80\r\n\r\n", "a:80", "/x?y=%20"),
        ("GET http://b:81/x HTTP/1.1\r\nhost: a\r\n\r\n", "b:81", "http://b:81/x"),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", "a", "*"),
        ("GET // HTTP/1.1\r\nhost: [::1]:80\r\n\r\n", "[::1]:80", "//"),
        ("GET / HTTP/1.1\r\nhost:\r\n\r\n", "", "/"),
        ("GET / HTTP/1.1\r\nhost:\t a \t\r\n\r\n", "a", "/"),
        ("GET / HTTP/1.0\r\n\r\n", "", "/"),
        ("\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", "a", "/"),
        ("M-SEARCH / HTTP/1.1\r\nhost: a\r\n\r\n", "a", "/"),
        ("POST / HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", "a", "/"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", "a", "/"),
    ],
)
def test_what_is_right(run_asyncio: Run, sent: str, host: str, url: str) -> None:
    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.end(f"{request.authority} {request.url}")

        async with serving_http1(on_request) as (_, port), await Http1Peer.dial(port) as peer:
            got = await peer.ask(sent)
            assert (got.status, got.body.decode()) == (200, f"{host} {url}")

    run_asyncio(main())


STREAM = b"".join(
    [
        get("/0").encode(),
        b"\r\n" + get("/1").encode(),
        request("POST", "/2", content_length="12").encode() + b"hello\r\n\r\nGET",
        request("POST", "/3", transfer_encoding="chunked").encode()
        + b"a;x=y\r\n0\r\n\r\nhello\r\n0\r\nx-end: 1\r\n\r\n",
        request("PUT", "/4", content_length="0").encode(),
        get("/5", x="y" * 3000).encode(),
        get("/6", connection="close").encode(),
    ]
)
EXPECTED = [
    "GET /0 0", "GET /1 0", "POST /2 12", "POST /3 10 1", "PUT /4 0", "GET /5 0", "GET /6 0",
]  # fmt: skip


def answers(raw: bytes) -> list[str]:
    """Return the bodies of the responses in *raw*."""
    found = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        found.append(raw[:length].decode())
        raw = raw[length:]
    return found


@settings(max_examples=40)
@given(cuts=st.lists(st.integers(1, len(STREAM) - 1), max_size=30, unique=True).map(sorted))
@example(cuts=[])
@example(cuts=list(range(1, len(STREAM))))
def test_any_pieces(cuts: list[int]) -> None:
    """However the bytes of pipelined requests are split, the requests are the same."""

    async def main() -> None:
        asked = []

        async def on_request(request: Any, response: Any) -> None:
            body = await request.read()
            asked.append(f"{request.method} {request.url} {len(body)}")
            if request.trailers:
                asked[-1] += " " + request.trailers["x-end"]
            response.end(asked[-1])

        async with serving_http1(on_request) as (_, port), await Http1Peer.dial(port) as peer:
            for start, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True):
                peer.send(STREAM[start:end])
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            assert answers(await peer.rest()) == asked == EXPECTED

    asyncio.run(main())


PARTS = [
    b"GET ", b"POST ", b"CONNECT ", b"/", b"*", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"host: a\r\n",
    b"content-length: 3\r\n", b"transfer-encoding: chunked\r\n", b"expect: 100-continue\r\n",
    b"connection: upgrade\r\nupgrade: x\r\n", b"connection: close\r\n", b"\r\n", b"\r", b"\n",
    b"3\r\nabc\r\n", b"0\r\n", b"abc", b": ", b" ", b"\0", b"\xff", b"x" * 9000, b"x: y\r\n",
]  # fmt: skip


@settings(max_examples=150)
@given(parts=st.lists(st.sampled_from(PARTS) | st.binary(max_size=20), max_size=30))
def test_garbage(parts: list[bytes]) -> None:
    """For any bytes: valid HTTP responses, an end, and no exception."""

    async def main() -> None:
        problems: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: problems.append(what))

        async def on_request(request: Any, response: Any) -> None:
            await request.read()
            response.end("fine")

        async with serving_http1(on_request) as (_, port), await Http1Peer.dial(port) as peer:
            for part in parts:
                peer.send(part)
                await asyncio.sleep(0)
            peer.writer.write_eof()
            raw = await peer.rest()
            assert raw == b"" or raw.startswith(b"HTTP/1.1 ")
        assert not problems

    asyncio.run(main())
