"""Bodies arrive unchanged and end once, however they are written, split, padded and read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, islice

from hypothesis import given, settings
from hypothesis import strategies as st

from http2 import Settings, get_packed_settings, get_unpacked_settings
from http2.engine import events
from http2.engine.connection import Connection

from ..support.memory import Pair, body, of_kind, opened

PATTERN = bytes(range(251))
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 4, 5


def bytes_of(size: int, start: int = 0) -> bytes:
    """Return *size* bytes without equal neighbouring sections."""
    return bytes(islice(cycle(PATTERN), start % 251, start % 251 + size))


def cutter(sizes: list[int]) -> Callable[[bytes], Iterable[bytes]]:
    """Split the bytes on the wire into pieces of *sizes*, repeatedly."""
    # at least one that is not small: otherwise a long body takes too long
    endless = cycle([*sizes, 4000])

    def cut(wire: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(wire):
            size = next(endless)
            yield wire[at : at + size]
            at += size

    return cut


piece = st.one_of(st.integers(1, 30), st.integers(500, 30_000))
sizes = st.one_of(st.integers(0, 300), st.integers(0, 40_000), st.sampled_from([16384, 65535]))
kinds = st.sampled_from([bytes, bytearray, memoryview, lambda b: memoryview(bytearray(b))])


@settings(max_examples=120, deadline=None)
@given(
    writes=st.lists(st.tuples(sizes, kinds, st.booleans()), max_size=8),
    end_with_last=st.booleans(),
    trailers=st.booleans(),
    pieces=st.lists(piece, min_size=1, max_size=4),
    reads=st.lists(st.integers(700, 30_000), min_size=1, max_size=4),
    limit=st.sampled_from([1, 1000, 20_000, 50_000]),
    window=st.integers(1000, 200_000),
    frame_size=st.integers(16384, 40_000),
    padding=st.integers(0, 2),
    from_server=st.booleans(),
)
def test_a_body_arrives_whole(
    writes: list[tuple[int, Callable[[bytes], bytes], bool]],
    end_with_last: bool,
    trailers: bool,
    pieces: list[int],
    reads: list[int],
    limit: int,
    window: int,
    frame_size: int,
    padding: int,
    from_server: bool,
) -> None:
    announced = [(INITIAL_WINDOW_SIZE, window), (MAX_FRAME_SIZE, frame_size)]
    pair = Pair(
        {"padding_strategy": padding},
        {"padding_strategy": padding},
        client_settings=announced,
        server_settings=announced,
        split=cutter(pieces),
        limit=limit,
    )
    stream_id = opened(pair, wait_for_trailers=trailers and not from_server)
    source, sink, heard, told = (
        (pair.server, pair.client, pair.client_events, pair.server_events)
        if from_server
        else (pair.client, pair.server, pair.server_events, pair.client_events)
    )
    if from_server:
        source.submit_response(stream_id, {}, wait_for_trailers=trailers)
    expected = b""
    for i, (size, kind, pump) in enumerate(writes):
        data = bytes_of(size, len(expected))
        expected += data
        last = end_with_last and i == len(writes) - 1
        assert source.write(stream_id, kind(data), last) == source.pending(stream_id)
        if pump:
            pair.pump()
    if not (end_with_last and writes):
        source.write(stream_id, None, True)
    # read at the reader's pace: the peer may send only as much as was read
    taken = arrived = seen = 0
    for size in cycle(reads):
        pair.pump()
        arrived += sum(len(e[2]) for e in heard[seen:] if e[0] == events.DATA)
        seen = len(heard)
        if arrived == taken:
            break
        assert arrived - taken <= window
        size = min(size, arrived - taken)
        taken += size
        sink.consume(stream_id, size)
    assert body(heard, stream_id) == expected
    if trailers:
        assert of_kind(told, events.WANT_TRAILERS) == [
            (events.WANT_TRAILERS, stream_id, None, None)
        ]
        source.submit_trailers(stream_id, {"x-last": "1"})
        pair.pump()
        assert [e[3] & 1 for e in of_kind(heard, events.HEADERS)] == [1]
    else:
        ends = [end for _, _, _, end in of_kind(heard, events.DATA) if end]
        assert ends == [True]
    assert source.pending(stream_id) == 0


@settings(max_examples=60, deadline=None)
@given(
    streams=st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 20_000)), max_size=6),
    limit=st.sampled_from([1, 1000, 20_000, 50_000]),
    pieces=st.lists(piece, min_size=1, max_size=3),
)
def test_bodies_of_many_streams_do_not_mix(
    streams: list[tuple[int, int]], limit: int, pieces: list[int]
) -> None:
    pair = Pair(limit=limit, split=cutter(pieces))
    expected = {}
    for number, (size, step) in enumerate(streams):
        stream_id, _, _ = pair.client.submit_request({":method": "POST"}, "test", "http")
        expected[stream_id] = data = bytes_of(size, 31 * number)
        for at in range(0, size, step):
            pair.client.write(stream_id, data[at : at + step])
        pair.client.write(stream_id, None, True)
    consumed = 0
    while True:
        pair.pump()
        arrived = [(e[1], len(e[2])) for e in of_kind(pair.server_events, events.DATA)]
        total = sum(size for _, size in arrived)
        if total == consumed:
            break
        at = 0
        for stream_id, size in arrived:
            fresh = min(size, max(0, at + size - consumed))
            at += size
            if fresh:
                pair.server.consume(stream_id, fresh)
        consumed = total
    for stream_id, data in expected.items():
        assert body(pair.server_events, stream_id) == data
    ends = [e[1] for e in of_kind(pair.server_events, events.DATA) if e[3]]
    assert sorted(ends) == sorted(expected)


uint32 = st.integers(0, 2**32 - 1)
valid_settings = st.fixed_dictionaries(
    {},
    optional={
        "header_table_size": uint32,
        "enable_push": st.booleans(),
        "initial_window_size": st.integers(0, 2**31 - 1),
        "max_frame_size": st.integers(16384, 2**24 - 1),
        "max_concurrent_streams": uint32,
        "max_header_list_size": uint32,
        "enable_connect_protocol": st.booleans(),
        "custom_settings": st.dictionaries(st.integers(0x100, 0xFFFF), uint32, max_size=10),
    },
)


@settings(max_examples=100, deadline=None)
@given(valid_settings)
def test_settings_round_trip(values: dict[str, object]) -> None:
    given_settings = Settings.of(values)
    assert get_unpacked_settings(get_packed_settings(given_settings)) == given_settings
    # from the client: a server must not send ENABLE_PUSH (RFC 9113 section 6.5.2)
    client, server = Connection(True), Connection(False)
    client.submit_settings(given_settings.to_pairs())
    server.submit_settings([])
    (told, *_) = server.receive(b"".join(client.data_to_send()))
    assert told[:3] == (events.SETTINGS, 0, given_settings.to_pairs())
    assert Settings.from_pairs(told[2]) == given_settings
    client.receive(b"".join(server.data_to_send()))
    for identifier, value in given_settings.to_pairs():
        if identifier < 0x100:
            assert server.remote_setting(identifier) == value
            assert client.local_setting(identifier) == value
