"""Bytes in and out: exact frames, copied and uncopied data, windows, caches."""

from __future__ import annotations

import array
import itertools
import mmap
from typing import Any

import pytest

from http2 import Http2Error
from http2.engine import events
from http2.engine.connection import Connection

from ..support import memory
from ..support.memory import PREFACE, REQUEST_BLOCK, Pair, frame, frames, of_kind, opened, sent

WINDOW = 65535


# --- bytes in -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        bytes,
        bytearray,
        memoryview,
        lambda data: memoryview(bytearray(data)),
        lambda data: memoryview(b"?" + data + b"?")[1:-1],
        lambda data: array.array("B", data),
    ],
)
def test_receive_takes_any_buffer(make: Any) -> None:
    server = Connection(False)
    wire = PREFACE + frame(memory.SETTINGS, 0, 0) + frame(memory.HEADERS, 5, 1, REQUEST_BLOCK)
    told = server.receive(make(wire))
    assert [event[0] for event in told] == [events.SETTINGS, events.REQUEST]


def test_receive_does_not_keep_the_buffer() -> None:
    server = Connection(False)
    with mmap.mmap(-1, 4096) as area:
        wire = PREFACE + frame(memory.SETTINGS, 0, 0) + frame(memory.HEADERS, 4, 1, REQUEST_BLOCK)
        wire += frame(memory.DATA, 1, 1, b"body")
        area[: len(wire)] = wire
        with memoryview(area) as view:
            told = server.receive(view[: len(wire)])
        area[: len(wire)] = bytes(len(wire))
    # an exported buffer would have kept the map open, a view of it would now be zeros
    assert told[-1] == (events.DATA, 1, b"body", True)


@pytest.mark.parametrize("wrong", ["text", None, 5, memoryview(b"abcdef")[::2]])
def test_receive_refuses_what_is_no_plain_buffer(wrong: Any) -> None:
    server = Connection(False)
    with pytest.raises((TypeError, BufferError)):
        server.receive(wrong)
    assert server.receive(b"") == []
    assert [event[0] for event in server.receive(PREFACE + frame(memory.SETTINGS, 0, 0))] == [
        events.SETTINGS
    ]


# The stream of `conversation` that its client resets.
RESET = 5


def conversation() -> bytes:
    """Return the bytes of a client that sends every kind of frame."""
    client = Connection(True, padding_strategy=2)
    client.submit_settings([(3, 100), (4, 70000)])
    for i in range(3):
        stream_id, _, _ = client.submit_request(
            {":method": "POST", "x-number": str(i), "cookie": ["a=b", "c=d"], "x": "y" * 300},
            "test", "http", wait_for_trailers=True, weight=100,
        )  # fmt: skip
        client.write(stream_id, bytes(range(256)) * 20, True)
    client.ping(b"\0\1\2\3\4\5\6\7")
    wire = sent(client)
    for stream_id in (1, 3):
        client.submit_trailers(stream_id, {"x-sum": str(stream_id)})
    client.reset(RESET, 8)
    client.goaway(0, 0, b"bye")
    return wire + sent(client)


def joined(told: list[memory.Event]) -> list[Any]:
    """Return *told* with the parts of each body joined, because the size of DATA varies."""
    whole: list[Any] = []
    for kind, stream_id, first, second in told:
        if kind == events.DATA and whole and whole[-1][:2] == (kind, stream_id):
            whole[-1] = (kind, stream_id, whole[-1][2] + first, second)
        else:
            whole.append((kind, stream_id, first, second))
    return whole


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_receive_in_pieces_is_receive_at_once(size: int) -> None:
    wire = conversation()
    whole = joined(Connection(False).receive(wire))
    kinds = {event[0] for event in whole}
    assert kinds >= {events.REQUEST, events.DATA, events.HEADERS, events.PING, events.GOAWAY}
    server = Connection(False)
    pieces = [server.receive(wire[i : i + size]) for i in range(0, len(wire), size)]
    told = list(itertools.chain(*pieces))
    # the only difference: streams that are begun and reset in one read are not reported
    assert not [event for event in whole if event[1] == RESET]
    assert [event for event in told if event[1] == RESET]
    assert joined([event for event in told if event[1] != RESET]) == whole


def test_continuation_frames_make_one_block() -> None:
    server = Connection(False)
    cut = len(REQUEST_BLOCK) // 2
    told = server.receive(
        PREFACE
        + frame(memory.SETTINGS, 0, 0)
        + frame(memory.HEADERS, memory.END_STREAM, 1, REQUEST_BLOCK[:cut])
        + frame(memory.CONTINUATION, memory.END_HEADERS, 1, REQUEST_BLOCK[cut:])
    )
    assert told[1][0] == events.REQUEST
    assert told[1][2][":authority"] == "test"


# --- bytes out ----------------------------------------------------------------------------


def test_the_first_bytes_of_each_side() -> None:
    client = Connection(True)
    client.submit_settings([(4, 65536), (0x1234, 1)])
    assert sent(client) == PREFACE + bytes.fromhex(
        "00000c 04 00 00000000 0004 00010000 1234 00000001"
    )
    server = Connection(False)
    server.submit_settings([])
    assert sent(server) == bytes.fromhex("000000040000000000")


def test_the_bytes_of_small_frames() -> None:
    pair = Pair()
    stream_id = opened(pair)
    pair.client.ping(b"abcdefgh")
    pair.client.write(stream_id, b"hi")
    pair.client.goaway(0, 0, b"x")
    # frames of the connection precede bodies
    assert sent(pair.client) == bytes.fromhex(
        "000008 06 00 00000000 6162636465666768"
        "000009 07 00 00000000 00000000 00000000 78"
        "000002 00 00 00000001 6869"
    )
    pair.client.reset(stream_id, 8)
    assert sent(pair.client) == bytes.fromhex("000004 03 00 00000001 00000008")


def test_a_request_of_static_fields_is_four_bytes_of_hpack() -> None:
    client = Connection(True)
    client.submit_settings([])
    sent(client)
    client.submit_request({":authority": None, ":path": "/"}, "", "http", True)
    (request,) = frames(sent(client))
    assert request[:3] == (memory.HEADERS, memory.END_STREAM | memory.END_HEADERS, 1)
    # :path /, which was given, then the defaults: :method GET, :scheme http, :authority
    assert request[3] == b"\x84\x82\x86\x81"


def test_large_bytes_are_handed_out_as_they_are() -> None:
    pair = Pair(server_settings=[(5, 2**24 - 1)])
    stream_id = opened(pair)
    body = bytes(40000)
    pair.client.write(stream_id, body)
    chunks = pair.client.data_to_send()
    assert any(chunk is body for chunk in chunks)


def test_a_body_that_is_cut_is_handed_out_as_views_of_itself() -> None:
    pair = Pair()
    stream_id = opened(pair)
    body = bytes(range(256)) * 200
    pair.client.write(stream_id, body)
    views = [c for c in pair.client.data_to_send() if isinstance(c, memoryview)]
    assert len(views) > 1
    assert all(view.obj is body for view in views)
    assert b"".join(views) == body


def test_a_read_only_view_is_not_copied_and_a_writable_one_is() -> None:
    pair = Pair()
    stream_id = opened(pair)
    body = bytes(10000)
    pair.client.write(stream_id, memoryview(body)[1000:9000])
    (chunk,) = [c for c in pair.client.data_to_send() if isinstance(c, memoryview)]
    assert chunk.obj is body
    for writable in (bytearray(b"a" * 8000), memoryview(bytearray(b"a" * 8000))):
        pair.client.write(stream_id, writable)
        for i in range(8000):
            writable[i] = 0
        wire = b"".join(pair.client.data_to_send())
        assert wire[-8000:] == b"a" * 8000


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (memoryview(b"abcdefgh")[::2], b"aceg"),
        (array.array("H", [1, 2]), array.array("H", [1, 2]).tobytes()),
        (memoryview(b"abcdef").cast("B", (2, 3)), b"abcdef"),
        (memoryview(array.array("I", [7])).toreadonly(), array.array("I", [7]).tobytes()),
        (b"", b""),
        (None, b""),
    ],
)
def test_any_buffer_can_be_written(data: Any, expected: bytes) -> None:
    pair = Pair()
    stream_id = opened(pair)
    assert pair.client.write(stream_id, data, True) == len(expected)
    pair.pump()
    assert memory.body(pair.server_events, stream_id) == expected
    assert of_kind(pair.server_events, events.DATA)[-1][3] is True


@pytest.mark.parametrize("wrong", ["text", 5, [b"a"]])
def test_what_is_no_buffer_cannot_be_written(wrong: Any) -> None:
    pair = Pair()
    stream_id = opened(pair)
    with pytest.raises(TypeError):
        pair.client.write(stream_id, wrong)
    assert pair.client.pending(stream_id) == 0


def test_small_pieces_share_a_buffer() -> None:
    pair = Pair()
    stream_id = opened(pair)
    for i in range(100):
        pair.client.write(stream_id, b"%03d" % i)
    (chunk,) = pair.client.data_to_send()
    assert isinstance(chunk, bytes)
    assert frames(chunk) == [(memory.DATA, 0, stream_id, b"".join(b"%03d" % i for i in range(100)))]


def test_an_end_after_the_last_byte() -> None:
    pair = Pair()
    stream_id = opened(pair)
    pair.client.write(stream_id, b"last", True)
    assert pair.client.write(stream_id, b"more") == -1
    assert pair.client.write(stream_id, None, True) == -1
    assert frames(sent(pair.client)) == [(memory.DATA, memory.END_STREAM, stream_id, b"last")]


@pytest.mark.parametrize("limit", [1, 100, 20000, 100000])
def test_data_to_send_stops_near_its_limit_and_goes_on_there(limit: int) -> None:
    pair = Pair(server_settings=[(4, 2**20), (5, 16384)])
    pair.server.set_local_window_size(2**20)
    pair.pump()
    stream_id = opened(pair)
    body = bytes(range(256)) * 2000
    pair.client.write(stream_id, body, True)
    gathered = b""
    while chunks := pair.client.data_to_send(limit):
        batch = b"".join(chunks)
        # at most one frame more than the limit
        assert len(batch) < limit + 9 + 16384
        gathered += batch
    assert b"".join(payload for _, _, _, payload in frames(gathered)) == body


def test_a_stream_that_is_reset_between_two_batches() -> None:
    pair = Pair()
    stream_id = opened(pair)
    pair.client.write(stream_id, bytes(60000), True)
    pair.client.data_to_send(1)
    assert pair.client.pending(stream_id) > 0
    pair.client.receive(frame(memory.RST_STREAM, 0, stream_id, b"\0\0\0\x08"))
    assert frames(sent(pair.client)) == []
    assert pair.client.pending(stream_id) == 0


def test_trailers_follow_when_they_are_there() -> None:
    pair = Pair()
    stream_id = opened(pair, wait_for_trailers=True)
    pair.client.write(stream_id, None, True)
    pair.pump()
    assert of_kind(pair.client_events, events.WANT_TRAILERS)
    assert not of_kind(pair.server_events, events.DATA) or not pair.server_events[-1][3]
    pair.client.submit_trailers(stream_id, [("x-a", "1"), ("x-a", "2")])
    pair.pump()
    assert pair.server_events[-1][:2] == (events.HEADERS, stream_id)
    assert pair.server_events[-1][2].raw == [("x-a", "1"), ("x-a", "2")]


# --- windows ------------------------------------------------------------------------------


def test_windows_as_state_says() -> None:
    pair = Pair()
    stream_id = opened(pair)
    assert pair.client.state()["remote_window_size"] == WINDOW
    pair.client.write(stream_id, bytes(10000))
    pair.pump()
    assert pair.client.state()["remote_window_size"] == WINDOW - 10000
    state = pair.server.state()
    assert state["effective_recv_data_length"] == 10000
    assert state["effective_local_window_size"] == WINDOW
    assert state["local_window_size"] == WINDOW - 10000
    stream = pair.server.stream_state(stream_id)
    assert stream is not None
    assert stream["local_window_size"] == WINDOW - 10000


def test_nothing_is_acknowledged_before_it_is_consumed() -> None:
    pair = Pair()
    stream_id = opened(pair)
    pair.client.write(stream_id, bytes(200000), True)
    pair.pump()
    assert len(memory.body(pair.server_events, stream_id)) == WINDOW
    assert not pair.server_wire
    assert pair.client.pending(stream_id) == 200000 - WINDOW
    # below half of it, the stream's window is not returned yet; the connection's is, because other
    # streams would have nothing left of it
    below, rest = WINDOW // 2 - 1, 2
    pair.server.consume(stream_id, below)
    pair.pump()
    assert frames(bytes(pair.server_wire)) == [
        (memory.WINDOW_UPDATE, 0, 0, below.to_bytes(4, "big"))
    ]
    pair.server_wire.clear()
    pair.server.consume(stream_id, rest)
    pair.pump()
    assert frames(bytes(pair.server_wire)) == [
        (memory.WINDOW_UPDATE, 0, stream_id, (below + rest).to_bytes(4, "big")),
        # the connection's window is used up again
        (memory.WINDOW_UPDATE, 0, 0, rest.to_bytes(4, "big")),
    ]
    assert len(memory.body(pair.server_events, stream_id)) == WINDOW + below + rest


@pytest.mark.parametrize("read", [1, 20_000, WINDOW // 2 - 1])
def test_what_was_read_before_the_window_is_full_is_given_back(read: int) -> None:
    """No reader is left, and nothing more can arrive: only the last data can trigger it."""
    pair = Pair()
    first, second, third = (opened(pair) for _ in range(3))
    pair.client.write(first, bytes(read))
    pair.pump()
    pair.server.consume(first, read)
    pair.pump()
    assert not pair.server_wire
    pair.client.write(second, bytes(WINDOW))
    pair.pump()
    pair.client.write(third, bytes(WINDOW))
    pair.pump()
    # the unread data now fills the window
    unread = memory.body(pair.server_events, second) + memory.body(pair.server_events, third)
    assert len(unread) == WINDOW
    given = [got for got in frames(bytes(pair.server_wire)) if got[0] == memory.WINDOW_UPDATE]
    assert given == [(memory.WINDOW_UPDATE, 0, 0, read.to_bytes(4, "big"))]


def test_a_stream_that_is_gone_still_counts_for_the_connection() -> None:
    pair = Pair()
    stream_id = opened(pair)
    pair.client.write(stream_id, bytes(40000))
    pair.pump()
    pair.client.reset(stream_id, 8)
    pair.pump()
    assert pair.server.stream_state(stream_id) is None
    pair.server.consume(stream_id, 40000)
    pair.pump()
    assert pair.client.state()["remote_window_size"] == WINDOW


def test_a_larger_window_is_announced() -> None:
    pair = Pair()
    stream_id = opened(pair)
    pair.server.set_local_window_size(2**20)
    pair.server.set_local_window_size(2**20, stream_id)
    pair.pump()
    assert pair.server.state()["effective_local_window_size"] == 2**20
    assert pair.client.state()["remote_window_size"] == 2**20
    pair.client.write(stream_id, bytes(500000), True)
    pair.pump()
    assert len(memory.body(pair.server_events, stream_id)) == 500000


def test_the_peers_initial_window_size() -> None:
    pair = Pair(server_settings=[(4, 10)])
    stream_id = opened(pair)
    pair.client.write(stream_id, bytes(25), True)
    pair.pump()
    assert len(memory.body(pair.server_events, stream_id)) == 10
    pair.server.submit_settings([(4, 20)])
    pair.pump()
    assert len(memory.body(pair.server_events, stream_id)) == 20
    assert pair.server.local_setting(4) == 20
    assert pair.client.remote_setting(4) == 20


@pytest.mark.parametrize("size", [-1, -(2**31)])
def test_a_window_below_zero(size: int) -> None:
    with pytest.raises(Http2Error):
        Pair().client.set_local_window_size(size)


def test_max_frame_size_is_the_peers() -> None:
    pair = Pair(server_settings=[(5, 20000)])
    stream_id = opened(pair)
    pair.client.write(stream_id, bytes(50000))
    pair.pump()
    assert max(len(f[3]) for f in frames(bytes(pair.client_wire))) == 20000


# --- the strings of header blocks ---------------------------------------------------------


def test_the_same_field_is_the_same_string() -> None:
    pair = Pair()
    given = {f"x-name-{i}": f"value {i}" for i in range(16)}
    seen = []
    for _ in range(3):
        pair.forget()
        pair.request(given, True)
        headers = pair.server_events[0][2]
        seen.append([text for item in headers.items() for text in item])
    # An entry enters HPACK's table the first time, and is found there from then on. A few may share
    # a slot of the cache, and replace each other.
    same = [one is other for one, other in zip(seen[1], seen[2], strict=True)]
    assert sum(same) > len(same) / 2


def test_names_of_the_static_table_are_shared_between_connections() -> None:
    names = []
    for _ in range(2):
        pair = Pair()
        pair.request({"accept-language": "de"}, True)
        names.append(next(k for k in pair.server_events[0][2] if k == "accept-language"))
    assert names[0] is names[1]


def test_a_cached_string_never_stands_for_another_one() -> None:
    pair = Pair(client={"max_deflate_dynamic_table_size": 400}, server_settings=[(1, 400)])
    # the table is so small that addresses of its buffers are reused continuously
    for i in range(600):
        value = f"value-{i % 7}-{i}"
        pair.forget()
        pair.request({"x-changing": value, f"x-{i % 50}": "z" * (i % 30)}, True)
        headers = pair.server_events[0][2]
        assert headers["x-changing"] == value
        assert headers[f"x-{i % 50}"] == "z" * (i % 30)
        pair.client.reset(2 * i + 1, 0)
        pair.pump()


def test_long_values_are_not_kept() -> None:
    pair = Pair()
    values = []
    for _ in range(3):
        pair.forget()
        pair.request({"x-long": "v" * 300}, True)
        values.append(pair.server_events[0][2]["x-long"])
    assert values[1] == values[2] == "v" * 300
    assert values[1] is not values[2]
