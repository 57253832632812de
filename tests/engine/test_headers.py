"""Headers in both directions: what a program may pass, how it arrives, and `Headers` itself."""

from __future__ import annotations

import copy
import enum
import pickle
from collections import OrderedDict, UserDict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from http2 import Headers, Http2Error, sensitive_headers
from http2.headers import CONNECTION_SPECIFIC, SINGLE_VALUE

from ..support.memory import Pair

PSEUDO = 4  # the pseudo-headers that a request always has


def arrive(headers: Any, **options: Any) -> Headers:
    """Return *headers* as the other side of a connection receives them."""
    pair = Pair(client=options, server=options | {"max_header_list_pairs": 10000})
    pair.request(headers, True)
    assert pair.server_events, pair.client_events
    received: Headers = pair.server_events[0][2]
    return received


def fields(headers: Any, **options: Any) -> list[tuple[str, str]]:
    return arrive(headers, **options).raw[PSEUDO:]


def refused(headers: Any, **options: Any) -> str:
    """Return the code with which *headers* are refused; the connection still works afterwards."""
    pair = Pair(client=options)
    with pytest.raises((TypeError, ValueError)) as caught:
        pair.request(headers)
    assert isinstance(caught.value, Http2Error)
    pair.request({"x-after": "1"}, True)
    assert pair.server_events[-1][2]["x-after"] == "1"
    return caught.value.code


class Color(str, enum.Enum):  # noqa: UP042 - the older kind, whose str() is not its value
    RED = "red"


class Number(enum.IntEnum):
    SEVEN = 7


class Loud(str):
    def __str__(self) -> str:
        return "LOUD"


class LoudInt(int):
    def __repr__(self) -> str:
        return "LOUD"

    __str__ = __repr__


class LoudFloat(float):
    def __repr__(self) -> str:
        return "LOUD"


class LoudBytes(bytes):
    def __str__(self) -> str:
        return "LOUD"


# --- outgoing -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ("", ""),
        ("caf\xe9 \xff", "caf\xe9 \xff"),
        ("a\tb c", "a\tb c"),
        (b"octets\xff", "octets\xff"),
        (0, "0"),
        (-12, "-12"),
        (999, "999"),
        (1000, "1000"),
        (2**70, str(2**70)),
        (1.5, "1.5"),
        (1e300, "1e+300"),
        (Color.RED, "red"),
        (enum.StrEnum("Kind", {"A": "value-a"}).A, "value-a"),
        (Number.SEVEN, "7"),
        (Loud("quiet"), "quiet"),
        (LoudInt(5), "5"),
        (LoudFloat(2.5), "2.5"),
        (LoudBytes(b"quiet"), "quiet"),
    ],
)
def test_values(value: Any, expected: str) -> None:
    assert fields({"x-a": value}) == [("x-a", expected)]
    assert fields({"x-a": [value]}) == [("x-a", expected)]
    assert fields([("x-a", value)]) == [("x-a", expected)]
    assert fields({"x-a": (value, value)}) == [("x-a", expected)] * 2


@pytest.mark.parametrize("value", [True, object(), {}, {"a": 1}, set(), bytearray(b"x"), 1j, [[]]])
def test_values_of_no_use(value: Any) -> None:
    assert refused({"x-a": value}) == "ERR_INVALID_ARG_TYPE"
    assert refused([("x-a", value)]) == "ERR_INVALID_ARG_TYPE"
    assert refused({"x-a": ["first", value]}) == "ERR_INVALID_ARG_TYPE"


def test_a_list_in_a_list_or_none_in_a_list() -> None:
    assert refused({"x-a": ["1", ["2"]]}) == "ERR_INVALID_ARG_TYPE"
    assert refused({"x-a": ["1", None]}) == "ERR_INVALID_ARG_TYPE"


@pytest.mark.row("headers.validation")
@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\0b", "\N{SNOWMAN}", "a\ud800", b"a\nb"])
def test_characters_that_no_value_may_have(value: Any) -> None:
    assert refused({"x-a": value}) == "ERR_INVALID_CHAR"
    assert refused({"x-a": ["fine", value]}) == "ERR_INVALID_CHAR"
    assert refused([("x-a", value)]) == "ERR_INVALID_CHAR"


def test_none_and_empty_lists_are_left_out() -> None:
    given = {"x-a": None, "x-b": "1", "x-c": [], "x-d": (), ":path": None}
    headers = arrive(given)
    assert headers.raw[PSEUDO:] == [("x-b", "1")]
    assert headers[":path"] == "/"
    assert fields([("x-a", None), ("x-b", "1"), ("x-b", [])]) == [("x-b", "1")]
    assert fields(None) == []
    assert fields({}) == []
    assert fields([]) == []


@pytest.mark.parametrize(
    "make",
    [
        dict,
        OrderedDict,
        UserDict,
        MappingProxyType,
        Headers,
        lambda given: list(given.items()),
        lambda given: tuple(given.items()),
        lambda given: dict(given).items(),
        lambda given: iter(given.items()),
        lambda given: ([name, value] for name, value in given.items()),
    ],
)
def test_mappings_and_pairs(make: Any) -> None:
    given = {":path": "/p", "X-B": "1", "x-a": ["2", "3"], "x-c": 4}
    headers = arrive(make(given))
    assert headers.raw[:1] == [(":path", "/p")]
    assert headers.raw[PSEUDO:] == [("x-b", "1"), ("x-a", "2"), ("x-a", "3"), ("x-c", "4")]


@pytest.mark.parametrize(
    "wrong", ["x-a", b"x-a", bytearray(b"ab"), 5, ["x-a"], [("x-a",)], [("a", "b", "c")], [5], {5}]
)
def test_neither_a_mapping_nor_pairs(wrong: Any) -> None:
    assert refused(wrong) == "ERR_INVALID_ARG_TYPE"


@pytest.mark.parametrize("name", [5, None, ("a",), 1.5])
def test_names_that_are_no_text(name: Any) -> None:
    assert refused({name: "1"}) == "ERR_INVALID_ARG_TYPE"
    assert refused([(name, "1")]) == "ERR_INVALID_ARG_TYPE"


def test_a_name_without_a_hash() -> None:
    assert refused([(["x-a"], "1")]) == "ERR_INVALID_ARG_TYPE"


@pytest.mark.row("headers.validation")
@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a:b", "a\n", "caf\xe9", "\N{SNOWMAN}", "a\0", "(x)", b"a\xff", "a,b"]
)
def test_names_that_are_no_token(name: Any) -> None:
    assert refused({name: "1"}) == "ERR_INVALID_HTTP_TOKEN"


@pytest.mark.row("headers.lower_case")
@pytest.mark.parametrize("name", ["X-MiXeD", b"X-mixed", Loud("x-Mixed"), "x-mixed"])
def test_names_are_lower_cased(name: Any) -> None:
    assert fields({name: "1"}) == [("x-mixed", "1")]


def test_names_of_an_enum() -> None:
    class Field(str, enum.Enum):  # noqa: UP042
        MINE = "X-Mine"

    assert fields({Field.MINE: "1"}) == [("x-mine", "1")]
    assert fields({Field.MINE: "2"}) == [("x-mine", "2")]


@pytest.mark.row("headers.connection_specific")
@pytest.mark.parametrize("name", sorted(CONNECTION_SPECIFIC))
def test_connection_specific_fields(name: str) -> None:
    assert refused({name: "x"}) == "ERR_HTTP2_INVALID_CONNECTION_HEADERS"
    assert refused({name.title(): "x"}) == "ERR_HTTP2_INVALID_CONNECTION_HEADERS"
    assert fields({name: None}) == []


def test_te_may_say_trailers_and_nothing_else() -> None:
    assert fields({"te": "trailers"}) == [("te", "trailers")]
    assert fields({"TE": "Trailers"}) == [("te", "Trailers")]
    for wrong in ("gzip", "", "trailers, gzip", ["trailers", "gzip"]):
        assert refused({"te": wrong}) == "ERR_HTTP2_INVALID_CONNECTION_HEADERS"


@pytest.mark.row("headers.single_value")
@pytest.mark.parametrize("name", sorted(SINGLE_VALUE - {":status", ":protocol"}))
def test_single_value_fields_appear_once(name: str) -> None:
    one = "/" if name == ":path" else "1"
    assert refused({name: [one, "2"]}) == "ERR_HTTP2_HEADER_SINGLE_VALUE"
    assert refused([(name, one), (name, "2")]) == "ERR_HTTP2_HEADER_SINGLE_VALUE"
    if name != ":path":
        return
    assert refused([(name, "/")] * 2, strict_single_value_fields=False) == (
        "ERR_HTTP2_HEADER_SINGLE_VALUE"
    )


@pytest.mark.row("headers.pseudo")
@pytest.mark.parametrize("name", [":unknown", ":", ":Path ", "::path", ":statu\xdf"])
def test_unknown_pseudo_headers(name: str) -> None:
    assert refused({name: "1"}) in (
        "ERR_HTTP2_INVALID_PSEUDOHEADER",
        "ERR_INVALID_HTTP_TOKEN",
    )


@pytest.mark.row("headers.pseudo")
def test_pseudo_headers_come_first() -> None:
    raw = arrive({"x-a": "1", ":path": "/p", "x-b": "2", ":method": "PUT"}).raw
    # in a mapping their position does not matter, in pairs it does
    assert [name for name, _ in raw] == [
        ":path", ":method", ":scheme", ":authority", "x-a", "x-b",
    ]  # fmt: skip
    assert refused([("x-a", "1"), (":path", "/")]) == "ERR_HTTP2_INVALID_PSEUDOHEADER"


def test_a_host_takes_the_place_of_the_authority() -> None:
    headers = arrive({"host": "example.org"})
    assert headers["host"] == "example.org"
    assert ":authority" not in headers


def test_sensitive_fields_are_never_indexed() -> None:
    given = {"x-secret": "1", "X-Other": "2", "x-open": "3"}
    for names in (["x-secret", "X-OTHER"], ("x-other", "x-Secret"), {"x-secret", "x-other"}):
        headers = arrive({**given, sensitive_headers: names})
        assert sorted(headers.sensitive) == ["x-other", "x-secret"]
        assert headers[sensitive_headers] == headers.sensitive
        assert headers.raw[PSEUDO:] == [("x-secret", "1"), ("x-other", "2"), ("x-open", "3")]
    pairs = [*given.items(), (sensitive_headers, ["x-secret"])]
    assert arrive(pairs).sensitive == ["x-secret"]
    assert arrive(UserDict({**given, sensitive_headers: ["x-open"]})).sensitive == ["x-open"]


@pytest.mark.row("headers.sensitive_by_itself")
def test_authorization_and_short_cookies_are_sensitive_by_themselves() -> None:
    assert arrive({"authorization": "Basic x", "cookie": "a=b"}).sensitive == [
        "authorization",
        "cookie",
    ]


def test_thousands_of_names() -> None:
    for start in range(0, 6000, 500):
        given = {f"X-Name-{i}": str(i) for i in range(start, start + 500)}
        assert fields(given, max_header_list_size=10**6) == [
            (name.lower(), value) for name, value in given.items()
        ]


def test_more_fields_than_a_block_has_room_for_at_first() -> None:
    pairs = [("x-many", str(i)) for i in range(1000)]
    assert fields(pairs) == pairs
    assert fields({"x-many": [str(i) for i in range(1000)]}) == pairs
    # and the next block is small again
    assert fields({"x-a": "1"}) == [("x-a", "1")]


# --- incoming -----------------------------------------------------------------------------


@pytest.mark.row("headers.joined", "headers.cookie", "headers.single_value")
def test_merging_of_repeated_fields() -> None:
    pairs = [
        ("x-list", "1"), ("x-list", "2"), ("x-list", "3"),
        ("cookie", "a=b"), ("cookie", "c=d"), ("cookie", "e=f"),
        ("set-cookie", "one"), ("set-cookie", "two"),
        ("age", "1"), ("age", "2"),
        ("accept", "a/b"),
    ]  # fmt: skip
    headers = arrive(pairs, strict_single_value_fields=False)
    assert headers["x-list"] == "1, 2, 3"
    assert headers["cookie"] == "a=b; c=d; e=f"
    assert headers["set-cookie"] == ["one", "two"]
    assert headers["age"] == "1"
    assert headers["accept"] == "a/b"
    assert headers.raw[PSEUDO:] == pairs


@pytest.mark.row("headers.set_cookie")
def test_one_set_cookie_is_a_list_too() -> None:
    headers = arrive({"set-cookie": "a=b"})
    assert headers["set-cookie"] == ["a=b"]
    assert headers.raw[PSEUDO:] == [("set-cookie", "a=b")]


@pytest.mark.row("headers.status")
def test_status_is_a_number() -> None:
    pair = Pair()
    pair.request()
    pair.server.submit_response(1, {":status": "418"})
    pair.pump()
    headers = pair.client_events[0][2]
    assert headers[":status"] == 418
    assert type(headers[":status"]) is int
    assert headers.raw[0] == (":status", "418")


@pytest.mark.row("headers.lower_case", "headers.get", "module.Headers")
def test_look_ups_ignore_case() -> None:
    headers = arrive({"X-Name": "1"})
    assert headers["x-name"] == headers["X-NAME"] == headers.get("X-Name") == "1"
    assert "x-name" in headers
    assert "X-NAME" in headers
    assert "x-other" not in headers
    assert 5 not in headers
    assert headers.get("X-Other") is None
    assert headers.get("x-other", "default") == "default"
    for missing in ("x-other", "X-Other", 5, None):
        with pytest.raises(KeyError):
            headers[missing]


@pytest.mark.row("headers.sensitive")
def test_the_sensitive_key_is_always_there() -> None:
    headers = arrive({"x-a": "1"})
    assert sensitive_headers in headers
    assert headers[sensitive_headers] == []
    assert sensitive_headers not in list(headers)
    assert repr(sensitive_headers) == "http2.sensitive_headers"
    assert pickle.loads(pickle.dumps(sensitive_headers)) is sensitive_headers
    assert copy.deepcopy(sensitive_headers) is sensitive_headers


def assert_same(one: Headers, other: Headers) -> None:
    assert type(one) is type(other) is Headers
    assert one == other
    assert one.raw == other.raw
    assert one.sensitive == other.sensitive


@pytest.mark.row("headers.copy")
@pytest.mark.parametrize("pairs", [[("x-a", "1")], [("x-a", "1"), ("x-a", "2"), ("cookie", "a")]])
def test_copies_keep_everything(pairs: list[tuple[str, str]]) -> None:
    headers = arrive([*pairs, (sensitive_headers, ["x-a"])])
    for made in (
        headers.copy(),
        copy.copy(headers),
        copy.deepcopy(headers),
        pickle.loads(pickle.dumps(headers)),
    ):
        assert_same(made, headers)
        made["x-new"] = "1"
        assert "x-new" not in headers


def test_headers_that_were_received_can_be_sent_on() -> None:
    pair = Pair()
    pair.request(
        [("x-a", "1"), ("x-b", "2"), ("set-cookie", "c"), (sensitive_headers, ["x-b"])], True
    )
    received = pair.server_events[0][2]
    again = arrive(received)
    assert_same(again, received)


def test_headers_made_by_hand() -> None:
    headers = Headers({"x-a": "1", "set-cookie": ["c"], ":status": 200})
    assert headers["X-A"] == "1"
    assert headers.raw == [("x-a", "1"), ("set-cookie", "c"), (":status", "200")]
    assert headers.sensitive == []
    assert Headers() == {}
    assert Headers().raw == []


# --- Headers as a mapping -------------------------------------------------------------------


def assign(headers: Headers) -> None:
    headers["A"] = "2"


def delete(headers: Headers) -> None:
    del headers["A"]


def merge(headers: Headers) -> None:
    headers |= {"A": "2"}


CHANGES: list[tuple[Callable[[Headers], Any], Any, dict[str, str]]] = [
    (assign, None, {"a": "2", "b": "9"}),
    (delete, None, {"b": "9"}),
    (merge, None, {"a": "2", "b": "9"}),
    (lambda headers: headers.pop("A"), "1", {"b": "9"}),
    (lambda headers: headers.pop("A", None), "1", {"b": "9"}),
    (lambda headers: headers.pop("C", "none"), "none", {"a": "1", "b": "9"}),
    (lambda headers: headers.popitem(), ("b", "9"), {"a": "1"}),
    (lambda headers: headers.clear(), None, {}),
    (lambda headers: headers.setdefault("A", "2"), "1", {"a": "1", "b": "9"}),
    (lambda headers: headers.setdefault("C", "2"), "2", {"a": "1", "b": "9", "c": "2"}),
    (lambda headers: headers.update({"A": "2"}), None, {"a": "2", "b": "9"}),
    (lambda headers: headers.update([("A", "2"), ("a", "3")]), None, {"a": "3", "b": "9"}),
    (lambda headers: headers.update(A="2"), None, {"a": "2", "b": "9"}),
    (lambda headers: headers.update(Headers({"A": "2"})), None, {"a": "2", "b": "9"}),
]


@pytest.mark.row("headers.mapping", "headers.raw_stays")
@pytest.mark.parametrize(("change", "result", "left"), CHANGES)
def test_changes_ignore_case_and_raw_stays(
    change: Callable[[Headers], Any], result: Any, left: dict[str, str]
) -> None:
    headers = arrive({"A": "1", "b": "9"})
    for name in [name for name in headers if name.startswith(":")]:
        del headers[name]
    raw = headers.raw
    assert raw[PSEUDO:] == [("a", "1"), ("b", "9")]
    assert change(headers) == result
    assert dict(headers) == left
    assert list(headers) == list(left)
    assert headers.raw == headers.copy().raw == raw
    assert pickle.loads(pickle.dumps(headers)).raw == raw


@pytest.mark.row("headers.raw_stays")
def test_raw_stays_when_a_list_is_changed_in_place() -> None:
    headers = arrive([("set-cookie", "a=1"), ("x", "1")])
    headers["set-cookie"].insert(0, "b=2")
    assert headers["Set-Cookie"] == ["b=2", "a=1"]
    assert headers.raw[PSEUDO:] == [("set-cookie", "a=1"), ("x", "1")]
    headers.raw.clear()
    assert headers.raw[PSEUDO:] == [("set-cookie", "a=1"), ("x", "1")]


@pytest.mark.row("headers.mapping")
def test_names_in_another_case_are_the_same() -> None:
    headers = Headers([("X-A", "1"), ("x-b", "2")], X_C="3")
    assert list(headers) == ["x-a", "x-b", "x_c"]
    assert headers == {"X-a": "1", "x-B": "2", "X_c": "3"}
    assert MappingProxyType({"X-a": "1", "x-B": "2", "X_c": "3"}) == headers
    assert headers != {"x-a": "1", "X-A": "1", "x-b": "2", "x_c": "3"}
    assert headers != {"X-A": "1"}
    assert headers != [("x-a", "1")]
    assert headers == headers.copy()
    assert Headers.fromkeys(["A", "a"], "1") == {"a": "1"}
    for wrong in ("pop", "__delitem__"):
        with pytest.raises(KeyError, match="X-None"):
            getattr(headers, wrong)("X-None")


@pytest.mark.row("headers.mapping")
def test_unions() -> None:
    headers = arrive([("a", "1"), ("a", "2")])
    both = headers | {"A": "3", "C": "4"}
    assert isinstance(both, Headers)
    assert (both["a"], both["c"], both.raw) == ("3", "4", headers.raw)
    assert headers["a"] == "1, 2"
    other = {"A": "3", "C": "4"} | headers
    assert isinstance(other, Headers)
    assert (other["a"], other["c"]) == ("1, 2", "4")
    with pytest.raises(TypeError):
        headers | [("a", "1")]  # type: ignore[operator]
    with pytest.raises(TypeError):
        [("a", "1")] | headers  # type: ignore[operator]


@pytest.mark.row("headers.mapping")
def test_views() -> None:
    headers = Headers({"X-A": "1", "x-b": "2"})
    assert "X-A" in headers.keys()  # noqa: SIM118 - the view is meant
    assert ("X-A", "1") in headers.items()
    assert ("X-A", "2") not in headers.items()
    assert headers.keys() & {"X-A", "X-C"} == {"X-A"}
    assert list(headers.keys()) == list(reversed(list(reversed(headers.keys())))) == ["x-a", "x-b"]
    assert list(headers.items()) == [("x-a", "1"), ("x-b", "2")]
    assert list(reversed(headers.items())) == [("x-b", "2"), ("x-a", "1")]
    assert len(headers.items()) == len(headers.keys()) == 2
    assert {**headers} == dict(headers) == dict(headers.items())


@pytest.mark.row("headers.encoded")
def test_encoded() -> None:
    """In ASGI's form: bytes, no pseudo-headers, one `host` and one `cookie`."""
    plain = arrive({":authority": "a.example", "X-One": "1", "set-cookie": ["a", "b"]})
    assert plain.encoded() == [
        (b"host", b"a.example"), (b"x-one", b"1"), (b"set-cookie", b"a"), (b"set-cookie", b"b"),
    ]  # fmt: skip
    merged = arrive(
        [(":authority", "a.example"), ("cookie", "a=1"), ("x", "1"), ("x", "\xe9"),
         ("host", "b.example"), ("cookie", "b=2"), ("cookie", "c=3")]
    )  # fmt: skip
    assert merged.encoded() == [
        (b"host", b"a.example"), (b"cookie", b"a=1; b=2; c=3"), (b"x", b"1"), (b"x", b"\xe9"),
    ]  # fmt: skip
    assert Headers({":status": 200, "age": "5"}).encoded() == [(b"age", b"5")]
    by_hand = Headers({"Host": "c.example", "n" * 100: "long"})
    assert by_hand.encoded() == [(b"host", b"c.example"), (b"n" * 100, b"long")]
