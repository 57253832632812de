"""Settings: validation, given values, and packing exactly as in Node."""

import array
import base64
import copy
import json
import pickle
import re
import struct
import subprocess
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http2.errors import Http2ArgumentError, Http2Error, Http2TypeError, Http2ValueError
from http2.settings import (
    MAX_CUSTOM_SETTINGS,
    Settings,
    get_default_settings,
    get_packed_settings,
    get_unpacked_settings,
)

from ..support.paths import DATA

NODE = json.loads((DATA / "node_http2.json").read_text())

RANGES = {
    "header_table_size": (0, 2**32 - 1),
    "max_concurrent_streams": (0, 2**32 - 1),
    "initial_window_size": (0, 2**31 - 1),
    "max_frame_size": (2**14, 2**24 - 1),
    "max_header_list_size": (0, 2**32 - 1),
    "max_header_size": (0, 2**32 - 1),
}
BOOLEANS = ("enable_push", "enable_connect_protocol")
KNOWN = {1, 2, 3, 4, 5, 6, 8}

customs = st.dictionaries(
    st.integers(1, 2**16 - 1).filter(lambda i: i not in KNOWN),
    st.integers(0, 2**32 - 1),
    max_size=MAX_CUSTOM_SETTINGS,
)
mappings = st.fixed_dictionaries(
    {},
    optional={
        **{
            name: st.integers(low, high)
            for name, (low, high) in RANGES.items()
            if name != "max_header_size"
        },
        **{name: st.booleans() for name in BOOLEANS},
        "custom_settings": customs,
    },
)


def camel(name: str) -> str:
    return re.sub("_(.)", lambda match: match[1].upper(), name)


def node(script: str, argument: object) -> Any:
    """Run a script with `http2` and `input`; return its `output`."""
    program = f"""
        const http2 = require('node:http2');
        const input = JSON.parse(process.argv[1]);
        let output;
        {script}
        process.stdout.write(JSON.stringify(output));
    """
    result = subprocess.run(
        ["node", "--no-warnings", "-e", program, json.dumps(argument)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(result.stdout)


def to_node(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in mapping.items()}


@pytest.mark.row(
    "module.Settings",
    "settings.header_table_size",
    "settings.enable_push",
    "settings.initial_window_size",
    "settings.max_frame_size",
    "settings.max_concurrent_streams",
    "settings.max_header_list_size",
    "settings.enable_connect_protocol",
)
def test_defaults_are_those_of_node() -> None:
    for settings in (Settings(), get_default_settings(), Settings.of(None)):
        for name, value in NODE["default_settings"].items():
            ours = getattr(settings, re.sub("[A-Z]", lambda m: "_" + m[0].lower(), name))
            assert ours == value
            assert type(ours) is type(value)
        assert settings.custom_settings == {}


@pytest.mark.row("module.get_default_settings", "settings.given")
def test_default_settings_are_fresh_and_given() -> None:
    first, second = get_default_settings(), get_default_settings()
    assert first == second == Settings()
    assert first.given == {*RANGES, *BOOLEANS} - {"max_header_size"}
    first.max_frame_size = 20000
    assert second.max_frame_size == 16384
    assert first != second


@pytest.mark.parametrize(("name", "bounds"), RANGES.items())
def test_ranges(name: str, bounds: tuple[int, int]) -> None:
    low, high = bounds
    for value in (low, high):
        assert getattr(Settings.of({name: value}), name) == value
    wrong: list[Any] = [low - 1, high + 1, True, False, "5", 1.5, float(low), float("nan"), b"1"]
    for value in wrong:
        with pytest.raises(Http2ValueError, match=rf"\b{name}\b") as caught:
            Settings(**{name: value})
        assert caught.value.code == "ERR_HTTP2_INVALID_SETTING_VALUE"
        settings = Settings()
        with pytest.raises(Http2ValueError):
            setattr(settings, name, value)
        assert settings.given == set()


@pytest.mark.parametrize("name", BOOLEANS)
def test_booleans(name: str) -> None:
    for value in (True, False):
        assert getattr(Settings.of({name: value}), name) is value
    wrong: list[Any] = [0, 1, "true", 1.0]
    for value in wrong:
        with pytest.raises(Http2ValueError, match=name) as caught:
            Settings(**{name: value})
        assert caught.value.code == "ERR_HTTP2_INVALID_SETTING_VALUE"
        with pytest.raises(Http2ValueError):
            setattr(Settings(), name, value)


@given(st.sampled_from(list(RANGES)), st.integers(-(2**33), 2**33))
def test_every_integer_is_in_range_or_refused(name: str, value: int) -> None:
    low, high = RANGES[name]
    if low <= value <= high:
        assert getattr(Settings.of({name: value}), name) == value
    else:
        with pytest.raises(Http2ValueError):
            Settings.of({name: value})


@pytest.mark.parametrize(
    "custom",
    [
        {0: 1},
        {-1: 1},
        {65536: 1},
        {"20": 1},
        {True: 1},
        {20.0: 1},
        {20: -1},
        {20: 2**32},
        {20: "1"},
        {20: True},
        {20: None},
        # With identifiers that have a name, and values that are invalid for it.
        {2: 2},
        {4: 2**31},
        {5: 16383},
        {8: 2},
    ],
    ids=repr,
)
def test_wrong_custom_settings(custom: Any) -> None:
    settings = Settings(custom_settings={20: 1})
    with pytest.raises(Http2ValueError) as caught:
        settings.custom_settings = custom
    assert caught.value.code == "ERR_HTTP2_INVALID_SETTING_VALUE"
    assert settings.custom_settings == {20: 1}
    with pytest.raises(Http2ValueError):
        Settings(custom_settings=custom)


@pytest.mark.row("settings.custom_settings")
def test_number_of_custom_settings() -> None:
    ten = dict.fromkeys(range(100, 110), 0)
    assert Settings(custom_settings=ten).custom_settings == ten
    with pytest.raises(Http2ValueError) as caught:
        Settings(custom_settings={**ten, 110: 0})
    assert caught.value.code == "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS"


def test_custom_settings_are_a_mapping() -> None:
    wrong: list[Any] = [5, "x", [(1, 2)]]
    for value in wrong:
        with pytest.raises(Http2TypeError) as caught:
            Settings(custom_settings=value)
        assert caught.value.code == "ERR_INVALID_ARG_TYPE"


def test_custom_settings_are_copied_and_checked_again_when_sent() -> None:
    source = {20: 1}
    settings = Settings(custom_settings=source)
    source[20] = 2
    assert settings.custom_settings == {20: 1}
    settings.custom_settings[21] = 3
    assert get_packed_settings(settings) == bytes.fromhex("001400000001001500000003")
    settings.custom_settings[22] = -1
    with pytest.raises(Http2ValueError):
        get_packed_settings(settings)


def test_named_setting_wins_over_its_custom_one() -> None:
    custom = {5: 20000, 20: 1}
    assert Settings(custom_settings=custom).to_pairs() == [(5, 20000), (20, 1)]
    both = Settings(custom_settings=custom, max_frame_size=16385, header_table_size=1)
    assert both.to_pairs() == [(1, 1), (5, 16385), (20, 1)]


@pytest.mark.row("settings.given")
def test_given() -> None:
    settings = Settings(enable_push=True, max_header_size=7)
    assert settings.given == {"enable_push", "max_header_list_size"}
    settings.max_frame_size = 16384
    assert settings.given == {"enable_push", "max_header_list_size", "max_frame_size"}
    settings.custom_settings[20] = 1
    assert "custom_settings" in settings.given
    assert Settings(header_table_size=None, custom_settings=None).given == set()


@pytest.mark.row("settings.max_header_size")
def test_max_header_size_is_another_name() -> None:
    settings = Settings(max_header_size=5)
    assert settings.max_header_list_size == 5
    settings.max_header_list_size = 6
    assert settings.max_header_size == 6
    settings.max_header_size = 7
    assert settings.max_header_list_size == 7
    assert Settings(max_header_size=8, max_header_list_size=8).max_header_size == 8
    with pytest.warns(RuntimeWarning, match="max_header_size"):
        both = Settings(max_header_size=8, max_header_list_size=9)
    assert both.max_header_list_size == 8


def test_unknown_names() -> None:
    with pytest.raises(TypeError, match="headerTableSize"):
        Settings(headerTableSize=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Settings(5)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        Settings().header_tabel_size = 5  # type: ignore[attr-defined]


@pytest.mark.row("settings.of")
def test_of() -> None:
    settings = Settings(max_frame_size=16385, custom_settings={20: 1})
    normal = Settings.of(settings)
    assert normal is not settings
    assert normal == settings
    assert normal.given == settings.given
    settings.max_frame_size = 16386
    settings.custom_settings[20] = 2
    assert (normal.max_frame_size, normal.custom_settings) == (16385, {20: 1})
    assert Settings.of(MappingProxyType({"enable_push": False})).given == {"enable_push"}
    assert Settings.of({}).given == set()


@pytest.mark.parametrize(
    "value", [5, "x", b"", [("enable_push", False)], pytest.param(object(), id="object")], ids=repr
)
def test_of_something_else(value: Any) -> None:
    with pytest.raises(Http2TypeError) as caught:
        Settings.of(value)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
    with pytest.raises(TypeError):
        get_packed_settings(value)


@pytest.mark.parametrize("key", ["headerTableSize", "given", "_values", 5, None])
def test_of_a_mapping_with_an_unknown_key(key: Any) -> None:
    with pytest.raises(Http2ArgumentError, match=re.escape(repr(key))) as caught:
        Settings.of({key: 5})
    assert caught.value.code == "ERR_INVALID_ARG_VALUE"
    assert isinstance(caught.value, TypeError)


@pytest.mark.row("settings.from_pairs")
def test_of_settings_that_came_off_the_wire() -> None:
    with pytest.raises(Http2ValueError, match="initial_window_size"):
        Settings.of(get_unpacked_settings(bytes.fromhex("0004ffffffff")))


def test_equality() -> None:
    assert Settings() == get_default_settings()
    assert Settings(enable_push=True) == Settings()
    assert Settings(enable_push=False) != Settings()
    assert Settings(custom_settings={20: 1}) != Settings()
    assert Settings() != {}
    with pytest.raises(TypeError, match="unhashable"):
        hash(Settings())


@given(mappings)
def test_copies_are_equal_and_share_nothing(mapping: dict[str, Any]) -> None:
    settings = Settings(**mapping)
    same = eval(repr(settings), {"Settings": Settings})
    for other in (
        same,
        copy.copy(settings),
        copy.deepcopy(settings),
        pickle.loads(pickle.dumps(settings)),
    ):
        assert other == settings
        assert other.given == settings.given
        other.header_table_size = 7
        other.custom_settings[7] = 7
        assert settings.custom_settings == mapping.get("custom_settings", {})
        assert settings.header_table_size == mapping.get("header_table_size", 4096)
    assert Settings(**settings.as_dict()) == settings


@pytest.mark.row("settings.to_pairs", "settings.from_pairs")
@given(mappings)
def test_round_trip(mapping: dict[str, Any]) -> None:
    settings = Settings.of(mapping)
    packed = get_packed_settings(mapping)
    assert packed == get_packed_settings(settings)
    back = get_unpacked_settings(packed)
    assert back == settings
    assert back.given == settings.given
    assert [type(v) for v in back.as_dict().values()] == [
        type(v) for v in settings.as_dict().values()
    ]
    assert Settings.from_pairs(settings.to_pairs()) == settings


@given(st.lists(st.tuples(st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)), max_size=40))
def test_whatever_a_peer_sends_can_be_unpacked(pairs: list[tuple[int, int]]) -> None:
    settings = get_unpacked_settings(b"".join(struct.pack("!HI", *pair) for pair in pairs))
    expected = dict(pairs)
    for identifier in (2, 8):
        if identifier in expected:
            expected[identifier] = int(expected[identifier] != 0)
    assert dict(settings.to_pairs()) == expected


def test_more_than_ten_unknown_settings_can_be_unpacked() -> None:
    pairs = [(identifier, identifier) for identifier in range(100, 150)]
    settings = get_unpacked_settings(b"".join(struct.pack("!HI", *pair) for pair in pairs))
    assert settings.custom_settings == dict(pairs)
    with pytest.raises(Http2ValueError):
        get_packed_settings(settings)


@pytest.mark.parametrize("length", [1, 2, 5, 7, 11, 13])
def test_packed_length(length: int) -> None:
    with pytest.raises(Http2ValueError) as caught:
        get_unpacked_settings(bytes(length))
    assert caught.value.code == "ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH"


@pytest.mark.parametrize("value", [None, "000200000000", 6, [0] * 6], ids=repr)
def test_unpack_something_else(value: Any) -> None:
    with pytest.raises(Http2TypeError) as caught:
        get_unpacked_settings(value)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


def test_unpack_any_buffer() -> None:
    packed = bytes.fromhex("000200000000")
    words = array.array("H")
    words.frombytes(packed)
    strided = memoryview(b"".join(bytes((byte, 0xFF)) for byte in packed))[::2]
    for buf in (packed, bytearray(packed), memoryview(packed), words, strided):
        assert get_unpacked_settings(buf) == Settings(enable_push=False)
    assert get_unpacked_settings(b"").given == set()


@pytest.mark.row("module.get_packed_settings")
def test_example_of_the_documentation() -> None:
    assert base64.b64encode(get_packed_settings({"enable_push": False})) == b"AAIAAAAA"
    assert get_packed_settings() == get_packed_settings({}) == b""


# Node refuses the value 0 of a custom setting, against its own documentation, and treats an
# identifier below 8 as its internal number of a setting: neither is compared.
SAMPLES: list[dict[str, Any]] = [
    {},
    get_default_settings().as_dict(),
    {"enable_push": False},
    {"enable_push": True},
    {"header_table_size": 0},
    {"header_table_size": 2**32 - 1},
    {"initial_window_size": 2**31 - 1},
    {"max_frame_size": 16384},
    {"max_frame_size": 2**24 - 1},
    {"max_concurrent_streams": 0},
    {"max_concurrent_streams": 2**32 - 1},
    {"max_header_list_size": 0},
    {"max_header_list_size": 77},
    {"max_header_size": 78},
    {"max_header_size": 79, "max_header_list_size": 79},
    {"enable_connect_protocol": True},
    {"enable_connect_protocol": True, "enable_push": False, "header_table_size": 1},
    {"custom_settings": {}},
    {"custom_settings": {9999: 1, 12: 3, 65535: 2**32 - 1}},
    {"custom_settings": {20 - n: n + 1 for n in range(10)}, "max_frame_size": 16385},
    {
        "custom_settings": {9999: 1, 12: 3},
        "enable_connect_protocol": False,
        "max_header_list_size": 6,
        "max_frame_size": 16385,
        "initial_window_size": 4,
        "max_concurrent_streams": 3,
        "enable_push": True,
        "header_table_size": 2,
    },
]


@pytest.mark.interop
@pytest.mark.row("module.get_packed_settings")
def test_packs_as_node_packs() -> None:
    theirs = node(
        "output = input.map((settings) => http2.getPackedSettings(settings).toString('hex'));",
        [to_node(sample) for sample in SAMPLES],
    )
    assert [get_packed_settings(sample).hex() for sample in SAMPLES] == theirs
    nothing = "output = http2.getPackedSettings().toString('hex');"
    assert node(nothing, None) == get_packed_settings(None).hex()
    defaults = "output = http2.getPackedSettings(http2.getDefaultSettings()).toString('hex');"
    assert node(defaults, None) == get_packed_settings(get_default_settings()).hex()


@pytest.mark.interop
@pytest.mark.row("module.get_unpacked_settings")
def test_unpacks_as_node_unpacks() -> None:
    packed = [get_packed_settings(sample).hex() for sample in SAMPLES]
    packed += [
        "000200000005",  # a boolean that is neither 0 nor 1
        "0004ffffffff",  # out of range
        "000100000005000100000006",  # twice
        "00000000000100070000000200090000000304000000000c",
    ]
    theirs = node(
        "output = input.map((hex) => http2.getUnpackedSettings(Buffer.from(hex, 'hex')));", packed
    )
    for packed_hex, expected in zip(packed, theirs, strict=True):
        settings = get_unpacked_settings(bytes.fromhex(packed_hex))
        custom = {int(key): value for key, value in expected.pop("customSettings", {}).items()}
        assert settings.custom_settings == custom
        ours = {camel(name) for name in settings.given - {"custom_settings"}}
        assert ours == expected.keys() - {"maxHeaderSize"}
        for name in settings.given - {"custom_settings"}:
            value = getattr(settings, name)
            assert value == expected[camel(name)]
            assert type(value) is type(expected[camel(name)])


RANGE, MANY, TYPE = (
    "ERR_HTTP2_INVALID_SETTING_VALUE",
    "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS",
    "ERR_INVALID_ARG_TYPE",
)
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"max_frame_size": 16383}, RANGE),
    ({"max_frame_size": 2**24}, RANGE),
    ({"initial_window_size": 2**31}, RANGE),
    ({"header_table_size": 2**32}, RANGE),
    ({"header_table_size": -1}, RANGE),
    ({"max_concurrent_streams": 2**32}, RANGE),
    ({"max_header_list_size": -1}, RANGE),
    ({"max_header_size": 2**32}, RANGE),
    ({"enable_push": 1}, RANGE),
    ({"enable_connect_protocol": 0}, RANGE),
    ({"custom_settings": {0: 1}}, RANGE),
    ({"custom_settings": {65536: 1}}, RANGE),
    ({"custom_settings": {20: -1}}, RANGE),
    ({"custom_settings": {20: 2**32}}, RANGE),
    ({"custom_settings": {20 + n: 1 for n in range(11)}}, MANY),
    ({"custom_settings": 5}, TYPE),
]


@pytest.mark.interop
@pytest.mark.row("settings.range")
def test_refuses_what_node_refuses() -> None:
    theirs = node(
        """
        output = input.map((settings) => {
          try { http2.getPackedSettings(settings); return null; } catch (e) { return e.code; }
        });
        """,
        [to_node(sample) for sample, _ in WRONG],
    )
    for (sample, code), their_code in zip(WRONG, theirs, strict=True):
        with pytest.raises(Http2Error) as caught:
            get_packed_settings(sample)
        assert isinstance(caught.value, TypeError if code == TYPE else ValueError)
        assert caught.value.code == code
        # Node 20.18 (not 20.20) accepts a window that RFC 9113 section 6.5.2 forbids.
        if their_code is not None or "initial_window_size" not in sample:
            assert their_code == code, sample
