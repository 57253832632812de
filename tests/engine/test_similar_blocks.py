"""Blocks like earlier ones of the connection: received by a pattern, with the same result.

A connection makes its pattern from the third block on, and another one after two blocks in a row
that do not match it.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from http2 import Headers, sensitive_headers

from ..support.memory import Pair

BROWSER = {
    ":path": "/",
    "accept": "*/*",
    "user-agent": "browser",
    "authorization": "Basic abc",
    "x-small": "1",
}
API = {":path": "/api", "content-type": "application/json", "x-id": "1"}
LONG = "l" * 300

kinds = st.sampled_from([BROWSER, API])
changes = st.dictionaries(
    st.sampled_from([*BROWSER, *API, "cookie", "x-new"]),
    st.sampled_from(["/a", "/b", "/c", "/" + LONG, "/" + LONG + LONG]),
    max_size=3,
)
omitted = st.sets(st.sampled_from(["accept", "x-small", "x-id"]), max_size=1)


def alone(headers: Any) -> Headers:
    """Return *headers* as the first block of a connection."""
    pair = Pair()
    pair.request(headers, True)
    received: Headers = pair.server_events[0][2]
    return received


def check(pair: Pair, headers: Any) -> None:
    """Send a request; it must arrive as it would alone."""
    pair.forget()
    pair.request(headers, True)
    received, expected = pair.server_events[0][2], alone(headers)
    assert type(received) is Headers
    assert list(received.items()) == list(expected.items())
    assert received.raw == expected.raw
    assert received.sensitive == expected.sensitive


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(kinds, changes, omitted), min_size=4, max_size=12), st.booleans())
def test_any_sequence_arrives_as_it_was_sent(
    blocks: list[tuple[dict[str, str], dict[str, str], set[str]]], small_table: bool
) -> None:
    pair = Pair(client={"max_deflate_dynamic_table_size": 100} if small_table else {})
    for kind, change, without in [*blocks, *blocks]:
        block = {**kind, **change}
        check(pair, {name: value for name, value in block.items() if name not in without})


@pytest.mark.parametrize(
    "other",
    [
        {**BROWSER, "accept": "text/html"},
        {**BROWSER, "accept": LONG},
        {**BROWSER, "x-last": "1"},
        {name: value for name, value in BROWSER.items() if name != "x-small"},
        {name: value for name, value in BROWSER.items() if name != "accept"},
        {"x-first": "1", **BROWSER},
        {**BROWSER, "cookie": ["a=1", "b=2"]},
        {**BROWSER, "x-small": ["1", "2"]},
        {**BROWSER, sensitive_headers: ["accept"]},
        {**BROWSER, "accept": "other", sensitive_headers: ["accept"]},
        API,
    ],
    ids=range(11),
)
def test_another_block_between_equal_ones(other: Any) -> None:
    pair = Pair()
    for block in (BROWSER, BROWSER, BROWSER, BROWSER, other, BROWSER, other, other, other, other):
        check(pair, block)
    check(pair, BROWSER)


def test_a_block_of_many_fields() -> None:
    pair = Pair()
    many = {f"x-{n}": str(n) for n in range(100)}
    for n in range(8):
        check(pair, {**many, "x-99": str(n)})


def test_a_program_may_change_what_it_has_received() -> None:
    pair = Pair()
    for _ in range(6):
        pair.forget()
        pair.request(BROWSER, True)
        received = pair.server_events[0][2]
        assert received["accept"] == "*/*"
        received["accept"] = "changed"
        del received["user-agent"]
        received["x-added"] = "1"


def test_responses_and_their_trailers() -> None:
    pair = Pair()
    for n in range(9):
        pair.forget()
        stream_id = pair.request({}, True)
        status = 200 + n % 4
        pair.server.submit_response(
            stream_id, {":status": status, "x-n": str(n), "date": "now"}, wait_for_trailers=True
        )
        pair.server.write(stream_id, b"x", True)
        pair.pump()
        pair.server.submit_trailers(stream_id, {"x-check": str(n)})
        pair.pump()
        blocks = [event[2] for event in pair.client_events if isinstance(event[2], Headers)]
        assert blocks[0] == {":status": status, "x-n": str(n), "date": "now"}
        assert type(blocks[0][":status"]) is int
        assert blocks[1] == {"x-check": str(n)}


def test_limits_hold_for_a_similar_block() -> None:
    pair = Pair(server={"max_header_list_size": 1000})
    for _ in range(5):
        check(pair, BROWSER)
    for _ in range(3):
        pair.forget()
        refused = pair.request({**BROWSER, "accept": "a" * 900}, True)
        # RST_STREAM with ENHANCE_YOUR_CALM
        assert [event[1:3] for event in pair.client_events if event[1] == refused] == [
            (refused, 11)
        ]
        check(pair, BROWSER)
