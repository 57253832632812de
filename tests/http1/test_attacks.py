"""Hostile or broken HTTP/1 clients: they get an answer, and leave nothing behind."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from http2.engine.http1.chunked import ChunkedBody
from http2.engine.http1.head import BadRequest, Http1Limits

from ..support import raw
from ..support.buffers import unread
from ..support.http1 import Http1Peer, asking, chunked, get, request, serving_http1
from ..support.running import Run
from ..support.serving import Events, eventually

LIMITS = Http1Limits(url_size=8192, section_size=16384, fields=2000)
# Bytes of chunk extensions that a message may have.
MOST_EXTENSIONS = 16 * 1024

POST = (
    request("POST", "/", transfer_encoding="chunked", expect="100-continue").encode()
    + b"3;a=b\r\nabc\r\n"
    + chunked(b"defgh", trailers="x-sum: 8\r\n")
)
FIXED = request("POST", "/", content_length="8").encode() + b"abcdefgh"
UPGRADE = get("/", connection="upgrade", upgrade="websocket").encode()


# --- clients that leave --------------------------------------------------------------------


@pytest.mark.parametrize("leave", ["FIN", "RST"])
@pytest.mark.parametrize("message", [POST, FIXED, UPGRADE], ids=["chunked", "length", "upgrade"])
def test_leaving_anywhere(run: Run, message: bytes, leave: str) -> None:
    """Whatever was sent before, no connection, exchange or task is left."""

    async def main() -> None:
        open_streams: set[Any] = set()

        async def on_request(request: Any, response: Any) -> None:
            open_streams.add(request.stream)
            request.stream.on("close", lambda: open_streams.discard(request.stream))
            response.write("begun")
            await request.read()
            await asyncio.sleep(0.001)
            response.end("ended")

        async with serving_http1(on_request) as (server, port):

            async def attack(cut: int, turns: int) -> None:
                peer = await Http1Peer.dial(port)
                peer.send(message[:cut])
                for _ in range(turns):
                    await asyncio.sleep(0)
                if leave == "RST":
                    await peer.abort()
                else:
                    peer.writer.write_eof()
                    await peer.rest()
                    await peer.close()

            cuts = range(0, len(message) + 1, 2)
            for begin in range(0, len(cuts), 16):
                some = cuts[begin : begin + 16]
                await asyncio.gather(*(attack(cut, cut % 5) for cut in some))
            await eventually(lambda: not server._sessions and not server.open_connections)
            await eventually(lambda: not open_streams)

    run(main())


# --- clients that take their time ----------------------------------------------------------

TRICKLES = {
    "body": (request("POST", content_length="99"), "a"),
    "size": (request("POST", transfer_encoding="chunked"), "0"),
    "extension": (request("POST", transfer_encoding="chunked") + "1;", "a"),
    "chunk": (request("POST", transfer_encoding="chunked") + "ff\r\n", "a"),
    "trailers": (request("POST", transfer_encoding="chunked") + "0\r\nx: ", "a"),
}


@pytest.mark.parametrize("part", TRICKLES)
def test_whatever_trickles(run: Run, part: str) -> None:
    """`request_timeout` limits the whole request, even if little is missing."""

    async def main() -> None:
        async def on_request(request: Any, response: Any) -> None:
            response.end(await request.read())

        async with asking(on_request, request_timeout=0.15) as peer:
            head, byte = TRICKLES[part]
            peer.send(head)
            answer = asyncio.ensure_future(peer.head())
            for _ in range(14):
                # fewer than the digits that a size line may have
                peer.send(byte)
                await asyncio.wait({answer}, timeout=0.02)
                if answer.done():
                    break
            assert (await answer).status == 408
            assert await peer.rest() == b""

    run(main())


# --- chunks --------------------------------------------------------------------------------


def in_pieces(body: ChunkedBody, wire: bytes, size: int) -> None:
    """Feed *wire*, *size* bytes at a time."""
    for at in range(0, len(wire), size):
        body.feed(wire[at : at + size])


def test_an_extension_is_read_once() -> None:
    """Otherwise each of its bytes would cause another search through all earlier ones."""
    body = ChunkedBody(LIMITS)
    assert body.feed(b"3;") == b""
    for _ in range(1000):
        assert body.feed(b"a=b;\t") == b""
    assert body.feed(b"c") == b""
    for _ in range(1000):
        assert body.feed(b"d") == b""
        assert len(body.kept) <= 1
    for byte in b"\r\nabc\r\n0":
        body.feed(bytes((byte,)))
    assert body.feed(b"\r\n\r\nGET") == b""
    assert body.done
    assert body.rest == b"GET"


@pytest.mark.parametrize("pieces", [1, 7])
def test_extensions_are_counted_however_they_come(pieces: int) -> None:
    """In one line or in many, complete or in parts."""
    for wire in (b"1;" + b"e" * (2 * MOST_EXTENSIONS), b"1;e\r\na\r\n" * MOST_EXTENSIONS):
        body = ChunkedBody(LIMITS)
        with pytest.raises(BadRequest) as caught:
            in_pieces(body, wire, pieces)
        assert caught.value.status == 413


BAD_EXTENSIONS = [
    b";\n", b";a\n", b";a\rb", b";\0", b";a\x7f", b";\r\r", b";\r\n", b"; \r\n", b";;a\r\n",
    b";a;\r\n", b";a=\r\n", b";=a\r\n", b";a b\r\n", b";a=b c\r\n", b';a="b\r\n', b';a="b"c\r\n',
    b';"a"\r\n', b";\\a\r\n", b";a=b\x85\r\n", b";a,b\r\n", b" ;a\r\n", b'\t\r\n', b';a="\\"\r\n',
    b";a \r\n",
]  # fmt: skip


@pytest.mark.parametrize("extension", BAD_EXTENSIONS)
def test_bad_extensions_however_they_come(extension: bytes) -> None:
    """Names and values as in RFC 9112 section 7.1.1, with CR and LF only at the end."""
    bad = b"1" + extension + b"a\r\n"
    for size in (1, 2, len(bad)):
        body = ChunkedBody(LIMITS)
        with pytest.raises(BadRequest) as caught:
            in_pieces(body, bad, size)
        assert caught.value.status == 400


@pytest.mark.parametrize(
    "extension", [b";a", b";a=b", b"; a = b ; c", b';a="b;\\"c\\\\\x85"', b';a=b;c;d=""', b";\ta"]
)
def test_right_extensions_however_they_come(extension: bytes) -> None:
    """They are ignored, as section 7.1.1 requires."""
    wire = b"3" + extension + b"\r\nabc\r\n0" + extension + b"\r\n\r\n"
    for size in (1, 2, 3, len(wire)):
        body = ChunkedBody(LIMITS)
        pieces = [wire[at : at + size] for at in range(0, len(wire), size)]
        assert b"".join(body.feed(piece) for piece in pieces) == b"abc"
        assert body.done


def test_chunks_of_one_byte_that_nobody_reads(run: Run) -> None:
    """They are subject to back-pressure, as a body in large pieces is."""

    async def main() -> None:
        release = asyncio.Event()
        events = Events()

        async def on_request(request: Any, response: Any) -> None:
            events.add("request", request.stream)
            await release.wait()
            response.end(str(len(await request.read())))

        async with asking(on_request) as peer:
            peer.send(request("POST", transfer_encoding="chunked"))
            stream = (await events.expect("request"))[1]
            peer.send(b"1\r\na\r\n" * 200_000, b"0\r\n\r\n")
            await eventually(lambda: stream._session._reading_paused)
            assert unread(stream) < 256 * 1024
            release.set()
            assert (await peer.response()).body == b"200000"

    run(main())


# --- which protocol is it? -------------------------------------------------------------------

NOT_QUITE = {
    "PRI of HTTP/1.1": (b"PRI * HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    "PRI with a path": (b"PRI / HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    "PRI without the rest": (b"PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", 505),
    "preface behind an empty line": (b"\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), 400),
}


@pytest.mark.parametrize("case", NOT_QUITE)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_almost_a_preface(run: Run, case: str, size: int) -> None:
    """Anything but a preface is HTTP/1, and invalid there: one response, and the end."""

    async def main() -> None:
        wire, status = NOT_QUITE[case]
        asked: list[Any] = []
        async with asking(lambda request, response: asked.append(request)) as peer:
            for at in range(0, len(wire), size):
                peer.send(wire[at : at + size])
                await asyncio.sleep(0)
            answer = await peer.rest()
            assert answer.startswith(b"HTTP/1.1 %d " % status)
            assert answer.count(b"HTTP/1.1 ") == 1
        assert not asked

    run(main())


def test_preface_byte_by_byte(run: Run) -> None:
    """HTTP/2 on a server with allow_http1."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.end(request.http_version)

        async with serving_http1(on_request) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            wire = raw.PREFACE + raw.frame(raw.SETTINGS, 0, 0)
            for byte in wire:
                writer.write(bytes((byte,)))
                await asyncio.sleep(0.0005)
            head = await reader.readexactly(9)
            assert head[3] == raw.SETTINGS
            writer.close()
            await writer.wait_closed()

    run(main())


def test_no_upgrade_to_http2(run: Run) -> None:
    """RFC 9113 has no h2c by Upgrade: the request is served over HTTP/1.1."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.end(request.http_version)

        async with asking(on_request) as peer:
            for _ in range(2):
                got = await peer.ask(
                    get(
                        connection="Upgrade, HTTP2-Settings",
                        upgrade="h2c",
                        http2_settings="AAMAAABkAAQAAP__",
                    )
                )
                assert (got.status, got.body) == (200, b"1.1")
                assert "upgrade" not in got.headers

    run(main())


# --- bodies of all kinds, and handlers of all kinds ------------------------------------------


async def answer(request: Any, response: Any) -> None:
    """Fail as the first part of the path says: before, during or after the body."""
    how, path = request.url.split("/")[1], request.url
    if how == "later":
        await asyncio.sleep(0.002)
    elif how == "read":
        await request.read()
    elif how == "part":
        await request.read(10)
    elif how == "while":
        response.write(path)
        async for _ in request:
            response.write(".")
        response.end()
        return
    elif how == "listen":
        request.on("data", lambda data: None)
    elif how == "slowly":
        async for _ in request:
            await asyncio.sleep(0)
    elif how == "pause":
        request.on("data", lambda data: None)
        request.pause()
        await asyncio.sleep(0.002)
        request.resume()
    response.end(path)
    if how == "before":
        await request.read()


HANDLERS = ["once", "later", "read", "part", "while", "listen", "slowly", "pause", "before"]


@pytest.mark.slow
def test_each_response_is_for_its_request(run: Run) -> None:
    """On one connection, with read, ignored or discarded bodies: none is confused or lost.

    A connection may end before its last request is served, between responses.
    """
    random = Random(1)

    def message(path: str, size: int) -> bytes:
        if size and random.random() < 0.5:
            return request("POST", path, content_length=str(size)).encode() + bytes(size)
        chunks = [bytes(random.randint(1, size)) for _ in range(3)] if size else []
        return request("POST", path, transfer_encoding="chunked").encode() + chunked(*chunks)

    async def client(port: int, number: int) -> int:
        paths = [f"/{random.choice(HANDLERS)}/{number}/{i}" for i in range(4)]
        sizes = [random.choice([0, 1, 100, 5000, 70_000, 200_000]) for _ in paths]
        wire = b"".join(map(message, paths, sizes))
        step = random.choice([100, 20_000, 300_000])
        served = 0
        cut = b""

        async def send(peer: Http1Peer) -> None:
            for at in range(0, len(wire), max(step, len(wire) // 200)):
                peer.send(wire[at : at + max(step, len(wire) // 200)])
                try:
                    await peer.writer.drain()
                except ConnectionError:
                    return

        async with await Http1Peer.dial(port) as peer:
            sending = asyncio.ensure_future(send(peer))
            for path in paths:
                try:
                    got = await peer.response()
                except asyncio.IncompleteReadError as error:
                    cut = error.partial
                    break
                except ConnectionError:
                    break
                assert got.status == 200
                assert got.body.decode().rstrip(".") == path
                served += 1
            sending.cancel()
            await asyncio.wait({sending})
            await peer.abort()
        assert not cut
        return served

    async def main() -> None:
        async with serving_http1(answer) as (_, port):
            served = 0
            for begin in range(0, 160, 20):
                numbers = range(begin, begin + 20)
                served += sum(await asyncio.gather(*(client(port, n) for n in numbers)))
            assert served > 320

    run(main())
