"""Any bytes, and changed valid bytes: the engine returns events and frames, and never raises."""

from __future__ import annotations

from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st

from http2.engine import events
from http2.engine.connection import Connection

from ..support.memory import KIND_NAMES, PREFACE, REQUEST_BLOCK, frame, literal, sent


def survive(client: bool, pieces: list[bytes]) -> None:
    """Feed *pieces*; the results have the form of events and of frames."""
    connection = Connection(client, stream_reset_burst=50, stream_reset_rate=1)
    connection.submit_settings([])
    if client:
        for method in ("GET", "POST", "HEAD", "PUT"):
            connection.submit_request({":method": method}, "a", "http")
    sent(connection)
    closed = set()
    for piece in pieces:
        told = connection.receive(piece)
        sent(connection, 10_000_000)
        for kind, stream_id, _, _ in [*told, *connection.take_events()]:
            assert kind in KIND_NAMES
            assert 0 <= stream_id < 2**31
            if kind == events.STREAM_CLOSED:
                assert stream_id not in closed
                closed.add(stream_id)
            elif kind == events.REQUEST:
                # a program's possible reactions
                connection.submit_response(stream_id, {}, wait_for_trailers=True)
                connection.write(stream_id, b"x" * 100, True)
            elif kind == events.DATA:
                connection.consume(stream_id, 0)
            elif kind == events.WANT_TRAILERS:
                connection.submit_trailers(stream_id, {"x": "y"})
            elif kind == events.FAILED:
                connection.terminate(1)
    sent(connection)
    connection.close()


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=500), st.booleans(), st.booleans(), st.integers(1, 500))
def test_garbage(data: bytes, client: bool, preface: bool, size: int) -> None:
    if preface and not client:
        data = PREFACE + frame(4, 0, 0) + data
    survive(client, cut(data, size))


ids = st.sampled_from([0, 1, 2, 3, 5, 7, 2**31 - 1])
blocks = st.one_of(
    st.just(REQUEST_BLOCK),
    st.just(literal((b":status", b"200"))),
    st.lists(
        st.tuples(
            st.sampled_from(
                [b":method", b":path", b":status", b":scheme", b":authority", b":protocol", b"te",
                 b"Upper", b"content-length", b"x", b"cookie", b"", b"connection", b"host", b"a b"]
            ),
            st.sampled_from([b"GET", b"200", b"100", b"/", b"", b"0", b"5", b" x", b"a\r", b"99"]),
        ),
        max_size=6,
    ).map(lambda fields: literal(*fields)),
    st.binary(max_size=40),
)  # fmt: skip
wild_frames = st.one_of(
    st.builds(
        frame, st.integers(0, 20), st.integers(0, 255), ids,
        st.one_of(st.binary(max_size=40), st.sampled_from([4, 5, 6, 8]).map(bytes)),
    ),
    st.builds(frame, st.just(1), st.sampled_from([0, 1, 4, 5, 0x24, 0x2C]), ids, blocks),
    st.builds(frame, st.just(9), st.sampled_from([0, 4]), ids, blocks),
    st.builds(frame, st.just(0), st.sampled_from([0, 1, 8]), ids, st.binary(max_size=60)),
    st.builds(frame, st.just(5), st.just(4), ids, blocks.map(lambda b: bytes((0, 0, 0, 2)) + b)),
    st.builds(frame, st.just(8), st.just(0), ids, st.sampled_from([bytes(4), b"\x7f\xff\xff\xff"])),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(wild_frames, min_size=1, max_size=12), st.booleans(), st.integers(1, 200))
@example([frame(1, 4, 1, REQUEST_BLOCK), frame(1, 5, 1, literal((b":status", b"200")))], False, 7)
@example([frame(4, 0, 0), frame(1, 4, 1, literal((b":status", b"1000")))], True, 500)
def test_wild_frames(wild: list[bytes], client: bool, size: int) -> None:
    start = b"" if client else PREFACE
    survive(client, cut(start + frame(4, 0, 0) + b"".join(wild), size))


@cache
def recording(client: bool) -> bytes:
    """Return what a *client*, or else a server, sends in an ordinary conversation."""
    one, other = Connection(True), Connection(False)
    one.submit_settings([(4, 100_000)])
    other.submit_settings([(3, 100)])
    said = {True: b"", False: b""}
    for i in range(4):
        stream_id, _, _ = one.submit_request(
            {":method": "POST", "x-number": i, "cookie": ["a=b", "c=d"]}, "a", "http",
            wait_for_trailers=True,
        )  # fmt: skip
        one.write(stream_id, b"request" * 20, True)
    for _ in range(6):
        wire = sent(one)
        said[True] += wire
        for kind, stream_id, *_ in other.receive(wire):
            if kind == events.REQUEST:
                other.submit_informational(stream_id, {":status": 103, "link": "</a>"})
                other.submit_response(stream_id, {"set-cookie": ["a", "b"]})
                other.write(stream_id, b"response" * 20, True)
        for kind, stream_id, *_ in one.take_events():
            if kind == events.WANT_TRAILERS:
                one.submit_trailers(stream_id, {"x-last": "1"})
        wire = sent(other)
        said[False] += wire
        one.receive(wire)
        one.ping(b"12345678")
    return said[client]


@settings(max_examples=300, deadline=None)
@given(
    st.booleans(),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255), st.integers(0, 3)), max_size=8),
    st.integers(1, 400),
)
def test_valid_bytes_gone_wrong(
    client: bool, changes: list[tuple[float, int, int]], size: int
) -> None:
    wire = bytearray(recording(not client))
    start = 0 if client else len(PREFACE)
    for where, byte, how in changes:
        at = start + int(where * (len(wire) - start - 1))
        if how == 0:
            wire[at] = byte
        elif how == 1:
            wire[at] ^= 1 << (byte & 7)
        elif how == 2:
            del wire[at : at + byte % 20]
        else:
            wire[at:at] = wire[at : at + byte % 20]
    survive(client, cut(bytes(wire), size))
