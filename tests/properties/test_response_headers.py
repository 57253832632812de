"""Accepted headers of a response are sent unchanged; others are refused at the call."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from http2 import Http2Error
from http2.compat.fields import check_links, check_name, check_value, look_up
from http2.engine.field_rules import plain_field
from http2.headers import CONNECTION_SPECIFIC, PSEUDO_HEADERS, SINGLE_VALUE

from ..support.memory import Pair

octets = st.characters(max_codepoint=0xFF)
texts = st.one_of(
    st.text(octets, max_size=20),
    st.text(max_size=20),
    st.text(st.sampled_from("a \t\n\r\0\x7f\x1f€é"), max_size=6),
)
values = st.one_of(
    texts, texts.map(lambda text: text.encode("utf-8", "surrogatepass")), st.integers(),
    st.floats(), st.booleans(), st.none(), st.just({}), st.lists(texts, max_size=3),
    st.lists(st.one_of(st.none(), st.booleans(), st.lists(texts, max_size=1)), max_size=2),
)  # fmt: skip


def sent(name: Any, value: Any) -> Any:
    """Return the field that the client gets of the response, or the code of the error."""
    pair = Pair()
    stream_id = pair.request({}, True)
    try:
        pair.server.submit_response(stream_id, {":status": 200, name: value}, True)
    except Http2Error as error:
        return error.code
    pair.pump()
    (headers,) = [event[2] for event in pair.client_events if event[1] == stream_id][:1]
    return [text for field, text in headers.raw if field == check_name(name)]


def taken(check: Any, *args: Any) -> Any:
    """Return the result of *check*, or the code of its error."""
    try:
        return check(*args)
    except Http2Error as error:
        return error.code


@pytest.mark.row("response.set_header", "response.write_head")
@given(values)
@example(["\t", "\x1f"])
def test_values(value: Any) -> None:
    """Headers on the short path are checked by the engine, by the same rules."""
    checked = taken(check_value, "x", value)
    arrived = sent("x", value)
    if value is None:
        # the engine omits such a field
        assert (checked, arrived) == ("ERR_HTTP2_INVALID_HEADER_VALUE", [])
    elif isinstance(value, list) and None in value:
        assert str(checked).startswith("ERR_")
    elif arrived == "ERR_HTTP2_INVALID_HEADER_VALUE":
        # spaces around it, which depend on the session's options: this error is found at the end,
        # but in a list before the error of the next value
        alone = not isinstance(value, list) or len(value) == 1
        assert not (alone and str(checked).startswith("ERR_"))
    elif str(arrived).startswith("ERR_"):
        assert checked == arrived
    else:
        entries = checked if isinstance(checked, list) else [checked]
        assert arrived == [entry if isinstance(entry, str) else repr(entry) for entry in entries]


@pytest.mark.row("response.set_header", "response.get_header")
@given(texts)
def test_names(name: str) -> None:
    checked = taken(check_name, name)
    if str(checked).startswith("ERR_"):
        assert checked in ("ERR_INVALID_HTTP_TOKEN", "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED")
        assert (checked == "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED") is (
            name.strip().lower() in PSEUDO_HEADERS
        )
    else:
        assert checked == look_up(name)
        if checked not in CONNECTION_SPECIFIC | SINGLE_VALUE | {"te"}:
            assert sent(checked, "value") == ["value"]


names = st.one_of(
    st.sampled_from(
        ["content-type", "Content-Type", "connection", "te", ":status", " content-type", ""]
    ),
    texts,
)


@given(names, values)
@example("content-type", "a\n")
@example("connection", "close")
def test_the_short_way_and_the_long_way(name: str, value: Any) -> None:
    """A common field has the result of the checks; others are left to them."""
    known = plain_field(name, value)
    if known is not None:
        assert known == taken(check_name, name)
        assert value == taken(check_value, known, value)
        assert known not in CONNECTION_SPECIFIC
    # a name that is always stored: of others, only a limited number is
    assert plain_field("content-type", "text") == "content-type"
    assert plain_field("content-type", 5) == "content-type"
    assert plain_field("content-type", "a\n") is None


@pytest.mark.row("response.write_early_hints")
@given(st.one_of(texts, st.text(st.sampled_from('<>;=", /ab\n'), max_size=12), st.integers()))
def test_links_never_hang_and_can_be_sent(link: Any) -> None:
    found = taken(check_links, link)
    if found != "ERR_INVALID_ARG_VALUE":
        assert found == [link]
        assert "\n" not in link


@pytest.mark.row("response.write_early_hints")
@pytest.mark.parametrize("part", [";a= ", ";a", "; ", ";a=", "=", ",</a>", " , </a>; b", ';a="'])
def test_a_long_text_that_is_no_link_is_found_out_soon(part: str) -> None:
    with pytest.raises(Http2Error) as caught:
        check_links("</a>" + part * 2000 + "\n<")
    assert caught.value.code == "ERR_INVALID_ARG_VALUE"
