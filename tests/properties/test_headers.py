"""Allowed headers arrive as they were sent; others are refused, and the connection continues."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from http2 import Headers, Http2Error, sensitive_headers
from http2.headers import CONNECTION_SPECIFIC, SINGLE_VALUE

from ..support.memory import Pair

TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
PSEUDO = 4

CODES = {
    "ERR_HTTP2_HEADER_SINGLE_VALUE",
    "ERR_HTTP2_INVALID_CONNECTION_HEADERS",
    "ERR_HTTP2_INVALID_HEADER_VALUE",
    "ERR_HTTP2_INVALID_PSEUDOHEADER",
    "ERR_HTTP2_CONNECT_AUTHORITY",
    "ERR_HTTP2_CONNECT_PATH",
    "ERR_HTTP2_CONNECT_SCHEME",
    "ERR_HTTP2_STATUS_INVALID",
    "ERR_INVALID_ARG_TYPE",
    "ERR_INVALID_ARG_VALUE",
    "ERR_INVALID_CHAR",
    "ERR_INVALID_HTTP_TOKEN",
}

names = st.text(TOKEN, min_size=1, max_size=20).filter(
    lambda name: (
        name.lower() not in CONNECTION_SPECIFIC
        and name.lower() not in SINGLE_VALUE
        and name.lower() not in ("te", "cookie", "set-cookie", "priority")
    )
)
values = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60
).map(str.strip)
# str.strip takes off more than HTTP's own whitespace, \x85 and \xa0, which is as well
pairs = st.lists(st.tuples(names, values), max_size=30)


def merged(received: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in received:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


@pytest.mark.row("headers.pairs")
@settings(max_examples=150, deadline=None)
@given(pairs)
def test_pairs_arrive_in_order_with_their_duplicates(sent: list[tuple[str, str]]) -> None:
    pair = Pair()
    pair.request(sent, True)
    headers = pair.server_events[0][2]
    expected = [(name.lower(), value) for name, value in sent]
    assert type(headers) is Headers
    assert headers.raw[PSEUDO:] == expected
    assert {k: v for k, v in headers.items() if not k.startswith(":")} == merged(expected)
    for name, _ in sent:
        assert headers[name] == headers[name.lower()] == headers.get(name.upper())


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        names,
        st.one_of(values, st.none(), st.integers(), values.map(str.encode), st.lists(values)),
        max_size=20,
    ),
    st.sampled_from([dict, UserDict]),
)
def test_mappings_arrive_in_order(given_headers: dict[str, Any], kind: Any) -> None:
    pair = Pair(server={"max_header_list_size": 10**6, "max_header_list_pairs": 10**4})
    pair.request(kind(given_headers), True)
    expected = []
    for name, value in given_headers.items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                text = item.decode("latin-1") if isinstance(item, bytes) else str(item)
                # utf-8 may end in an octet that is whitespace only in Latin-1
                expected.append((name.lower(), text))
    assert pair.server_events[0][2].raw[PSEUDO:] == expected


@settings(max_examples=60, deadline=None)
@given(st.data(), st.dictionaries(names.map(str.lower), values, max_size=10))
def test_sensitive_flags_arrive(data: st.DataObject, given_headers: dict[str, str]) -> None:
    chosen = data.draw(st.sets(st.sampled_from(sorted(given_headers) or ["x-none"])))
    pair = Pair()
    pair.request({**given_headers, sensitive_headers: [name.upper() for name in chosen]}, True)
    headers = pair.server_events[0][2]
    assert set(headers.sensitive) == chosen & given_headers.keys()


@settings(max_examples=60, deadline=None)
@given(st.lists(pairs, min_size=2, max_size=6), st.integers(0, 300))
def test_blocks_after_blocks_through_a_small_table(
    blocks: list[list[tuple[str, str]]], size: int
) -> None:
    pair = Pair(client={"max_deflate_dynamic_table_size": size})
    for block in [*blocks, *blocks]:
        pair.forget()
        pair.request(block, True)
        expected = [(name.lower(), value) for name, value in block]
        assert pair.server_events[0][2].raw[PSEUDO:] == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(200, 599), pairs, pairs)
def test_responses_and_trailers(
    status: int, fields: list[tuple[str, str]], trailers: list[tuple[str, str]]
) -> None:
    pair = Pair()
    pair.request({":method": "POST"})
    pair.server.submit_response(
        1, [(":status", status), ("date", "now"), *fields], wait_for_trailers=True
    )
    pair.server.write(1, None, True)
    pair.pump()
    pair.server.submit_trailers(1, trailers)
    pair.pump()
    raw = [e[2].raw for e in pair.client_events if isinstance(e[2], Headers)]
    assert raw[0] == [
        (":status", str(status)), ("date", "now"), *((n.lower(), v) for n, v in fields)
    ]  # fmt: skip
    assert raw[1:] == ([[(n.lower(), v) for n, v in trailers]] if trailers else [])


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10),
    st.binary(max_size=10), st.just(b"\r\n"), st.lists(st.text(max_size=3), max_size=3),
    st.builds(object), st.tuples(), st.dictionaries(st.text(max_size=2), st.none(), max_size=1),
    st.lists(st.lists(st.text(max_size=1), max_size=2), max_size=2),
)  # fmt: skip
any_name = st.one_of(
    st.text(max_size=8),
    st.binary(max_size=8),
    st.sampled_from(sorted(SINGLE_VALUE | CONNECTION_SPECIFIC | {"te", ":unknown", "x-a"})),
    st.sampled_from([":PATH", "Content-Type", "HOST", sensitive_headers, None, 5]),
)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.dictionaries(any_name, anything, max_size=6),
        st.lists(st.tuples(any_name, anything), max_size=6),
        st.lists(anything, max_size=2),
        anything,
    )
)
def test_whatever_is_refused_is_refused_with_a_known_code(headers: Any) -> None:
    pair = Pair()
    refusal: Exception | None = None
    try:
        pair.client.submit_request(headers, "test", "http", True)
    except (TypeError, ValueError) as error:
        refusal = error
    if refusal is not None:
        assert isinstance(refusal, Http2Error)
        assert refusal.code in CODES
    pair.pump()
    pair.forget()
    # the connection continues in each case
    pair.request({"x-after": "1"}, True)
    assert pair.server_events[-1][2]["x-after"] == "1"
