"""Each option of `Connection` at its limit: an allowed value works, one more does not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from http2 import Http2Error
from http2.engine import events
from http2.engine.connection import Connection

from ..support import memory
from ..support.memory import Pair, frames, of_kind, sent

ENHANCE_YOUR_CALM = 11
# nghttp2's number for a peer that exceeds a limit
FLOODED = -904
OVERHEAD = 32  # the size of a field in addition to its name and value


def code_of(error: pytest.ExceptionInfo[Http2Error]) -> str:
    return error.value.code


@pytest.mark.row("server.option.max_header_list_pairs")
@pytest.mark.parametrize(("extra", "kind"), [(4, events.REQUEST), (5, events.STREAM_CLOSED)])
def test_max_header_list_pairs(extra: int, kind: int) -> None:
    pair = Pair(server={"max_header_list_pairs": 8})
    pair.request({f"x-{i}": "1" for i in range(extra)})
    assert pair.server_events[0][0] == kind


def test_max_header_list_pairs_counts_promises() -> None:
    pair = Pair(client={"max_header_list_pairs": 3})
    pair.request()
    pair.server.submit_push_promise(1, {":path": "/p"}, "test", "http")
    pair.pump()
    assert pair.client_events == [(events.STREAM_CLOSED, 2, ENHANCE_YOUR_CALM, None)]


@pytest.mark.parametrize(("spare", "kind"), [(0, events.HEADERS), (-1, events.STREAM_CLOSED)])
def test_max_header_list_size_counts_names_values_and_an_overhead(spare: int, kind: int) -> None:
    value = "v" * 500
    size = len(":status200") + OVERHEAD + len("x-a") + len(value) + OVERHEAD
    size += len("datetoday") + OVERHEAD
    pair = Pair(client={"max_header_list_size": size + spare})
    pair.request()
    pair.server.submit_response(1, {"x-a": value, "date": "today"}, True)
    pair.pump()
    assert pair.client_events[0][0] == kind


def test_a_rejected_block_leaves_hpack_in_step() -> None:
    pair = Pair(server={"max_header_list_pairs": 6})
    pair.request({"x-one": "1", "x-two": "2", "x-three": "3"})
    pair.forget()
    pair.request({"x-two": "2", "x-three": "3"})
    (request,) = of_kind(pair.server_events, events.REQUEST)
    assert request[2].items() >= {("x-two", "2"), ("x-three", "3")}


@pytest.mark.row("server.option.max_settings")
@pytest.mark.parametrize("entries", [3, 4])
def test_max_settings(entries: int) -> None:
    pair = Pair(server={"max_settings": 3}, client_settings=[(3, 1)] * entries, shake_hands=False)
    pair.pump()
    if entries == 3:
        assert of_kind(pair.client_events, events.SETTINGS_ACK)
    else:
        (told,) = of_kind(pair.client_events, events.GOAWAY)
        assert told[2] == ENHANCE_YOUR_CALM


@pytest.mark.row("server.option.max_send_header_block_length")
@pytest.mark.parametrize(("length", "goes"), [(300, True), (900, False)])
def test_max_send_header_block_length(length: int, goes: bool) -> None:
    pair = Pair(client={"max_send_header_block_length": 1000})
    # the maximum size of the block counts, not its actual size
    pair.request({"x-a": "~" * length})
    assert bool(of_kind(pair.server_events, events.REQUEST)) is goes
    assert bool(of_kind(pair.client_events, events.FRAME_NOT_SENT)) is not goes


def data_lengths(strategy: int, size: int) -> tuple[int, int, bytes]:
    """Return the length of the frame with *size* bytes, its flags, and the received data."""
    pair = Pair(client={"padding_strategy": strategy})
    stream_id = pair.request({":method": "POST"})
    pair.forget()
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    pair.client.write(stream_id, body, True)
    pair.pump()
    (found,) = frames(bytes(pair.client_wire))
    assert memory.body(pair.server_events, stream_id) == body
    return len(found[3]), found[1], found[3]


@pytest.mark.parametrize("size", [0, 1, 6, 7, 8, 100, 3000])
def test_padding_none(size: int) -> None:
    assert data_lengths(0, size)[:2] == (size, memory.END_STREAM)


@pytest.mark.parametrize("size", [0, 1, 6, 7, 8, 100, 3000])
def test_padding_aligned_makes_whole_frames_multiples_of_8(size: int) -> None:
    length, flags, _ = data_lengths(1, size)
    assert (9 + length) % 8 == 0
    assert size <= length < size + 8
    assert bool(flags & memory.PADDED) is (length > size)


@pytest.mark.parametrize("size", [0, 1, 100, 3000])
def test_padding_max_fills_up(size: int) -> None:
    length, flags, payload = data_lengths(2, size)
    assert flags & memory.PADDED
    assert length == size + 256
    assert payload[0] == 255
    assert payload[-255:] == bytes(255)


@pytest.mark.parametrize("strategy", [1, 2])
def test_padding_of_headers(strategy: int) -> None:
    pair = Pair(client={"padding_strategy": strategy})
    pair.request({"x-a": "b"}, True)
    (found,) = [f for f in frames(bytes(pair.client_wire)) if f[0] == memory.HEADERS]
    if strategy == 1:
        assert (9 + len(found[3])) % 8 == 0
    else:
        assert found[1] & memory.PADDED
        assert len(found[3]) > 256


@pytest.mark.row(
    "server.option.peer_max_concurrent_streams", "connect.option.peer_max_concurrent_streams"
)
def test_peer_max_concurrent_streams_holds_until_the_peers_settings() -> None:
    client = Connection(True, peer_max_concurrent_streams=2)
    server = Connection(False)
    client.submit_settings([])
    server.submit_settings([(3, 3)])
    for _ in range(4):
        client.submit_request({":method": "POST"}, "test", "http")
    opened = [f[2] for f in frames(sent(client)) if f[0] == memory.HEADERS]
    assert opened == [1, 3]
    client.receive(sent(server))
    opened = [f[2] for f in frames(sent(client)) if f[0] == memory.HEADERS]
    assert opened == [5]
    client.reset(1, 8)
    opened = [f[2] for f in frames(sent(client)) if f[0] == memory.HEADERS]
    assert opened == [7]


@pytest.mark.row("connect.option.max_reserved_remote_streams")
def test_max_reserved_remote_streams() -> None:
    pair = Pair(client={"max_reserved_remote_streams": 2})
    pair.request({":method": "POST"})
    for i in range(3):
        pair.server.submit_push_promise(1, {":path": f"/{i}"}, "test", "http")
    pair.pump()
    promised = [event[3] for event in of_kind(pair.client_events, events.PUSH_PROMISE)]
    assert promised == [2, 4]
    # the third is cancelled
    assert of_kind(pair.server_events, events.STREAM_CLOSED) == [(events.STREAM_CLOSED, 6, 8, None)]


def resets_until_goaway(burst: int, rate: int) -> int:
    pair = Pair(server={"stream_reset_burst": burst, "stream_reset_rate": rate})
    for count in range(1, 60):
        stream_id = pair.request({":method": "POST"})
        pair.client.reset(stream_id, 8)
        pair.pump()
        failed = of_kind(pair.server_events, events.FAILED)
        if failed:
            ((_, _, code, text),) = failed
            assert code == FLOODED
            assert "stream_reset_burst" in text
            return count
    return 60


@pytest.mark.row("server.option.stream_reset_burst")
def test_stream_reset_burst() -> None:
    assert resets_until_goaway(5, 0) == 6
    assert resets_until_goaway(1000, 33) == 60


@pytest.mark.row("server.option.stream_reset_rate")
def test_stream_reset_rate_pays_back() -> None:
    """Time restores the allowance; with a rate of 0 it does not."""
    ended = {}
    for rate in (0, 20):
        pair = Pair(server={"stream_reset_burst": 2, "stream_reset_rate": rate})
        for _ in range(2):
            for _ in range(2):
                pair.client.reset(pair.request({":method": "POST"}), 8)
                pair.pump()
            # enough for two of them, and a little for rounding of the clock
            until = time.monotonic() + 0.11
            while time.monotonic() < until:
                time.sleep(0.01)
        ended[rate] = bool(of_kind(pair.server_events, events.FAILED))
    assert ended == {0: True, 20: False}


@pytest.mark.row("server.option.max_deflate_dynamic_table_size")
def test_max_deflate_dynamic_table_size() -> None:
    pair = Pair(client={"max_deflate_dynamic_table_size": 0}, server_settings=[(1, 65536)])
    for _ in range(2):
        pair.request({"x-repeated": "value"}, True)
    assert pair.client.state()["deflate_dynamic_table_size"] == 0
    assert pair.server.state()["inflate_dynamic_table_size"] == 0
    roomy = Pair(client={"max_deflate_dynamic_table_size": 65536}, server_settings=[(1, 65536)])
    for i in range(200):
        roomy.request({f"x-name-{i}": "value"}, True)
    assert roomy.client.state()["deflate_dynamic_table_size"] > 4096
    assert (
        roomy.client.state()["deflate_dynamic_table_size"]
        == (roomy.server.state()["inflate_dynamic_table_size"])
    )


@pytest.mark.row("server.option.strict_field_whitespace_validation")
@pytest.mark.parametrize("value", [" a", "a ", "\ta", "a\t", " "])
def test_strict_field_whitespace_validation(value: str) -> None:
    strict = Pair()
    with pytest.raises(Http2Error) as caught:
        strict.request({"x-a": value})
    assert code_of(caught) == "ERR_HTTP2_INVALID_HEADER_VALUE"
    off: dict[str, Any] = {"strict_field_whitespace_validation": False}
    lenient = Pair(client=off, server=off)
    lenient.request({"x-a": value}, True)
    assert lenient.server_events[0][2]["x-a"] == value
    # a strict receiver drops the field or the stream, never the connection
    half = Pair(client=off)
    half.request({"x-a": value}, True)
    for event in of_kind(half.server_events, events.REQUEST):
        assert "x-a" not in event[2]
    assert not of_kind(half.server_events, events.GOAWAY_SENT)


@pytest.mark.row("server.option.strict_single_value_fields")
def test_strict_single_value_fields() -> None:
    strict = Pair()
    for headers in (
        {"content-type": ["a/b", "c/d"]},
        [("content-type", "a/b"), ("content-type", "c/d")],
    ):
        with pytest.raises(Http2Error) as caught:
            strict.request(headers)
        assert code_of(caught) == "ERR_HTTP2_HEADER_SINGLE_VALUE"
    lenient = Pair(client={"strict_single_value_fields": False})
    lenient.request({"content-type": ["a/b", "c/d"]}, True)
    headers = lenient.server_events[0][2]
    assert headers["content-type"] == "a/b"
    assert headers.raw[-2:] == [("content-type", "a/b"), ("content-type", "c/d")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_settings", "many"),
        ("max_header_list_pairs", None),
        ("peer_max_concurrent_streams", -1),
        ("peer_max_concurrent_streams", 2**32),
        ("max_reserved_remote_streams", -1),
        ("stream_reset_burst", 2**64),
        ("no_such_option", 1),
    ],
)
def test_options_of_a_wrong_type_or_size(name: str, value: Any) -> None:
    with pytest.raises((TypeError, OverflowError)):
        Connection(True, **{name: value})
