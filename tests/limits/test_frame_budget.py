"""Frames that carry nothing: `control_frame_burst` and `control_frame_rate`.

They are refused from a peer that sends nothing else, and never from one that reacts to what it
gets: in the last tests, other programs transfer much with a very small allowance.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_PROTOCOL_ERROR
from http2.engine import events
from http2.engine.connection import Connection

from ..support import memory, raw
from ..support.filing import pattern
from ..support.memory import PREFACE, REQUEST_BLOCK, Pair, frame
from ..support.raw import RawPeer
from ..support.running import Run, execute, node
from ..support.serving import check_serves, hello, serving

FLOODED = -904
TEXT = "too many frames that carry nothing (control_frame_burst, control_frame_rate)"
BURST = 20

PING, SETTINGS = frame(memory.PING, 0, 0, bytes(8)), frame(memory.SETTINGS, 0, 0)
EARLY_HINTS = frame(memory.HEADERS, memory.END_HEADERS, 1, memory.literal((b":status", b"103")))

# To a server with request 1 open, or to a client that waits for the response to it.
IDLE: dict[str, bytes] = {
    "PING": PING,
    "answer to no PING": frame(memory.PING, memory.ACK, 0, bytes(8)),
    "SETTINGS": SETTINGS,
    "WINDOW_UPDATE": frame(memory.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
    "WINDOW_UPDATE of a stream": frame(memory.WINDOW_UPDATE, 0, 1, struct.pack(">I", 1)),
    "PRIORITY": frame(memory.PRIORITY, 0, 1, bytes(4) + b"\x10"),
    "PRIORITY of an idle stream": frame(memory.PRIORITY, 0, 999, bytes(4) + b"\x10"),
    "ALTSVC": frame(memory.ALTSVC, 0, 0, b"\x00\x0ehttp://localhostclear"),
    "ORIGIN": frame(memory.ORIGIN, 0, 0, b""),
    "unknown": frame(0xBB, 0xFF, 0, b"x" * 100),
    "unknown and empty": frame(0xBC, 0, 77, b""),
    "GOAWAY": frame(memory.GOAWAY, 0, 0, struct.pack(">II", 2**31 - 1, 0)),
}
TO_SERVER = IDLE | {
    "empty DATA": frame(memory.DATA, 0, 1),
    "DATA of padding": frame(memory.DATA, memory.PADDED, 1, b"\x08" + bytes(8)),
    "PRIORITY_UPDATE": frame(memory.PRIORITY_UPDATE, 0, 0, b"\x00\x00\x00\x01u=1"),
}
TO_CLIENT = IDLE | {"103 again and again": EARLY_HINTS}


def failures(heard: list[events.Event]) -> list[tuple[int, str]]:
    """The message of FAILED."""
    return [(event[2], event[3]) for event in heard if event[0] == events.FAILED]


# The beginning of a connection, whose SETTINGS costs 1, and the credit after the first request.
HELLO = SETTINGS + frame(memory.SETTINGS, memory.ACK, 0)
LEFT = 4 - 1


def server_with_request(**options: Any) -> Connection:
    """A server's connection with a POST on stream 1."""
    made = Connection(False, **options)
    made.submit_settings([])
    made.receive(PREFACE + HELLO)
    made.receive(frame(memory.HEADERS, memory.END_HEADERS, 1, REQUEST_BLOCK))
    return made


def client_with_request(**options: Any) -> Connection:
    """A client's connection with a request on stream 1."""
    made = Connection(True, **options)
    made.submit_settings([])
    made.submit_request({}, "localhost", "http", True)
    memory.sent(made)
    made.receive(HELLO)
    return made


def count_until_failure(connection: Connection, wire: bytes, most: int) -> int:
    """Return how often *wire* is accepted, *most* at most."""
    for count in range(most):
        failed = failures(connection.receive(wire))
        memory.sent(connection)
        connection.take_events()
        if failed:
            assert failed == [(FLOODED, TEXT)]
            return count
    return most


@pytest.mark.row("server.option.control_frame_burst", "connect.option.control_frame_burst")
@pytest.mark.parametrize(
    ("side", "kind"),
    [("server", kind) for kind in TO_SERVER] + [("client", kind) for kind in TO_CLIENT],
)
def test_frames_that_carry_nothing_are_limited(side: str, kind: str) -> None:
    wire = (TO_CLIENT if side == "client" else TO_SERVER)[kind]
    make = client_with_request if side == "client" else server_with_request
    options = {"control_frame_burst": BURST, "control_frame_rate": 0}
    count = count_until_failure(make(**options), wire, 200)
    # the first 103 is a response, with a credit of four
    assert count == BURST + LEFT + (5 if wire == EARLY_HINTS else 0)
    # by default, 200 are few
    assert count_until_failure(make(), wire, 200) == 200


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 10, 1000])
def test_frames_count_in_whatever_pieces_they_come(size: int) -> None:
    connection = server_with_request(control_frame_burst=BURST, control_frame_rate=0)
    wire = TO_SERVER["unknown"] * (BURST + LEFT)
    for at in range(0, len(wire), size):
        assert not failures(connection.receive(wire[at : at + size]))
    assert failures(connection.receive(PING)) == [(FLOODED, TEXT)]
    # reported once; later frames are not checked
    assert connection.receive(PING * 10) == []


def test_what_comes_after_the_limit_is_not_processed() -> None:
    connection = server_with_request(control_frame_burst=BURST, control_frame_rate=0)
    request = frame(memory.HEADERS, memory.END_HEADERS, 3, REQUEST_BLOCK)
    heard = connection.receive(PING * (BURST + LEFT + 1) + request)
    assert [event for event in heard if event[0] == events.REQUEST] == []
    assert heard[-1] == (events.FAILED, 0, FLOODED, TEXT)


def test_a_block_in_tiny_pieces_costs_its_continuations() -> None:
    """The request pays for four of them; a filled CONTINUATION costs nothing."""

    def request(stream_id: int, pieces: int, size: int) -> bytes:
        parts = [frame(memory.HEADERS, memory.END_STREAM, stream_id, REQUEST_BLOCK)]
        filling = memory.literal((b"x", b"y" * (size - 4))) if size else b""
        for i in range(pieces):
            flags = memory.END_HEADERS if i == pieces - 1 else 0
            parts.append(frame(memory.CONTINUATION, flags, stream_id, filling))
        return b"".join(parts)

    def requests(pieces: int, size: int) -> int:
        options = {"control_frame_burst": BURST, "control_frame_rate": 0}
        connection = server_with_request(**options)
        for count in range(60):
            if failures(connection.receive(request(2 * count + 3, pieces, size))):
                return count
        return 60

    assert requests(4, 100) == 60
    assert requests(4, 0) == 60
    # each costs 3 more than its credit
    assert requests(7, 0) == (BURST + LEFT - 7) // 3 + 1
    assert requests(7, 100) == requests(7, 0)


def test_continuations_that_are_filled_cost_nothing() -> None:
    connection = server_with_request(control_frame_burst=3, control_frame_rate=0)
    filling = memory.literal(*[(b"x", b"y" * 120)] * 9)
    assert len(filling) > 1024
    for i in range(40):
        wire = frame(memory.HEADERS, memory.END_STREAM, 2 * i + 3, REQUEST_BLOCK)
        for _ in range(5):
            wire += frame(memory.CONTINUATION, 0, 2 * i + 3, filling)
        wire += frame(memory.CONTINUATION, memory.END_HEADERS, 2 * i + 3)
        assert not failures(connection.receive(wire))


@pytest.mark.row("server.option.control_frame_rate", "connect.option.control_frame_rate")
@pytest.mark.parametrize("client", [False, True], ids=["server", "client"])
def test_time_gives_back(client: bool) -> None:
    make = client_with_request if client else server_with_request
    for rate, fails in ((0, True), (200, False)):
        connection = make(control_frame_burst=BURST, control_frame_rate=rate)
        heard = connection.receive(PING * (BURST + LEFT))
        assert not failures(heard)
        until = time.monotonic() + 0.06
        while time.monotonic() < until:
            time.sleep(0.01)
        assert bool(failures(connection.receive(PING * 10))) == fails


def test_what_is_asked_for_costs_nothing() -> None:
    """The answers to this side's PING and SETTINGS."""
    connection = server_with_request(control_frame_burst=0, control_frame_rate=0)
    for _ in range(100):
        connection.ping(bytes(8))
        connection.submit_settings([])
        memory.sent(connection)
        answers = frame(memory.PING, memory.ACK, 0, bytes(8)) + frame(
            memory.SETTINGS, memory.ACK, 0
        )
        assert not failures(connection.receive(answers))


def test_what_a_peer_gets_pays_for_its_windows() -> None:
    """A WINDOW_UPDATE for the stream, one for the connection, and a PING for each DATA frame."""
    pair = Pair(server={"control_frame_burst": 5, "control_frame_rate": 0})
    stream_id = pair.request({})
    pair.server.submit_response(stream_id, {})
    for _ in range(500):
        pair.server.write(stream_id, b"x" * 10)
        pair.pump()
        back = struct.pack(">I", 10)
        update = frame(memory.WINDOW_UPDATE, 0, 0, back)
        update += frame(memory.WINDOW_UPDATE, 0, stream_id, back)
        assert not failures(pair.from_client(update + PING))
    # large frames in pieces of 500 bytes
    window = frame(memory.WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**24))
    assert not failures(pair.from_client(window))
    pair.from_client(frame(memory.WINDOW_UPDATE, 0, stream_id, struct.pack(">I", 2**24)))
    pair.server.write(stream_id, b"x" * 2**20)
    pair.pump()
    back = frame(memory.WINDOW_UPDATE, 0, 0, struct.pack(">I", 512))
    for _ in range(2**20 // 512):
        assert not failures(pair.from_client(back))
    # and then no more than the remaining credit
    heard = pair.from_client(back * 5000)
    assert failures(heard) == [(FLOODED, TEXT)]


def test_what_is_paid_in_advance_has_an_end() -> None:
    pair = Pair(server={"control_frame_burst": 5, "control_frame_rate": 0})
    stream_id = pair.request({})
    pair.server.submit_response(stream_id, {})
    huge = struct.pack(">I", 2**30)
    pair.from_client(frame(memory.WINDOW_UPDATE, 0, 0, huge))
    pair.from_client(frame(memory.WINDOW_UPDATE, 0, stream_id, huge))
    block = bytes(2**23)
    for _ in range(12):
        pair.server.write(stream_id, block)
        while pair.server.data_to_send():
            pass
    tiny = frame(memory.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1))
    assert not failures(pair.server.receive(tiny * 100_000))
    assert failures(pair.server.receive(tiny * 6)) == [(FLOODED, TEXT)]


def test_what_is_paid_in_advance_is_nghttp2s_too() -> None:
    """Its limit of "glitches", from 1.67 on, has no credit: it must be off."""
    pair = Pair()
    priorities = TO_SERVER["unknown"] * 6
    for _ in range(5000):
        stream_id = pair.request({})
        assert not failures(pair.server.receive(priorities))
        pair.server.submit_response(stream_id, {}, True)
        pair.pump()
    assert pair.server.want_read
    pair.forget()
    pair.request({})
    assert pair.server_events


# --- over connections ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["WINDOW_UPDATE", "unknown", "PRIORITY", "PRIORITY_UPDATE"])
def test_a_flood_ends_the_session(run: Run, kind: str) -> None:
    """With the defaults, at any speed."""

    async def main() -> None:
        errors: list[BaseException] = []
        async with serving(hello) as (server, port):
            server.on("session_error", lambda error: errors.append(error))
            async with await RawPeer.connect(port) as peer:
                peer.send(raw.get(1), TO_SERVER[kind] * 60_000)
                goodbyes = [got for got in await peer.rest() if got.type == raw.GOAWAY]
                assert [got.code for got in goodbyes] == [NGHTTP2_ENHANCE_YOUR_CALM]
                assert goodbyes[0].payload[8:] == TEXT.encode()
            await check_serves(port)
        assert [str(error) for error in errors] == [TEXT]

    run(main())


def test_empty_data_frames_are_invalid_ones(run: Run) -> None:
    """CVE-2019-9518: as in Node, they count for `max_session_invalid_frames`."""

    async def main() -> None:
        errors: list[Any] = []
        async with serving(hello, max_session_invalid_frames=10) as (server, port):
            server.on("session_error", lambda error: errors.append(error))
            async with await RawPeer.connect(port) as peer:
                for i in range(1, 61, 2):
                    # with END_STREAM it has content
                    peer.send(raw.post(i), raw.data(i, b"", end_stream=True))
                    assert await peer.body(i) == b"hello"
                peer.send(raw.post(61), raw.data(61) * 10)
                await peer.answered()
                peer.send(raw.data(61))
                last = (await peer.rest())[-1]
                assert (last.type, last.code) == (raw.GOAWAY, NGHTTP2_PROTOCOL_ERROR)
                assert last.payload[8:] == b"too many invalid frames (max_session_invalid_frames)"
            await check_serves(port)
        assert [error.code for error in errors] == ["ERR_HTTP2_TOO_MANY_INVALID_FRAMES"]

    run(main())


# --- honest peers ---------------------------------------------------------------------------

SIZE = 12_000_000
# Almost nothing: what a program sends before the first request.
SCARCE = {"control_frame_burst": 12, "control_frame_rate": 0}


def transfers(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """GET returns the bytes, in pieces of all sizes; POST returns the number of received bytes."""
    if headers[":method"] == "POST":

        async def count() -> None:
            size = 0
            async for chunk in stream:
                size += len(chunk)
            stream.respond()
            stream.end(str(size))

        stream._session.loop.create_task(count()).add_done_callback(lambda task: task.result())
        return

    async def give() -> None:
        stream.respond({"content-type": "application/octet-stream"})
        left = memoryview(pattern(SIZE))
        size = 1
        while left:
            piece, left = left[:size], left[size:]
            size = size * 3 % 200_003
            if not stream.write(bytes(piece)):
                await stream.drain()
        stream.end()

    stream._session.loop.create_task(give()).add_done_callback(lambda task: task.result())


async def with_curl(port: int, path: str) -> None:
    url = f"http://127.0.0.1:{port}/"
    common = ("curl", "-sS", "--http2-prior-knowledge")
    assert len(await execute(*common, url)) == SIZE
    # slow reading: many small updates
    out = await execute(*common, "--limit-rate", "20M", "-o", "/dev/null", "-w",
                        "%{size_download}", url)  # fmt: skip
    assert out == str(SIZE).encode()
    assert await execute(*common, "--data-binary", f"@{path}", url) == str(SIZE).encode()


async def with_nghttp(port: int, path: str) -> None:
    url = f"http://127.0.0.1:{port}/"
    for more in ((), ("-w", "10"), ("-W", "10"), ("--no-dep",)):
        out = await execute("nghttp", *more, "-s", "-n", url)
        assert b" 200 " in out
    assert await execute("nghttp", "-d", path, url) == str(SIZE).encode()


async def with_h2load(port: int, path: str) -> None:
    url = f"http://127.0.0.1:{port}/"
    out = await execute("h2load", "-n", "12", "-c", "2", "-m", "6", url)
    assert b"12 succeeded, 0 failed, 0 errored" in out
    out = await execute("h2load", "-n", "12", "-c", "2", "-m", "6", "-d", path, url)
    assert b"12 succeeded, 0 failed, 0 errored" in out


async def with_node(port: int, path: str) -> None:
    got = await node("client/transfers.js", str(port), path)
    assert got == {"got": SIZE, "counted": str(SIZE), "pinged": SIZE, "large": SIZE}


async def with_ours(port: int, path: str) -> None:
    body = pattern(SIZE)
    async with http2.connect(f"http://127.0.0.1:{port}", **SCARCE) as session:
        stream = session.request({":path": "/"})
        assert await stream.read() == body
        # a few bytes at a time
        stream = session.request({":path": "/"})
        size = 0
        while data := await stream.read(1000):
            size += len(data)
        assert size == SIZE
        for _ in range(3):
            stream = session.request({":path": "/", ":method": "POST"})
            for at in range(0, SIZE, 100_000):
                if not stream.write(body[at : at + 100_000]):
                    await stream.drain()
            stream.end()
            assert await stream.read() == str(SIZE).encode()


@pytest.mark.interop
@pytest.mark.parametrize(
    "peer", [with_curl, with_nghttp, with_h2load, with_node, with_ours], ids=lambda f: f.__name__
)
def test_no_honest_peer_meets_the_limit(
    run_asyncio: Run, file: Callable[[int], Any], peer: Callable[[int, str], Any]
) -> None:
    async def main() -> None:
        errors: list[BaseException] = []
        async with serving(transfers, **SCARCE) as (server, port):
            server.on("session_error", lambda error: errors.append(error))
            async with asyncio.timeout(60):
                await peer(port, str(file(SIZE)))
        assert errors == []

    run_asyncio(main())


def test_a_peer_that_answers_each_frame_in_small_steps(run: Run) -> None:
    """The most expensive honest reader: each frame is returned in pieces, with a PING for each."""

    async def main() -> None:
        async with (
            serving(transfers, **SCARCE) as (_, port),
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get(1))
            size = 0
            while size < SIZE:
                got = await peer.until(raw.DATA, 1)
                size += len(got.payload)
                peer.send(raw.ping())
                for at in range(0, len(got.payload), 1100):
                    part = min(1100, len(got.payload) - at)
                    peer.send(raw.window_update(0, part), raw.window_update(1, part))

    run(main())
